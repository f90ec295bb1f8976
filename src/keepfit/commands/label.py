"""`keepfit label`."""

from __future__ import annotations

from pathlib import Path

import click

from keepfit.commands.shared import Given, emit, options
from keepfit.loop.label import label

__all__ = ["command"]


@click.command("label", epilog="Example: keepfit label arrivals.csv")
@click.argument("table", type=click.Path(path_type=Path))
@options
def command(given: Given, table: Path) -> None:
    """Bring late truth from TABLE: the key's columns (or `prediction`, an id) and the target."""
    ws = given.workspace()
    held, new = label(ws, table.resolve(), now=given.now)
    emit(given, {"labels": held, "new": new}, lambda: f"{table.name} holds {held:,} labels, {new:,} of them new. Next: keepfit watch")
