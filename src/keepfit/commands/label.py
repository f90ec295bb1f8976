"""`keepfit label`."""

from __future__ import annotations

from pathlib import Path

import click

from keepfit.commands.shared import Given, emit, options
from keepfit.loop.asked import Suggestion
from keepfit.loop.label import label
from keepfit.loop.suggest import suggest as suggested

__all__ = ["command"]


@click.command("label", epilog="Example: keepfit label arrivals.csv")
@click.argument("table", type=click.Path(path_type=Path))
@click.option("--suggest", type=click.IntRange(min=1), metavar="N", help="Write to TABLE which N answers are worth labelling.")
@options
def command(given: Given, table: Path, suggest: int | None) -> None:
    """Bring late truth from TABLE: the key's columns (or `prediction`, an id) and the target."""
    ws = given.workspace()
    if suggest is not None:
        with given.alone(ws):
            made = suggested(ws, table.resolve(), suggest, now=given.now)
        emit(given, made, lambda: _sheet(made, table))
        return
    held, new = label(ws, table.resolve(), now=given.now)
    emit(given, {"labels": held, "new": new}, lambda: f"{table.name} holds {held:,} labels, {new:,} of them new. Next: keepfit watch")


def _sheet(made: Suggestion, table: Path) -> str:
    whose = f"{made.rows:,} answers of {made.release} from {made.begin:%Y-%m-%d} to {made.end:%Y-%m-%d}"
    return f"{table.name} waits for the labels of {len(made.chances):,} of {whose}. Next: fill it in, then keepfit label {table.name}"
