"""How a project stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from keepfit.action import Attempt
from keepfit.alert import deliveries
from keepfit.decision import REFIT, Decision
from keepfit.estimate import Estimate
from keepfit.evaluation import Evaluation, Gain
from keepfit.incident import Incident, State, next_action, refits_failed
from keepfit.ledger import Entry
from keepfit.loop.estimates import newest
from keepfit.loop.state import Told, interval, newest_looks, policy_of, state_of, tell, watched
from keepfit.release import Roles, roles
from keepfit.spec.length import RowCount
from keepfit.window import Window, containing
from keepfit.workspace import Workspace

__all__ = ["Status", "status"]


@dataclass(frozen=True, slots=True)
class Status:
    """The state of a project, read from its ledger alone.

    `window` is the newest that was looked at, `gain` what the challenger gained in its newest race. `canary` answers a
    `share` of the requests, in the stage `stage`, counted from 0. `waiting` is what a person was asked, `frozen` who
    stopped the loop, `busy` what is under way. `next` says in words what comes next. `untold` counts the targets of
    alerts that could not be reached at last. `estimate` is the newest of the champion's windows that wait for their labels.
    """

    record: ClassVar[str] = "status"
    version: ClassVar[int] = 1

    project: str
    at: datetime
    champion: str | None
    champion_since: datetime | None
    at_release: Evaluation | None
    challenger: str | None
    previous: str | None
    window: Window | None
    entries: int
    shadow_since: datetime | None = None
    gain: Gain | None = None
    verdict: str | None = None
    canary: str | None = None
    share: float = 0.0
    stage: int | None = None
    tested: str = ""
    incidents: tuple[Incident, ...] = ()
    waiting: tuple[Decision, ...] = ()
    frozen: Decision | None = None
    busy: str = ""
    next: str = ""
    untold: int = 0
    estimate: Estimate | None = None


def status(ws: Workspace, *, now: datetime) -> Status:
    """Gather the state of a project."""
    told = tell(ws)
    held, state = roles(told["release"]), state_of(ws, told, now=now, labels=_labels(told))
    shadowed = [entry for entry in told["release"] if entry.body["release"] == held.shadow and entry.body["role"] == "shadow"]
    raced = _race(told, held, state)
    tests = [entry for entry in told["stage"] if held.canary and entry.body["release"] == held.canary]
    return Status(
        project=ws.project,
        at=now,
        champion=held.champion,
        champion_since=held.since,
        at_release=_at_release(ws, told, held.champion),
        challenger=held.shadow,
        previous=held.previous,
        window=_window(ws, told, held),
        entries=ws.ledger.head().seq,
        shadow_since=shadowed[-1].at if shadowed else None,
        gain=_gain(raced.body["gain"]) if raced is not None and "gain" in raced.body else None,
        verdict=raced.body["status"] if raced is not None else None,
        canary=held.canary,
        share=held.share,
        stage=state.canary.stage if state.canary else None,
        tested=tests[-1].body["because"] if tests else "",
        incidents=state.incidents,
        waiting=_waiting(state, held),
        frozen=state.decisions.frozen,
        busy=_busy(state.busy),
        next=_next(ws, told, state, now),
        estimate=newest(ws, held.champion),
        untold=sum(1 for tried in deliveries(ws.ledger.entries(kind="alert")).values() if tried[-1].status == "failed"),
    )


def _labels(told: Told) -> int:
    """The labels of the newest window, as they were when it was looked at."""
    last = watched(told)
    return sum(entry.body["labels"] for entry in newest_looks(told["watch"]) if interval(entry.body) == last)


def _window(ws: Workspace, told: Told, held: Roles) -> Window | None:
    """The newest window of the champion; of whoever answered in the newest one where it has none."""
    answered = [entry for entry in told["watch"] if entry.body.get("role", "champion") == "champion"]
    own = [entry for entry in answered if entry.body["release"] == held.champion]
    newest = max(own or answered, key=lambda entry: (entry.body["begin"], entry.seq), default=None)
    return ws.artifacts.get_record(Window, newest.body["artifacts"]["window"]) if newest else None


def _race(told: Told, held: Roles, state: State) -> Entry | None:
    """The verdict on the challenger's newest race."""
    if state.raced is None or state.raced.status is None:
        return None
    candidate = next((entry.body["candidate"] for entry in told["release"] if entry.body["release"] == held.shadow), None)
    return next((e for e in reversed(told["verdict"]) if e.body["candidate"] == candidate and e.body.get("window")), None)


def _gain(form: dict[str, Any]) -> Gain:
    return Gain(form["value"], form["low"], form["high"], form["metric"])


def _waiting(state: State, held: Roles) -> tuple[Decision, ...]:
    """What a person was asked and has not decided, as far as it can still be done."""
    return tuple(one for one in state.decisions.waiting if one.about in (held.shadow, held.canary, REFIT))


def _busy(attempt: Attempt | None) -> str:
    return f"{attempt.kind} since {attempt.recorded:%Y-%m-%d %H:%M} UTC, elsewhere" if attempt else ""


def _next(ws: Workspace, told: Told, state: State, now: datetime) -> str:
    """What comes next, as far as the ledger alone can tell: what is due, what waits, or when the next window can be judged."""
    action = next_action(state, policy_of(ws), now)
    if action.kind not in {"nothing"} or state.decisions.frozen or state.champion is None:
        return f"{_DUE.get(action.kind, '')}{action.because}"
    length, delay = ws.spec.monitor.window, ws.spec.problem.label_delay
    last = watched(told)
    if isinstance(length, RowCount):
        soon = f"a window is judged when {length} were answered after the last one and their labels are due"
        return f"{action.because}; {soon}" if _stopped(state) else soon
    window = containing(now if last is None else max(last.end, now - delay.delta - length.delta), length)
    when = window.end + delay.delta
    judged = f"the window to {window.end:%Y-%m-%d %H:%M} UTC can be judged"
    soon = f"{judged} now: keepfit turn" if when <= now else f"{judged} on {when:%Y-%m-%d %H:%M} UTC"
    return f"{action.because}; {soon}" if _stopped(state) else soon


def _stopped(state: State) -> bool:
    return bool(refits_failed(state)) or state.canary is not None or bool(state.garbage)


_DUE = {
    "refit": "a challenger is fitted: ",
    "compare": "the race: ",
    "test": "a look at the stage: ",
    "advance": "the next stage: ",
    "drop": "the stage ends: ",
    "promote": "a promotion: ",
    "rollback": "a rollback: ",
}


def _at_release(ws: Workspace, told: Told, champion: str | None) -> Evaluation | None:
    """What was measured of the champion before it took the role."""
    candidate = next((entry.body["candidate"] for entry in told["release"] if entry.body["release"] == champion), None)
    judged: Sequence[Entry] = [entry for entry in told["verdict"] if entry.body["candidate"] == candidate]
    return ws.artifacts.get_record(Evaluation, judged[-1].body["artifacts"]["evaluation"]) if judged else None
