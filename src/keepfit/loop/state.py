"""State: what the ledger says at a moment, read once; the loop decides from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from keepfit.action import Attempt, attempts
from keepfit.decision import decisions
from keepfit.incident import Race, State, incidents
from keepfit.instant import Duration, parse
from keepfit.ledger import Entry
from keepfit.loop import lease
from keepfit.policy import Policy, policy
from keepfit.release import Roles, roles
from keepfit.stage import Canary, stage_of
from keepfit.window import Interval
from keepfit.workspace import Workspace

__all__ = ["KINDS", "Told", "broken_windows", "interval", "newest_looks", "pace", "policy_of", "state_of", "tell", "watched"]

#: The kinds of entries that the loop decides from.
KINDS = ("watch", "action", "release", "verdict", "incident", "decision", "stage")
#: A stage is looked at so many times in a window, and lasts so many windows beyond the label delay at most.
LOOKS, LONGEST = 7, 4
#: Refits are counted against `refit.compute` for so long.
COUNTED = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Told:
    """The ledger's entries of the kinds that the loop decides from, and the place of the newest of each."""

    entries: Mapping[str, Sequence[Entry]]

    def __getitem__(self, kind: str) -> Sequence[Entry]:
        return self.entries[kind]

    @property
    def newest(self) -> dict[str, int]:
        return {kind: found[-1].seq if found else 0 for kind, found in self.entries.items()}


def tell(ws: Workspace) -> Told:
    """Read the ledger once."""
    return Told({kind: list(ws.ledger.entries(kind=kind)) for kind in KINDS})


def pace(ws: Workspace, newest: Interval | None) -> timedelta:
    """How long a window lasts; where rows are counted, as long as the newest one did, and a week before any did."""
    length = ws.spec.monitor.window
    if isinstance(length, Duration):
        return length.delta
    return newest.end - newest.begin if newest is not None else timedelta(days=7)


def newest_looks(entries: Iterable[Entry]) -> list[Entry]:
    """Of entries of kind `watch` the last of each window, release and role: one may be looked at again for what came late."""
    return list({(e.body["begin"], e.body["end"], e.body["release"], e.body.get("role", "champion")): e for e in entries}.values())


def policy_of(ws: Workspace) -> Policy:
    """The project file's rules."""
    return policy(ws.spec.refit)


def state_of(ws: Workspace, told: Told, *, now: datetime, waits: tuple[Interval, ...] = (), labels: int = 0) -> State:
    """The state as the ledger alone tells it; `waits` and `labels` are what the log adds."""
    held = roles(told["release"])
    tried = attempts(told["action"])
    last = watched(told)
    latest = tried[-1] if tried else None
    return State(
        champion=held.champion,
        previous=_last_good(told["release"], held.champion),
        changed=max((entry.at for entry in told["release"] if _changes(entry)), default=None),
        due=waits,
        watched=last,
        labels=labels,
        garbage=_garbage(told, last),
        watches=len({e.body["begin"] for e in told["watch"] if held.since is not None and parse(e.body["end"]) > held.since}),
        challenger=held.shadow,
        raced=_raced(told, tried, held.shadow),
        fitted=max((window for window in (_fitted(told, one) for one in tried) if window), key=lambda w: w.begin, default=None),
        canary=_canary(ws, told, held),
        incidents=tuple(one for one in incidents(told["incident"]) if one.closed is None),
        decisions=decisions(told["decision"]),
        attempts=tuple(tried),
        busy=latest if latest and lease.alive(latest, ws, lease.wall()) else None,
        spent=sum((timedelta(seconds=a.seconds) for a in tried if a.kind == "refit" and now - a.begun < COUNTED), timedelta()),
    )


def interval(body: Mapping[str, Any]) -> Interval:
    return Interval(parse(body["begin"]), parse(body["end"]))


def watched(told: Told) -> Interval | None:
    return max((interval(entry.body) for entry in told["watch"]), key=lambda window: window.begin, default=None)


