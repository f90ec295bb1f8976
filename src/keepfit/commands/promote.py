"""`keepfit promote`."""

from __future__ import annotations

import click

from keepfit.commands import names
from keepfit.commands.shared import Given, emit, options
from keepfit.loop.release import promote

__all__ = ["command"]


@click.command("promote", epilog='Example: keepfit promote r2 --because "reviewed by the desk"')
@click.argument("release", shell_complete=names.of_releases)
@click.option("--because", required=True, help="The reason, which stays on record.")
@options
def command(given: Given, release: str, because: str) -> None:
    """Make RELEASE the champion. Your name and the reason stay on record."""
    entry = promote(given.workspace().beside(), release, because=because, now=given.now)
    emit(given, dict(entry.body), lambda: f"{release} is champion (was {entry.body['was']}). Back: keepfit rollback")
