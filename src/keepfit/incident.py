"""Incidents, and what is due because of them: the loop's decisions as pure functions of what the ledger says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal, TypeAlias

from keepfit import errors
from keepfit.action import Action, Attempt, cause, retry_after
from keepfit.decision import REFIT, Decisions
from keepfit.instant import parse, show
from keepfit.ledger import Entry
from keepfit.policy import Policy
from keepfit.signal import Severity
from keepfit.spec.refit import Trigger
from keepfit.stage import Canary
from keepfit.window import Interval

__all__ = ["Change", "Incident", "Race", "State", "incidents", "next_action", "refits_failed", "refused"]

Change: TypeAlias = Literal["opened", "updated", "closed"]


@dataclass(frozen=True, slots=True)
class Incident:
    """An open matter that the loop must close: one for each cause, however many windows show it.

    `kind` is that of its signals, or `loop` where the loop itself gave up. `release` is whose trouble it is, None where
    the feed is broken for all. `about` names the columns, metrics or fields. `breaks`: the release must not go on
    answering. `watched` is the place of the entry that showed it last.
    """

    record: ClassVar[str] = "incident"
    version: ClassVar[int] = 1

    number: int
    kind: str
    release: str | None
    about: tuple[str, ...]
    severity: Severity
    effect: float
    breaks: bool
    because: str
    since: datetime
    watched: int = 0
    closed: datetime | None = None

    @property
    def noted(self) -> dict[str, Any]:
        """The body of its entries, but for the change itself."""
        return {
            "incident": self.number,
            "kind": self.kind,
            "release": self.release,
            "about": list(self.about),
            "severity": self.severity,
            "effect": self.effect,
            "breaks": self.breaks,
            "because": self.because,
            "since": show(self.since),
            "watched": self.watched,
        }


def incidents(entries: Iterable[Entry]) -> list[Incident]:
    """Every incident as the ledger's entries of kind `incident` leave it, in their order."""
    found: dict[int, Incident] = {}
    for entry in entries:
        body = entry.body
        found[body["incident"]] = Incident(
            number=body["incident"],
            kind=body["kind"],
            release=body["release"],
            about=tuple(body["about"]),
            severity=body["severity"],
            effect=body["effect"],
            breaks=body["breaks"],
            because=body["because"],
            since=parse(body["since"]),
            watched=body["watched"],
            closed=entry.at if body["change"] == "closed" else None,
        )
    return list(found.values())


@dataclass(frozen=True, slots=True)
class Race:
    """How a challenger did against the champion on the rows of a window: `z` above 0 where it was ahead.

    `status` is the verdict of the gates; None where there was nothing to race on.
    """

    window: Interval
    z: float = 0.0
    status: Literal["passed", "failed", "undecided"] | None = None


@dataclass(frozen=True, slots=True)
class State:
    """What the ledger says.

    `previous` is the last champion that was not rolled back from; `changed` when the champion changed last. `due` are the
    windows whose labels are due and that nobody has looked at, oldest first; `watched` is the newest that was, with
    `labels` known rows, and `garbage` says what is broken in its data. `challenger` waits in the shadow and `raced` is
    its newest race. `fitted` is the newest window after which a challenger was fitted. `watches` counts the windows since
    the champion took over. `busy` is an attempt that another process holds. `spent` is what refits took within 30 days.
    """

    champion: str | None = None
    previous: str | None = None
    changed: datetime | None = None
    due: tuple[Interval, ...] = ()
    watched: Interval | None = None
    labels: int = 0
    garbage: str = ""
    watches: int = 0
    challenger: str | None = None
    raced: Race | None = None
    fitted: Interval | None = None
    canary: Canary | None = None
    incidents: tuple[Incident, ...] = ()
    decisions: Decisions = field(default_factory=Decisions)
    attempts: tuple[Attempt, ...] = ()
    busy: Attempt | None = None
    spent: timedelta = timedelta()

    def troubled(self, *kinds: str) -> bool:
        """Whether the champion is under an incident of one of these kinds."""
        return any(incident.kind in kinds and incident.release == self.champion for incident in self.incidents)


def next_action(state: State, policy: Policy, now: datetime) -> Action:
    """The one thing that is due.

    Windows whose labels are due are looked at first. A champion that breaks is rolled back before anything else is
    tried. A challenger in a stage stays until that stage ends. Otherwise the race: after every window a challenger is
    fitted on all that is known and waits in the shadow; in the next window whose labels are due, both models are scored
    on the rows that are new to both, and who wins and passes the gates goes on; any other is replaced by the next.
    """
    if state.champion is None:
        return Action("nothing", "there is no champion: keepfit run, or keepfit promote")
    if state.due:
        return Action("watch", "the labels of a window are due", window=state.due[0])
    if (frozen := state.decisions.frozen) is not None:
        return Action("nothing", f"frozen by {frozen.by} ({frozen.because}): keepfit freeze --end")
    if (rollback := _rollback(state, policy, now)) is not None:
        return rollback
    if state.canary is not None:
        return _stage(state, state.canary, policy, now)
    return _challenge(state, policy, now)