def _changes(entry: Entry) -> bool:
    """Whether an entry put one champion in another's place; the first release of a project does not."""
    return entry.body["role"] == "champion" and bool(entry.body["was"])


def _last_good(released: Sequence[Entry], champion: str | None) -> str | None:
    """The last champion that is not champion now and that was not rolled back from since it last took the role."""
    good: list[str] = []
    for entry in released:
        name = entry.body["release"]
        if entry.body["role"] == "champion":
            bad = entry.body.get("rolled_back")
            good = [one for one in good if one not in (name, bad)] + [name]
    return next((name for name in reversed(good) if name != champion), None)


def _broken(entry: Entry) -> list[str]:
    """What is broken in the feed of an entry's window."""
    signals = entry.body.get("signals", ())
    return [signal["about"] or "the whole feed" for signal in signals if signal["kind"] == "data" and signal["severity"] != "info"]


def _garbage(told: Told, window: Interval | None) -> str:
    """What is broken in the data of a window."""
    own = [entry for entry in newest_looks(told["watch"]) if interval(entry.body) == window]
    about = {what for entry in own for what in _broken(entry)}
    return f"its data is broken: {', '.join(sorted(about)[:5])}" if about else ""


def broken_windows(told: Told) -> list[Interval]:
    """Every window whose feed was broken: nothing is learned from what was logged in it."""
    return [interval(entry.body) for entry in newest_looks(told["watch"]) if _broken(entry)]


def _raced(told: Told, tried: list[Attempt], shadow: str | None) -> Race | None:
    """The newest race of the release in the shadow."""
    candidate = next((entry.body["candidate"] for entry in told["release"] if entry.body["release"] == shadow), None)
    races = [
        Race(interval(entry.body["window"]), entry.body.get("z", 0.0), entry.body["status"])
        for entry in told["verdict"]
        if entry.body.get("window") and entry.body["candidate"] == candidate
    ]
    held = {race.window for race in races}
    asked = [one for one in tried if one.kind == "compare" and one.status == "done" and one.release == shadow]
    races += [Race(one.window) for one in asked if one.window is not None and one.window not in held]
    return max(races, key=lambda race: race.window.begin, default=None)


def _fitted(told: Told, attempt: Attempt) -> Interval | None:
    """The window after which an attempt fitted a challenger; one that was killed after its release did as well."""
    if attempt.kind != "refit":
        return None
    begin, end = attempt.seqs
    released = any(
        entry.body["role"] == "shadow" and begin < entry.seq and (end is None or entry.seq < end) for entry in reversed(told["release"])
    )
    return attempt.window if attempt.status == "done" or released else None


def _canary(ws: Workspace, told: Told, held: Roles) -> Canary | None:
    if held.canary is None:
        return None
    began = next(e for e in reversed(told["release"]) if e.body["release"] == held.canary and e.body["role"] == "canary")
    stage = stage_of(held.share, policy_of(ws).stages)
    tests = [e for e in told["stage"] if e.body["release"] == held.canary and e.seq > began.seq]
    window, delay = pace(ws, watched(told)), ws.spec.problem.label_delay.delta
    return Canary(
        held.canary,
        stage,
        began.at,
        window / LOOKS,
        began.at + LONGEST * window + delay,
        parse(tests[-1].body["end"]) if tests else None,
        tests[-1].body["says"] if tests else "undecided",
        _trouble(told, held.canary, began),
    )


def _trouble(told: Told, canary: str, began: Entry) -> str:
    """What the windows say that broke in the canary's own answers."""
    broken = {
        signal["kind"]
        for entry in told["watch"]
        if (entry.body["release"], entry.body.get("role")) == (canary, "canary") and entry.seq > began.seq
        for signal in entry.body.get("signals", ())
        if signal["severity"] == "critical" and signal["kind"] in {"errors", "latency", "quality"}
    }
    return f"its own {' and '.join(sorted(broken))} broke" if broken else ""
