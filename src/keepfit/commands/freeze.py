"""`keepfit freeze`."""

from __future__ import annotations

import click

from keepfit.commands.shared import Given, emit, options
from keepfit.loop.decide import freeze

__all__ = ["command"]


@click.command("freeze", epilog='Example: keepfit freeze --because "the audit is under way"; keepfit freeze --end --because "it is over"')
@click.option("--end", is_flag=True, help="Let the loop go on.")
@click.option("--because", required=True, help="The reason, which stays on record.")
@options
def command(given: Given, end: bool, because: str) -> None:
    """Keep the loop from fitting, promoting or rolling back anything by itself.

    Windows are looked at and incidents opened all the while; people may still promote and roll back. Your name and the
    reason stay on record.
    """
    entry = freeze(given.workspace().beside(), end=end, because=because, now=given.now)
    said = "The loop goes on" if end else "Frozen: nothing changes by itself until keepfit freeze --end"
    emit(given, dict(entry.body), lambda: f"{said}, says {entry.actor}.")
