"""`keepfit show`."""

from __future__ import annotations

import click
import msgspec

from keepfit.commands import names
from keepfit.commands.shared import Given, emit, options
from keepfit.reports.lineage import entry_named, whole

__all__ = ["command"]


@click.command("show", epilog="Example: keepfit show r1; keepfit show champion; keepfit show 12")
@click.argument("name", shell_complete=names.of_things)
@options
def command(given: Given, name: str) -> None:
    """One thing whole, with the records that its entry names.

    NAME is a candidate (c1), a release (r1), a role (champion), a snapshot by the beginning of its digest, or any entry by its
    number (12).
    """
    ws = given.workspace()
    found = whole(ws, entry_named(ws, name))
    emit(given, found, lambda: msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