def _rollback(state: State, policy: Policy, now: datetime) -> Action | None:
    """Back to the last good release, once for each incident."""
    if state.previous is None:
        return None
    for incident in state.incidents:
        if incident.breaks and incident.release == state.champion:
            because = f"incident {incident.number}, {incident.kind}: {incident.because}"
            action = Action("rollback", because, release=state.previous, incident=incident.number)
            if not _done(state, policy, action) and _ready(state, policy, action, now).kind == "rollback":
                return action
    return None


def _stage(state: State, canary: Canary, policy: Policy, now: datetime) -> Action:
    drop = Action("drop", "", release=canary.release, stage=canary.stage)
    if state.decisions.says(canary.release) == "veto":
        return _ready(state, policy, replace(drop, because="a person vetoed it"), now)
    if canary.trouble:
        return _ready(state, policy, replace(drop, because=canary.trouble), now)
    if canary.says == "failed":
        return _ready(state, policy, replace(drop, because="its stage's test failed"), now)
    if canary.says == "passed":
        return _onward(state, canary, policy, now, "its stage's test passed")
    if (end := canary.next_look(now)) is not None and canary.tested != canary.ends:
        window = Interval(canary.since, min(end, canary.ends))
        test = Action("test", "a stage is looked at", window=window, release=canary.release, stage=canary.stage)
        if not _given_up(state, policy, test):
            return _ready(state, policy, test, now)
    if now < canary.ends:
        return Action("nothing", f"stage {canary.stage + 1} of {canary.release} is not decided yet", release=canary.release)
    if state.troubled("quality", "calibration"):
        return _onward(state, canary, policy, now, "the champion is in trouble and it was not shown to be worse")
    return _ready(state, policy, replace(drop, because="its stage ended without showing that it is no worse"), now)


def _onward(state: State, canary: Canary, policy: Policy, now: datetime, because: str) -> Action:
    """To the next stage, or after the last one to the champion's place."""
    if canary.stage + 1 < len(policy.stages):
        return _ready(state, policy, Action("advance", because, release=canary.release, stage=canary.stage + 1), now)
    if (wait := _cooling(state, policy, now)) is not None:
        return Action("nothing", f"{canary.release} passed its stages; {wait}", release=canary.release)
    return _ready(state, policy, Action("promote", f"{because}, the last one", release=canary.release, stage=canary.stage), now)


def _challenge(state: State, policy: Policy, now: datetime) -> Action:
    window, challenger = state.watched, state.challenger
    if window is None:
        return Action("nothing", "no window's labels are due")
    if challenger is not None and state.decisions.says(challenger) != "veto":
        raced = state.raced is not None and state.raced.window.begin >= window.begin
        if raced and state.raced is not None and (why := _wins(state, state.raced, policy)) is not None:
            return _promotion(state, policy, now, why)
        if not raced and not _fitted(state, window) and _reasons(state, policy):
            compare = Action("compare", "a challenger waits and the window holds rows that are new to it", window, challenger)
            if (cannot := _cannot_learn(state, policy)) is not None:
                return Action("nothing", cannot)
            if not _given_up(state, policy, compare):
                return _ready(state, policy, compare, now)
    reasons = _reasons(state, policy)
    if _fitted(state, window) or (policy.challenger == "off" and not reasons):
        return Action("nothing", "everything that was due is done")
    if (doubted := _doubted(state, window)) is not None:
        return Action("ask", f"a refit refused its data: {doubted}; if the rows are right: keepfit approve {REFIT}", window, REFIT)
    if (cannot := _cannot_learn(state, policy) or _may_not_refit(state, policy)) is not None:
        return Action("nothing", cannot)
    return _ready(state, policy, Action("refit", next(iter(reasons.values()), "a window's labels are known"), window=window), now)


def _fitted(state: State, window: Interval) -> bool:
    return state.fitted is not None and state.fitted.begin >= window.begin


def _cannot_learn(state: State, policy: Policy) -> str | None:
    if state.garbage:
        return f"nothing is learned from the newest window: {state.garbage}"
    return "the window has too few labels to learn from" if state.labels < policy.minimum_labels else None


def _reasons(state: State, policy: Policy) -> dict[Trigger, str]:
    """What may make a challenger champion now, in words."""
    holds: dict[Trigger, bool] = {
        "quality": state.troubled("quality", "calibration"),
        "drift": state.troubled("drift", "prediction"),
        "schedule": policy.every is not None and state.watches >= policy.every,
        "challenger": True,
    }
    return {trigger: _WORDS[trigger] for trigger, true in holds.items() if true and trigger in policy.on}


_WORDS: dict[Trigger, str] = {
    "quality": "the champion is worse than at its release",
    "drift": "what the champion sees moved",
    "schedule": "the schedule says so",
    "challenger": "a window's labels are known",
}


