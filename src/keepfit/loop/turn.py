"""Turn: derive from the ledger what is due, and do that one thing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from keepfit import errors, record
from keepfit.candidate import Candidate
from keepfit.evaluation import Gain
from keepfit.incident import Action, Policy, State, next_action
from keepfit.instant import parse
from keepfit.ledger import Entry
from keepfit.loop.fit import refit
from keepfit.loop.fold import fold
from keepfit.loop.judge import record_verdict, score_both
from keepfit.loop.models import candidate_behind, champion_candidate
from keepfit.loop.release import give_role, release
from keepfit.loop.take import Taken, keep, take
from keepfit.loop.watch import due, labelled, log_rows, watch_window
from keepfit.measures.race import race
from keepfit.progress import Progress, silent
from keepfit.schema import Schema
from keepfit.verdict import Verdict
from keepfit.window import Interval, Window
from keepfit.workspace import Workspace

__all__ = ["Turn", "state", "turn"]

#: How sure the race must be: a trigger, with rows taken as independent, never shown as evidence.
RACE_Z = 2.0


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

    @property
    def did_something(self) -> bool:
        return self.action.kind not in {"nothing", "ask"}


def turn(ws: Workspace, *, now: datetime, progress: Progress = silent) -> Turn:
    """Do the one thing that is due; nothing when nothing is.

    An action is two entries, *started* and *ended*. Every step in between is keyed by its cause, so after a
    crash the next turn goes on where this one stopped and repeats nothing.
    """
    _abandon(ws, now)
    fold(ws)
    now_state = state(ws, now=now)
    action = next_action(now_state, policy(ws))
    if action.kind in {"nothing", "ask"}:
        return Turn(action)
    if action.kind == "watch":
        assert action.window is not None
        progress(f"looking at {action.window.name}")
        return Turn(action, tuple(watch_window(ws, action.window, now=now)))
    attempt = _start(ws, action, now)
    steps = {"refit": _refit, "compare": _compare, "promote": _promote}
    try:
        done = steps[action.kind](ws, action, now, progress)
    except errors.KeepfitError as error:
        _end(ws, action, attempt, "failed", error.code, now)
        raise
    _end(ws, action, attempt, "done", done.release or done.candidate or "", now)
    return done


def policy(ws: Workspace) -> Policy:
    """The project file's rules for refitting."""
    spec = ws.spec.refit
    return Policy(spec.challenger, spec.cooldown, spec.minimum_labels, spec.promote)


def state(ws: Workspace, *, now: datetime) -> State:
    """What the ledger says at `now`."""
    roles = ws.roles()
    watched = list(ws.ledger.entries(kind="watch"))
    newest = max((entry.body["begin"] for entry in watched), default=None)
    last = next((_interval(entry.body) for entry in watched if entry.body["begin"] == newest), None)
    challenger = _challenger(ws, roles.shadow)
    races = [
        entry
        for entry in ws.ledger.entries(kind="verdict")
        if "window" in entry.body and challenger and entry.body["candidate"] == challenger.id
    ]
    shadowed = max((entry.seq for entry in ws.ledger.entries(kind="release") if entry.body["role"] == "shadow"), default=0)
    # A refit that was killed between its release and its end is done: a shadow came after its start.
    refits = [
        entry
        for entry in ws.ledger.entries(kind="action")
        if entry.body["kind"] == "refit" and (entry.body["status"] in {"done", "failed"} or entry.seq < shadowed)
    ]
    ended = [
        _interval(e.body["window"])
        for e in ws.ledger.entries(kind="action")
        if e.body["kind"] == "compare" and e.body["status"] == "done" and e.body["release"] == roles.shadow
    ]
    promotions = [e for e in ws.ledger.entries(kind="release") if e.body["role"] == "champion" and e.body["was"]]
    return State(
        now=now,
        champion=roles.champion,
        champion_since=roles.since,
        promoted_at=promotions[-1].at if promotions else None,
        due=due(ws, now=now),
        watched=last,
        labels=labelled(ws, last, now=now) if last else 0,
        challenger=roles.shadow,
        compared=max([_interval(race.body["window"]) for race in races] + ended, key=lambda w: w.begin, default=None),
        won=bool(races) and races[-1].body["ahead"] and races[-1].body["status"] == "passed",
        fitted_for=max((_interval(e.body["window"]) for e in refits), key=lambda w: w.begin, default=None),
    )


def _challenger(ws: Workspace, shadow: str | None) -> Candidate | None:
    found = candidate_behind(ws, shadow)
    return found[0] if found else None


