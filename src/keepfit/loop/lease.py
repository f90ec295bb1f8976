"""The lease: who acts holds a token, and once another took over, what the former holder writes is refused.

An action is two entries, *started* and *ended*. Who starts one takes the next token, resting on all that was read
before; so of two that decide at the same moment one is refused. An attempt whose process ended is closed by whoever
comes next, and then its holder, should it live after all, can write nothing more.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from keepfit import digest, errors, record
from keepfit.action import Action, Attempt, cause
from keepfit.instant import Duration, show
from keepfit.ledger import Entry
from keepfit.policy import Policy
from keepfit.workspace import Workspace

__all__ = ["Lease", "abandon", "alive", "begin", "end", "holder", "longest", "wall", "within"]

#: How long an action other than a refit may take.
USUAL = timedelta(minutes=10)
#: What a refit is given beyond its budget to write down what it made.
GRACE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to do one action.

    `ws` is the workspace through which the step writes, `ending` the one for the entry that ends it: the step's own
    change of a role is no reason to refuse that.
    """

    ws: Workspace
    ending: Workspace
    action: Action
    token: int
    body: Mapping[str, Any]
    begun: float


def holder(ws: Workspace) -> str:
    """Names this project's folder on this machine: who holds the folder's lock may speak for all its processes."""
    return digest.of_value([socket.gethostname(), str(ws.home.resolve())])[3:15]


def alive(attempt: Attempt, ws: Workspace, wall: datetime) -> bool:
    """Whether another process may still be at an attempt that has not ended.

    The caller holds the lock of its own folder, so an attempt of this folder has no process any more. Of another one
    it is not known before its time is over. A start that lies ahead of the clock is of a clock that was set back.
    """
    if attempt.status != "started" or attempt.holder == holder(ws):
        return False
    return attempt.recorded - GRACE <= wall < attempt.until


def wall() -> datetime:
    """The wall clock's now: attempts of other machines are timed by it, whatever the loop takes for now."""
    return datetime.now(UTC)


def abandon(ws: Workspace, started: Entry, *, now: datetime) -> None:
    """Close an attempt whose process ended before it did; what it finished is kept."""
    body = {**started.body, "status": "abandoned", "why": "the process ended before the action did"}
    ws.append("action", [body["token"], "ended"], body, at=now, actor="loop")


def begin(ws: Workspace, action: Action, *, policy: Policy, attempts: list[Attempt], seen: Mapping[str, int], now: datetime) -> Lease:
    """Write down that an action starts.

    Parameters
    ----------
    attempts : every attempt of the project
    seen : kind -> place of the newest entry on which the decision rests

    Raises
    ------
    Overtaken
        Another process decided meanwhile.
    """
    token = max((attempt.token for attempt in attempts), default=0) + 1
    named = cause(action, policy.digest)
    body = {
        "token": token,
        "kind": action.kind,
        "cause": named,
        "attempt": sum(1 for attempt in attempts if attempt.cause == named) + 1,
        "window": record.plain(action.window) if action.window else None,
        "release": action.release,
        "incident": action.incident,
        "stage": action.stage,
        "status": "started",
        "why": action.because,
        "holder": holder(ws),
        "lease": os.urandom(8).hex(),
        "until": show(_until(action, policy)),
    }
    started = ws.resting_on(seen).append("action", [token, "started"], body, at=now, actor="loop")
    if started.body["lease"] != body["lease"]:
        raise errors.Overtaken("another loop took the next action", at=ws.project, fix="run this again")
    ending = ws.resting_on({"action": started.seq})
    changes_role = action.kind in {"advance", "drop", "promote", "rollback"}  # as it was decided, or not at all
    step = ending.resting_on({kind: seen[kind] for kind in ("decision", "release")}) if changes_role else ending
    return Lease(step, ending, action, token, body, time.monotonic())


def end(lease: Lease, status: str, why: str, *, now: datetime) -> None:
    """Write down that it ended."""
    body = {**lease.body, "status": status, "why": why, "seconds": round(time.monotonic() - lease.begun, 3)}
    lease.ending.append("action", [lease.token, "ended"], body, at=now, actor="loop")


def longest(policy: Policy) -> Duration:
    """How long any turn may take before whoever started its process ends it."""
    return Duration(int((max(policy.budget.delta, USUAL) + GRACE).total_seconds() * 1e6))


def _until(action: Action, policy: Policy) -> datetime:
    return wall() + (policy.budget.delta + GRACE if action.kind == "refit" else USUAL)


@contextmanager
def within(budget: Duration) -> Iterator[None]:
    """Let work take no longer than its budget, where signals can tell: in the main thread.

    Raises
    ------
    OverBudget
        It took longer. Work inside a library that does not come back is ended by whoever started the process.
    """
    if threading.current_thread() is not threading.main_thread() or signal.getitimer(signal.ITIMER_REAL)[0]:
        yield
        return

    def over(_: int, __: object) -> None:
        fix = "give refit.budget more time, or the model less to do"
        raise errors.OverBudget(f"the refit took longer than its budget of {budget}", at="refit.budget", fix=fix)

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, budget.microseconds / 1e6)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