def _may_not_refit(state: State, policy: Policy) -> str | None:
    if policy.compute is not None and state.spent >= policy.compute.delta:
        return f"refits took {policy.compute} within 30 days, which is all that they may"
    failed = refits_failed(state)
    if len(failed) >= policy.give_up_after:
        return f"the last {len(failed)} refits failed ({failed[-1].why}): mend what they say, then keepfit approve refit"
    return None


def refused(why: str) -> bool:
    """Whether a refit ended because a guard found its rows suspicious."""
    return why.startswith(errors.SuspiciousData.code)


def _doubted(state: State, window: Interval) -> str | None:
    """Why the newest refit after this window was refused, while no person has approved it since; the next window's is asked anew."""
    failed = refits_failed(state)
    if failed and failed[-1].window == window and refused(failed[-1].why):
        return failed[-1].why.partition(": ")[2]
    return None


def refits_failed(state: State) -> list[Attempt]:
    """The newest refits while they failed, since a person approved that refitting goes on."""
    approved = state.decisions.newest.get(REFIT)
    since = approved.seq if approved is not None and approved.says == "approve" else 0
    failed: list[Attempt] = []
    for attempt in reversed(state.attempts):
        if attempt.kind == "refit" and attempt.status != "started":
            if attempt.status == "done" or attempt.seqs[0] < since:
                break
            failed.append(attempt)
    return failed[::-1]


#: How sure the race must be while the champion is well: a trigger, with rows taken as independent, never shown as evidence.
RACE_Z = 2.0


def _wins(state: State, race: Race, policy: Policy) -> str | None:
    """Why a challenger goes on; None where it does not.

    While the champion is well the challenger must be clearly ahead and pass every gate. While the champion is in
    trouble it must be ahead and pass; into a stage it goes unless a gate shows it to be worse.
    """
    if race.status is None or race.status == "failed":
        return None
    reasons, passed = _reasons(state, policy), race.status == "passed"
    if "challenger" in reasons and race.z > RACE_Z and passed:
        return "the challenger beat the champion on the same rows and passed the gates"
    if {"quality", "drift"} & reasons.keys() and race.z > 0 and (passed or policy.stages):
        return f"{next(iter(reasons.values()))}, and the challenger was ahead on the same rows"
    if "schedule" in reasons and passed:
        return "the schedule says so, and the challenger passed the gates"
    return None


def _promotion(state: State, policy: Policy, now: datetime, why: str) -> Action:
    release = state.challenger
    if (wait := _cooling(state, policy, now)) is not None:
        return Action("nothing", f"{release} won; {wait}", state.watched, release)
    if policy.promote == "approval" and state.decisions.says(str(release)) != "approve":
        return Action("ask", f"{release} won and waits for a person: keepfit approve {release}, or keepfit veto {release}", None, release)
    if policy.stages:
        return _ready(state, policy, Action("advance", why, state.watched, release, stage=0), now)
    return _ready(state, policy, Action("promote", why, state.watched, release), now)


def _cooling(state: State, policy: Policy, now: datetime) -> str | None:
    """Why the champion may not change yet. A change that lies ahead of the clock counts as well: the clock was set back."""
    if state.changed is None or not -policy.cooldown.delta < now - state.changed < policy.cooldown.delta:
        return None
    return f"the champion changed on {state.changed:%Y-%m-%d %H:%M} and may again after {policy.cooldown}"


def _of(state: State, policy: Policy, action: Action) -> list[Attempt]:
    named = cause(action, policy.digest)
    return [attempt for attempt in state.attempts if attempt.cause == named]


def _done(state: State, policy: Policy, action: Action) -> bool:
    return any(attempt.status == "done" for attempt in _of(state, policy, action))


def _given_up(state: State, policy: Policy, action: Action) -> bool:
    return len([a for a in _of(state, policy, action) if a.status in {"failed", "abandoned"}]) >= policy.give_up_after


def _ready(state: State, policy: Policy, action: Action, now: datetime) -> Action:
    """The action, or what it waits for: another process, the time after a failed attempt, or a person."""
    busy = state.busy
    if busy is not None and (action.kind in {"refit", "compare", "test"} or busy.cause == cause(action, policy.digest)):
        return Action("nothing", f"another loop is at work: {busy.kind} since {busy.recorded:%Y-%m-%d %H:%M} UTC")
    failed = [attempt for attempt in _of(state, policy, action) if attempt.status in {"failed", "abandoned"}]
    if action.kind == "refit":  # a person who approves that it goes on need not wait
        counted = refits_failed(state)
        failed = [attempt for attempt in failed if attempt in counted]
    if action.kind != "refit" and len(failed) >= policy.give_up_after:
        return Action("nothing", f"{action.kind} failed {len(failed)} times ({failed[-1].why}) and was given up", release=action.release)
    if (then := retry_after(failed)) is not None and failed[-1].ended is not None and failed[-1].ended <= now < then:
        return Action("nothing", f"{action.kind} failed ({failed[-1].why}) and is tried again at {then:%Y-%m-%d %H:%M} UTC")
    return action