def _refit(ws: Workspace, action: Action, now: datetime, progress: Progress) -> Turn:
    """Fit a challenger on all rows whose labels are known, and let it wait in the shadow."""
    champion = champion_candidate(ws, ws.roles())
    assert champion is not None
    assert action.window is not None
    taken = _data(ws, champion, now)
    cause = [action.window.name]
    fitted = refit(ws, champion, taken, cause=cause, now=now, progress=progress)
    entry = release(
        ws, fitted.candidate, role="shadow", because="a challenger for the next window", cause=[fitted.candidate.id, *cause], now=now
    )
    return Turn(action, candidate=fitted.candidate.id, release=entry.body["release"])


def _data(ws: Workspace, champion: Candidate, now: datetime) -> list[Taken]:
    """What a refit learns from: the source taken again, the log joined with its labels, or both."""
    wanted = ws.spec.refit.data
    known = ws.artifacts.get_record(Schema, champion.schema)
    taken = [take(ws, now=now)] if wanted != "log" else []
    if wanted != "source":
        rows = log_rows(ws, known, champion.classes, now=now)
        if rows.count:
            columns = tuple(column for column in known.public if "later" not in column.uses)
            from_log = Schema(columns, known.target, known.time, known.key)
            taken.append(keep(ws, rows.frame.select([c.name for c in columns]), from_log, origin="log", now=now))
    return taken


def _compare(ws: Workspace, action: Action, now: datetime, progress: Progress) -> Turn:
    """Race the challenger against the champion on the window's rows that are new to both."""
    champion, challenger = champion_candidate(ws, ws.roles()), _challenger(ws, action.release)
    assert champion is not None
    assert challenger is not None
    assert action.window is not None
    progress(f"racing {challenger.id} against {champion.id}")
    known = ws.artifacts.get_record(Schema, challenger.schema)
    rows = log_rows(ws, known, challenger.classes, now=now)
    if known.time:
        time = rows.frame[known.time]
        begin = max(instant for instant in (action.window.begin, champion.fitted_before, challenger.fitted_before) if instant is not None)
        rows = rows.where(((time >= begin) & (time < action.window.end)).to_numpy())
    if rows.count == 0 or rows.truth.min() == rows.truth.max():
        return Turn(action, candidate=challenger.id)  # nothing to race on; another challenger comes with the next refit
    (theirs, champion_outputs), (ours, outputs) = score_both(ws, rows, known, [champion, challenger], classes=challenger.classes)
    z = race(ws.task.losses(rows.truth, champion_outputs), ws.task.losses(rows.truth, outputs))
    gain = ours.gain_over(theirs, ws.task.selects)
    cause = [challenger.id, champion.id, action.window.name]
    extra = {"window": _window(action.window), "rows": rows.count, "ahead": z > RACE_Z}
    judged = record_verdict(ws, ours, theirs, cause=cause, now=now, extra=extra)
    return Turn(action, candidate=challenger.id, release=action.release, gain=gain, verdict=judged.verdict)


def _promote(ws: Workspace, action: Action, now: datetime, progress: Progress) -> Turn:
    assert action.release is not None
    entry = give_role(ws, action.release, "champion", because=action.because, now=now)
    return Turn(action, release=action.release, candidate=entry.body["candidate"])


def _start(ws: Workspace, action: Action, now: datetime) -> int:
    """Write down that an action starts; give the number of the attempt."""
    started = [e for e in ws.ledger.entries(kind="action") if e.body["cause"] == _cause(action) and e.body["status"] == "started"]
    attempt = len(started) + 1
    _note(ws, action, attempt, "started", action.because, now)
    return attempt


def _abandon(ws: Workspace, now: datetime) -> None:
    """Write down the end of an action whose process ended before it did; what it finished is kept."""
    newest = ws.ledger.last("action")
    if newest is not None and newest.body["status"] == "started":
        body = {**newest.body, "status": "abandoned", "why": "the process ended before the action did"}
        ws.append("action", [newest.body["cause"], newest.body["attempt"], "ended"], body, at=now, actor="loop")


def _end(ws: Workspace, action: Action, attempt: int, status: str, why: str, now: datetime) -> None:
    _note(ws, action, attempt, status, why, now)


def _note(ws: Workspace, action: Action, attempt: int, status: str, why: str, now: datetime) -> Entry:
    body = {
        "kind": action.kind,
        "cause": _cause(action),
        "window": _window(action.window) if action.window else None,
        "release": action.release,
        "attempt": attempt,
        "status": status,
        "why": why,
    }
    return ws.append("action", [_cause(action), attempt, "started" if status == "started" else "ended"], body, at=now, actor="loop")


def _cause(action: Action) -> list[Any]:
    return [action.kind, action.window.name if action.window else None, action.release]


def _window(window: Interval) -> dict[str, Any]:
    return dict(record.plain(window))


def _interval(body: Mapping[str, Any]) -> Interval:
    return Interval(parse(body["begin"]), parse(body["end"]))
