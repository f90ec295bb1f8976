"""`keepfit watch`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from keepfit import record
from keepfit.commands import words
from keepfit.commands.shared import Given, emit, options, working
from keepfit.estimate import Estimate
from keepfit.incident import Incident
from keepfit.loop.expect import expect
from keepfit.loop.incidents import follow
from keepfit.loop.label import bring
from keepfit.loop.watch import watch
from keepfit.window import Window

__all__ = ["command"]


@click.command("watch", epilog="Example: keepfit watch --json")
@options
def command(given: Given) -> int:
    """Look once at the windows whose labels are due, and write down what is seen; of those that have only ended, estimate the quality.

    Exit status: 0 all is well, 1 an incident is open, 2 none is and a window could not be judged.
    """
    ws = given.workspace()
    with given.alone(ws), working(given):
        bring(ws, now=given.now)
        early = expect(ws, now=given.now)
        seen = watch(ws, now=given.now)
        judged = {(window.begin, window.end) for window in seen}
        early = [one for one in early if (one.begin, one.end) not in judged]
        opened = follow(ws, now=given.now)
    emit(
        given,
        [*map(record.to_json, early), *map(record.to_json, seen)],
        lambda: "\n".join(_lines(seen, early, opened)),
    )
    return 1 if opened else 2 if any(window.evaluation is None for window in seen) else 0


def _lines(seen: list[Window], early: list[Estimate], opened: list[Incident]) -> Iterator[str]:
    for window in seen:
        yield from words.window_lines(window)
    for one in early:
        yield from words.estimate_lines(one)
    if not seen:
        yield "Nothing to look at: no window's labels are due."
    yield from map(words.incident_line, opened)
