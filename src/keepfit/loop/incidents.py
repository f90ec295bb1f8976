"""Incidents: opened, updated and closed by what windows and failed actions show, one for each cause."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from keepfit import errors
from keepfit.action import attempts
from keepfit.decision import REFIT
from keepfit.incident import Change, Incident, incidents, refused
from keepfit.ledger import Entry
from keepfit.loop.state import Told, interval, policy_of, tell
from keepfit.release import Roles, roles
from keepfit.signal import Severity
from keepfit.window import Window
from keepfit.workspace import Workspace

__all__ = ["Sight", "Sign", "changes", "follow", "settle", "sights", "window_of"]

#: So many windows in a row without a sign close an incident; one is enough where each speaks for itself.
CALM, CALM_AT_ONCE = 2, frozenset({"data", "errors", "latency", "loop"})
#: A window with fewer labels does not tell that quality is well again.
FEWEST_LABELS = 30
#: What is critical here keeps a release from going on: live quality on the wrong side of a gate's limit, answers that fail or come late.
BREAKING = frozenset({"quality", "errors", "latency"})

_ORDER: tuple[Severity, ...] = ("info", "warning", "critical")
Key: TypeAlias = tuple[str, str | None]
Look: TypeAlias = Callable[[Entry], Window]


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing that speaks for an incident."""

    about: str
    severity: Severity
    effect: float
    because: str


@dataclass(frozen=True, slots=True)
class Sight:
    """What an entry shows of a cause (a kind, and whose trouble it is): its signs; none where all is quiet.

    `seq` is the entry's place, `begin` the instant of which it speaks. `breaks`: the release must not go on answering.
    """

    key: Key
    seq: int
    begin: datetime
    signs: tuple[Sign, ...] = ()
    breaks: bool = False


def changes(known: Sequence[Incident], seen: Sequence[Sight]) -> Iterator[tuple[Change, Incident]]:
    """How incidents change by what was seen; what was counted before changes nothing.

    Parameters
    ----------
    known : every incident that there was
    seen : what each entry shows of each cause, in the order of the entries
    """
    newest = {(incident.kind, incident.release): incident for incident in known}
    calm: dict[Key, set[datetime]] = {}
    shown: dict[Key, datetime] = {}
    for sight in seen:
        incident = newest.get(sight.key)
        if sight.signs and (incident is None or sight.seq <= incident.watched or incident.closed is None):
            calm[sight.key] = set()
            shown[sight.key] = max(sight.begin, shown.get(sight.key, sight.begin))
        if incident is not None and sight.seq <= incident.watched:
            continue
        changed: tuple[Change, Incident] | None = None
        if sight.signs and (incident is None or incident.closed is not None):
            number = max((one.number for one in newest.values()), default=0) + 1
            changed = "opened", _opened(number, sight)
        elif sight.signs and incident is not None:
            now = _grown(incident, sight)
            changed = ("updated", now) if now is not None else None
        elif incident is not None and incident.closed is None and sight.begin > shown.get(sight.key, incident.since):
            calm.setdefault(sight.key, set()).add(sight.begin)
            if len(calm[sight.key]) >= (1 if incident.kind in CALM_AT_ONCE else CALM):
                changed = "closed", replace(incident, because="there is no sign of it any more", watched=sight.seq, closed=sight.begin)
        if changed is not None:
            newest[sight.key] = changed[1]
            yield changed


def _opened(number: int, sight: Sight) -> Incident:
    kind, release = sight.key
    return Incident(
        number=number,
        kind=kind,
        release=release,
        about=tuple(sorted({sign.about for sign in sight.signs if sign.about})),
        severity="critical" if sight.breaks else max((sign.severity for sign in sight.signs), key=_ORDER.index),
        effect=max((sign.effect for sign in sight.signs), key=abs),
        breaks=sight.breaks,
        because=_because(sight),
        since=sight.begin,
        watched=sight.seq,
    )


def _because(sight: Sight) -> str:
    words = [sign.because or sign.about for sign in sight.signs]
    return "; ".join(words[:3]) + (f"; and {len(words) - 3} more" if len(words) > 3 else "")


def _grown(incident: Incident, sight: Sight) -> Incident | None:
    """The incident as it is now, where it grew: graver, about more, or breaking; None where it only goes on."""
    now = _opened(incident.number, sight)
    about = tuple(sorted({*incident.about, *now.about}))
    graver = _ORDER.index(now.severity) > _ORDER.index(incident.severity)
    if not graver and about == incident.about and (incident.breaks or not now.breaks):
        return None
    severity = now.severity if graver else incident.severity
    return replace(now, about=about, severity=severity, breaks=incident.breaks or now.breaks, since=incident.since)


