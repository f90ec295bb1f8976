"""`keepfit turn`."""

from __future__ import annotations

import click

from keepfit.commands import words
from keepfit.commands.shared import Given, emit, options, working
from keepfit.loop.turn import Turn, turn

__all__ = ["command", "told"]


@click.command("turn", epilog="Example: keepfit turn; call it as often as you like")
@options
def command(given: Given) -> None:
    """Do the one thing that is due: look at a window, fit a challenger, race it, test its stage, promote it, or roll back."""
    ws = given.workspace()
    with given.alone(ws), working(given) as progress:
        done = turn(ws, now=given.now, progress=progress)
    emit(given, done, lambda: told(done))


def told(done: Turn) -> str:
    """A turn for people."""
    action = done.action
    if action.kind == "watch":
        return "\n".join(line for window in done.windows for line in words.window_lines(window))
    if action.kind == "refit":
        return f"Fitted challenger {done.candidate}; it waits in the shadow as {done.release}."
    if action.kind == "compare" and done.verdict is not None:
        head = f"Challenger {done.candidate} against the champion on the same rows: {_gained(done)}"
        return "\n".join([head, *(f"  {line}" for line in words.outcome_lines(done.verdict.outcomes))])
    if action.kind == "compare":
        return (
            f"Challenger {done.candidate} could not be raced: no rows of the window, with both outcomes, are new to it and to the champion."
        )
    if action.kind in _WORDS:
        return _WORDS[action.kind].format(release=done.release, why=done.why, because=action.because)
    if action.kind == "test" and done.test is not None:
        return f"Stage {done.test.stage + 1} of {done.release}: {done.test.says}. {done.test.because}"
    if action.kind == "rollback":
        return f"Rolled back to {done.release}: {action.because}." if done.release == action.release else f"Not rolled back: {done.why}."
    if action.kind == "ask":
        return f"{action.because}."
    return f"Nothing to do: {action.because}."


_WORDS = {
    "promote": "Promoted {release}: {because}.",
    "advance": "{release} answers {why} of the requests now: {because}.",
    "drop": "{release} answers no more: {because}.",
}


def _gained(done: Turn) -> str:
    return f"{done.gain.metric.replace('_', ' ')} gain {done.gain}" if done.gain else "no gain was measured"
