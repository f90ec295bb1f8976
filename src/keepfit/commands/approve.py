"""`keepfit approve`."""

from __future__ import annotations

import click

from keepfit.commands.shared import Given, emit, options
from keepfit.decision import REFIT
from keepfit.loop.decide import approve

__all__ = ["command"]


@click.command("approve", epilog='Example: keepfit approve r5 --because "reviewed by the desk"')
@click.argument("what", required=False)
@click.option("--because", required=True, help="The reason, which stays on record.")
@options
def command(given: Given, what: str | None, because: str) -> None:
    """Let a challenger go on that waits for a person; or `refit`: fit again after it was given up or its data refused.

    WHAT is a release, or the word refit; by default the one thing that waits. The next turn goes by it. Your name and
    the reason stay on record.
    """
    entry = approve(given.workspace().beside(), what, because=because, now=given.now)
    about = "Refitting goes on" if entry.body["about"] == REFIT else f"{entry.body['about']} may go on"
    emit(given, dict(entry.body), lambda: f"{about}, says {entry.actor}. Next: keepfit turn")