def sights(told: Told, known: Sequence[Incident], *, look: Look, limit: int) -> list[Sight]:
    """What every window shows of every cause, and what the loop's own actions do, in the order of the entries.

    A broken feed concerns all releases; everything else the champion alone, and since it took the role.

    Parameters
    ----------
    look : gives the window that an entry names
    limit : failed attempts in a row after which the loop gives up
    """
    held = roles(told["release"])
    counted: dict[Key, int] = {}
    for one in known:
        if one.kind != "loop":
            counted[one.kind, one.release] = max(one.watched, counted.get((one.kind, one.release), 0))
    seen = _Seen(held, look, counted)
    found = [sight for entry in told["watch"] for sight in seen.of(entry)]
    return sorted([*found, *_actions(told, limit)], key=lambda sight: sight.seq)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What windows show, for one champion; `counted` is how far the windows were counted for each known cause."""

    held: Roles
    look: Look
    counted: Mapping[Key, int]

    def of(self, entry: Entry) -> Iterator[Sight]:
        body = entry.body
        concerned = (body["release"], body.get("role", "champion")) == (self.held.champion, "champion") and entry.seq > self.held.seq
        signals = [signal for signal in body.get("signals", ()) if signal["severity"] != "info"]
        shown = {(signal["kind"], None if signal["kind"] == "data" else body["release"]) for signal in signals}
        for key in sorted(shown | self.counted.keys(), key=str):
            kind, release = key
            if release is None or (release == body["release"] and concerned):
                if key in shown and entry.seq <= self.counted.get(key, 0):  # its words are told already
                    yield Sight(key, entry.seq, interval(body).begin, (Sign("", "warning", 0.0, ""),))
                elif key in shown:
                    yield self._sight(entry, key)
                elif _tells(kind, body["labels"]):
                    yield Sight(key, entry.seq, interval(body).begin)

    def _sight(self, entry: Entry, key: Key) -> Sight:
        """The signs of one cause in a window, with their words. What is critical in them breaks the release, drift aside."""
        window, kind = self.look(entry), key[0]
        signs = [Sign(s.about, s.severity, s.effect, s.because) for s in window.signals if s.kind == kind and s.severity != "info"]
        moved = sorted({s.about for s in window.signals if s.kind == "drift" and s.about})
        if kind in {"quality", "calibration", "prediction"} and moved:
            signs[0] = replace(signs[0], because=f"{signs[0].because}; likely cause: {', '.join(moved[:3])} moved")
        breaks = kind in BREAKING and any(sign.severity == "critical" for sign in signs)
        return Sight(key, entry.seq, interval(entry.body).begin, tuple(signs), breaks)


def _tells(kind: str, labels: int) -> bool:
    """Whether a window without a sign says that all is well."""
    return kind not in {"quality", "calibration"} or labels >= FEWEST_LABELS


def _actions(told: Told, limit: int) -> Iterator[Sight]:
    """What the loop gave up, after each action that ended and each approval of a person."""
    failed: dict[str, list[str]] = {}
    ended = {attempt.seqs[1]: attempt for attempt in attempts(told["action"]) if attempt.seqs[1] is not None}
    for entry in sorted([*told["action"], *told["decision"]], key=lambda entry: entry.seq):
        if (attempt := ended.get(entry.seq)) is not None:
            failed[attempt.kind] = [] if attempt.status == "done" else [*failed.get(attempt.kind, []), attempt.why]
        elif entry.kind == "decision" and (entry.body["decision"], entry.body["about"]) == ("approve", REFIT):
            failed["refit"] = []
        else:
            continue
        signs = [
            Sign(kind, "critical", float(len(why)), _gave_up(kind, why))
            for kind, why in sorted(failed.items())
            if len(why) >= limit or (why and refused(why[-1]))  # refused for its data: at the first time
        ]
        yield Sight(("loop", None), entry.seq, entry.at, tuple(signs))


def _gave_up(kind: str, why: Sequence[str]) -> str:
    if refused(why[-1]):
        return f"{kind} refused its data: {why[-1].partition(': ')[2]}"
    return f"{kind} failed {len(why)} times, the last time by: {why[-1]}"


def window_of(ws: Workspace, entry: Entry) -> Window:
    """The window that an entry of kind `watch` names."""
    return ws.artifacts.get_record(Window, entry.body["artifacts"]["window"])


def settle(ws: Workspace, told: Told, *, now: datetime) -> list[Entry]:
    """Write down how incidents changed; nothing where they did not. What concerned an earlier champion is closed."""
    known = incidents(told["incident"])
    held = roles(told["release"])
    seen = sights(told, known, look=lambda entry: window_of(ws, entry), limit=policy_of(ws).give_up_after)
    drafts = list(changes(known, seen))
    gone = [one for one in known if one.closed is None and one.release is not None and one.release != held.champion]
    drafts += [("closed", replace(one, because=f"{one.release} is not champion any more", watched=held.seq)) for one in gone]
    if not drafts:
        return []
    causes = [([one.number, change, one.watched], {**one.noted, "change": change}) for change, one in drafts]
    with contextlib.suppress(errors.Overtaken):  # another loop has settled it meanwhile
        ws = ws.resting_on({"incident": told.newest["incident"]})
        return ws.append_all("incident", causes, at=now, actor="loop")
    return []


def follow(ws: Workspace, *, now: datetime) -> list[Incident]:
    """Write down how incidents changed, and give those that are open."""
    settle(ws, tell(ws), now=now)
    return [one for one in incidents(ws.ledger.entries(kind="incident")) if one.closed is None]
