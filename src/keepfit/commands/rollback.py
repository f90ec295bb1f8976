"""`keepfit rollback`."""

from __future__ import annotations

import click

from keepfit.commands.shared import Given, emit, options
from keepfit.loop.release import rollback

__all__ = ["command"]


@click.command("rollback", epilog='Example: keepfit rollback --because "complaints since Tuesday"')
@click.option("--because", required=True, help="The reason, which stays on record.")
@options
def command(given: Given, because: str) -> None:
    """Make the previous champion the champion again. Your name and the reason stay on record."""
    entry = rollback(given.workspace().beside(), because=because, now=given.now)
    emit(given, dict(entry.body), lambda: f"{entry.body['release']} is champion again (was {entry.body['was']}).")
