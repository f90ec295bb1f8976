"""`keepfit label`."""

from __future__ import annotations

from pathlib import Path

import click

from keepfit import errors
from keepfit.commands.shared import Given, emit, options
from keepfit.loop.asked import Suggestion
from keepfit.loop.label import label, label_from_source
from keepfit.loop.suggest import suggest as suggested
from keepfit.workspace import Workspace

__all__ = ["command"]


@click.command("label", epilog="Example: keepfit label arrivals.csv")
@click.argument("table", type=click.Path(path_type=Path), required=False)
@click.option("--suggest", type=click.IntRange(min=1), metavar="N", help="Write to TABLE which N answers are worth labelling.")
@options
def command(given: Given, table: Path | None, suggest: int | None) -> None:
    """Bring late truth from TABLE: the key's columns (or `prediction`, an id) and the target.

    Without TABLE from the source that [labels] names, as every watch and turn does by itself.
    """
    ws = given.workspace()
    if suggest is not None:
        _suggest(given, ws, table, suggest)
        return
    held, new = label(ws, table.resolve(), now=given.now) if table else label_from_source(ws, now=given.now)
    where = table.name if table else "[labels] source"
    emit(given, {"labels": held, "new": new}, lambda: f"{where} holds {held:,} labels, {new:,} of them new. Next: keepfit watch")


def _suggest(given: Given, ws: Workspace, table: Path | None, count: int) -> None:
    if table is None:
        raise errors.BadArgument("there is no table to write to", at="TABLE", fix="name one: keepfit label worth.csv --suggest 50")
    with given.alone(ws):
        made = suggested(ws, table.resolve(), count, now=given.now)
    emit(given, made, lambda: _sheet(made, table))


def _sheet(made: Suggestion, table: Path) -> str:
    whose = f"{made.rows:,} answers of {made.release} from {made.begin:%Y-%m-%d} to {made.end:%Y-%m-%d}"
    return f"{table.name} waits for the labels of {len(made.chances):,} of {whose}. Next: fill it in, then keepfit label {table.name}"
