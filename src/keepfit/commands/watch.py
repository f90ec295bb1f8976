"""`keepfit watch`."""

from __future__ import annotations

import click

from keepfit import record
from keepfit.commands import words
from keepfit.commands.shared import Given, emit, options, working
from keepfit.loop.watch import watch

__all__ = ["command"]


@click.command("watch", epilog="Example: keepfit watch --json")
@options
def command(given: Given) -> None:
    """Look once at the windows whose labels are due, and write down what is seen."""
    ws = given.workspace()
    with given.alone(ws), working(given):
        seen = watch(ws, now=given.now)
    emit(
        given,
        [record.to_json(window) for window in seen],
        lambda: (
            "\n".join(line for window in seen for line in words.window_lines(window)) or "Nothing to look at: no window's labels are due."
        ),
    )
