"""`keepfit veto`."""

from __future__ import annotations

import click

from keepfit.commands import names
from keepfit.commands.shared import Given, emit, options
from keepfit.loop.decide import veto

__all__ = ["command"]


@click.command("veto", epilog='Example: keepfit veto r5 --because "it was fitted on the wrong prices"')
@click.argument("release", shell_complete=names.of_releases)
@click.option("--because", required=True, help="The reason, which stays on record.")
@options
def command(given: Given, release: str, because: str) -> None:
    """Keep RELEASE, a challenger, from going on; the next turn takes one that answers already out of its stage.

    Your name and the reason stay on record. An approval of the same release ends the veto.
    """
    entry = veto(given.workspace().beside(), release, because=because, now=given.now)
    emit(given, dict(entry.body), lambda: f"{release} does not go on, says {entry.actor}.")
