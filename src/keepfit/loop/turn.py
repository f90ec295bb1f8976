"""Turn: derive from the ledger what is due, and do that one thing."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from keepfit import errors
from keepfit.action import Action, attempts
from keepfit.evaluation import Gain
from keepfit.incident import State, next_action
from keepfit.loop import alerts, deliver, fold, lease
from keepfit.loop.due import due
from keepfit.loop.expect import expect
from keepfit.loop.incidents import settle
from keepfit.loop.label import bring
from keepfit.loop.race import compare
from keepfit.loop.refit import refit
from keepfit.loop.stage import examine
from keepfit.loop.state import Told, policy_of, state_of, tell, watched
from keepfit.loop.step import Came, Step
from keepfit.loop.watch import labelled, watch_window
from keepfit.progress import Progress, silent
from keepfit.stage import StageTest
from keepfit.verdict import Verdict
from keepfit.window import Window
from keepfit.workspace import Workspace

__all__ = ["Turn", "turn"]

STEPS: dict[str, Callable[[Step], Came]] = {
    "refit": refit,
    "compare": compare,
    "test": examine,
    "advance": deliver.advance,
    "drop": deliver.drop,
    "promote": deliver.promote,
    "rollback": deliver.rollback,
}
#: How often a turn decides anew when another process acted between its look and its own beginning.
LOOKS = 3


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn did."""

    record: ClassVar[str] = "turn"
    version: ClassVar[int] = 1

    action: Action
    windows: tuple[Window, ...] = ()
    candidate: str | None = None
    release: str | None = None
    gain: Gain | None = None
    verdict: Verdict | None = None
    test: StageTest | None = None
    why: str = ""

    @property
    def did_something(self) -> bool:
        return self.action.kind not in {"nothing", "ask"}


def turn(ws: Workspace, *, now: datetime, progress: Progress = silent) -> Turn:
    """Do the one thing that is due; nothing when nothing is.

    The caller holds the lock of the project's folder (`Workspace.alone`). An action is two entries, *started* and
    *ended*. Every step in between is keyed by its cause, so after a crash the next turn goes on where this one stopped
    and repeats nothing; and a loop on another machine that decided at the same moment is refused. At the end people are told
    what they are to know of.
    """
    try:
        bring(ws, now=now)
        fold.fold(ws)
        with contextlib.suppress(errors.CannotRead, errors.Removed):  # what cannot be estimated keeps nothing else from being done
            expect(ws, now=now)
        return _decide(ws, now, progress)
    finally:
        alerts.deliver(ws, now=now)


def _decide(ws: Workspace, now: datetime, progress: Progress) -> Turn:
    for _ in range(LOOKS):
        told = _look(ws, now)
        state = _state(ws, told, now)
        action = next_action(state, policy_of(ws), now)
        if action.kind == "watch":
            return _watch(ws, action, now, progress)
        if action.kind == "ask":
            _ask(ws, action, told, now)
        if action.kind in {"nothing", "ask"}:
            return Turn(action)
        try:
            return _act(ws, action, state, told, now, progress)
        except errors.Overtaken:
            continue
    return Turn(Action("nothing", "another loop was quicker each time"))


def _state(ws: Workspace, told: Told, now: datetime) -> State:
    """The state at `now`, the log included: which windows are due, and how many labels the newest one has."""
    waits, last = due(ws, now=now), watched(told)
    return state_of(ws, told, now=now, waits=waits, labels=labelled(ws, last, now=now) if last and not waits else 0)


def _look(ws: Workspace, now: datetime) -> Told:
    """Read the ledger, after it was brought up to date: attempts without a process, incidents that changed."""
    told = tell(ws)
    tried = attempts(told["action"])
    dead = {one.seqs[0] for one in tried if one.status == "started" and not lease.alive(one, ws, lease.wall())}
    for entry in told["action"]:
        if entry.seq in dead:
            lease.abandon(ws, entry, now=now)
    if dead:
        told = tell(ws)
    if settle(ws, told, now=now):  # after a crash too: what is decided next rests on what is open
        told = tell(ws)
    return told


def _watch(ws: Workspace, action: Action, now: datetime, progress: Progress) -> Turn:
    assert action.window is not None
    progress(f"looking at {action.window.name}")
    seen = tuple(watch_window(ws, action.window, now=now))
    settle(ws, tell(ws), now=now)
    return Turn(action, seen)


def _ask(ws: Workspace, action: Action, told: Told, now: datetime) -> None:
    """Write down, once for each thing that is asked, that a person is wanted."""
    body = {"decision": "wanted", "about": action.release, "because": action.because}
    asked = [action.release] if action.window is None else [action.release, action.window.name]
    ws.append("decision", ["wanted", *asked], body, at=now, actor="loop")


def _why(error: Exception) -> str:
    """What an ended attempt says of its error: the code; in words where they hold no value of a row and a person decides by them."""
    if isinstance(error, errors.SuspiciousData):
        return f"{error.code}: {error.message}"
    return str(getattr(error, "code", type(error).__name__))


def _act(ws: Workspace, action: Action, state: State, told: Told, now: datetime, progress: Progress) -> Turn:
    policy = policy_of(ws)
    held = lease.begin(ws, action, policy=policy, attempts=attempts(told["action"]), seen=told.newest, now=now)
    step = Step(held.ws, action, state, told, policy, now, progress)
    try:
        came = STEPS[action.kind](step)
    except errors.Overtaken:
        raise
    except Exception as error:
        lease.end(held, "failed", _why(error), now=now)
        raise
    lease.end(held, "done", came.why or came.release or came.candidate or "", now=now)
    return Turn(action, (), came.candidate, came.release, came.gain, came.verdict, came.test, came.why)
