"""Outlook: what a run would do and why, without doing it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal, TypeAlias

from keepfit import cause, digest, errors, record
from keepfit.cause import Cause
from keepfit.ledger import Entry
from keepfit.loop.fit import fit_cause
from keepfit.loop.judge import rules
from keepfit.loop.models import champion_candidate
from keepfit.loop.take import LAST, Taken, latest, take_cause, taken_before
from keepfit.spec import toml
from keepfit.spec.places import Key
from keepfit.workspace import Workspace

__all__ = ["Outlook", "Setting", "Step", "outlook"]

#: "runs": it would be done. "unchanged": its answer is there. "depends": that follows from an earlier step's answer.
Does: TypeAlias = Literal["runs", "unchanged", "depends"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a run: what it would do, and why."""

    name: str
    does: Does
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its dotted key, its value as the project file would hold it, and where that came from."""

    key: str
    value: Any
    origin: str


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a run would do now. `changed` is false when it would find nothing to do."""

    record: ClassVar[str] = "outlook"
    version: ClassVar[int] = 1

    project: str
    champion: str | None
    changed: bool
    steps: tuple[Step, ...]
    settings: tuple[Setting, ...]


def outlook(ws: Workspace, *, now: datetime) -> Outlook:
    """Look ahead: no data is taken, nothing is fitted, nothing is written down.

    Raises
    ------
    Faults, MissingSource
        The project file does not hold; or the source is not there.
    """
    ws.check()
    take, taken = _take(ws, now)
    steps = [take]
    fit, fitted = _fit(ws, taken)
    steps.append(fit)
    steps += _judge(ws, fitted)
    changed = any(step.does != "unchanged" for step in steps)
    return Outlook(ws.project, ws.roles().champion, changed, tuple(steps), tuple(settings(ws)))


def _take(ws: Workspace, now: datetime) -> tuple[Step, Taken | None]:
    why = take_cause(ws)
    if why is None:
        by = "a function of yours adds columns, and may be another" if ws.spec.features else "its source tells only when it is read"
        return Step("take", "runs", (by,)), None
    taken = taken_before(ws, why, now)
    if taken is not None:
        return Step("take", "unchanged", (f"{taken.snapshot.rows:,} rows of {taken.snapshot.origin}",)), taken
    if latest(ws, ws.spec.data.origin) is None:
        return Step("take", "runs", ("nothing was taken yet",)), None
    said = ws.cache.get(LAST)
    before = _read(said) if said is not None else None
    if before is None:
        return Step("take", "runs", ("the cache that knows the source's files is gone",)), None
    different = cause.differences(before, why)
    return Step("take", "runs", different or ("rows or their targets became known since, or parts of the table are missing",)), None


def _read(text: str) -> Cause | None:
    try:
        return record.read(Cause, text)
    except errors.KeepfitError:
        return None


def _fit(ws: Workspace, taken: Taken | None) -> tuple[Step, Entry | None]:
    newest = [entry for entry in ws.ledger.entries(kind="fit") if "evaluation" in entry.body["artifacts"]]
    if taken is None:
        if not newest:
            return Step("fit", "runs", ("nothing was fitted yet",)), None
        changed = _settings_changed(ws, newest[-1])
        return (Step("fit", "runs", changed) if changed else Step("fit", "depends", ("it runs when the rows differ",))), None
    why = fit_cause(ws, taken.digest)
    entry = ws.entry("fit", why.key)
    if entry is not None:
        return Step("fit", "unchanged", (f"{entry.body['candidate']}: {entry.body['estimator']} on {entry.body['rows']:,} rows",)), entry
    if not newest:
        return Step("fit", "runs", ("nothing was fitted yet",)), None
    before = _cause_of(ws, newest[-1])
    different = cause.differences(before, why) if before is not None else ("its inputs are not known",)
    return Step("fit", "runs", tuple(f"{text} (since {newest[-1].body['candidate']})" for text in different)), None


def _settings_changed(ws: Workspace, entry: Entry) -> tuple[str, ...]:
    """In which settings and versions a fit would differ from an earlier one, whatever the data."""
    before = _cause_of(ws, entry)
    if before is None:
        return ()
    different = cause.differences(before, fit_cause(ws, str(before.inputs.get("the data"))))
    return tuple(f"{text} (since {entry.body['candidate']})" for text in different)


def _cause_of(ws: Workspace, entry: Entry) -> Cause | None:
    named = entry.body["artifacts"].get("cause")
    return ws.artifacts.get_record(Cause, named) if named else None


def _judge(ws: Workspace, fitted: Entry | None) -> list[Step]:
    """Judging and releasing: what is known of them before the candidate is there."""
    if fitted is None:
        return [
            Step("judge", "depends", ("it follows the fit",)),
            Step("release", "depends", ("it follows from the verdict",)),
        ]
    name = fitted.body["candidate"]
    champion = champion_candidate(ws, ws.roles())
    against = champion.id if champion and champion.id != name else None
    said = [entry for entry in ws.ledger.entries(kind="verdict") if entry.body["candidate"] == name]
    there = ws.entry("verdict", [name, against, rules(ws)])
    if there is None and champion and champion.id == name and said and said[-1].body["rules"] == rules(ws):
        there = said[-1]
    if there is None:
        why = _rules_changed(ws, said[-1]) if said else (f"{name} was not judged yet",)
        return [Step("judge", "runs", why), Step("release", "depends", ("it follows from the verdict",))]
    judged = Step("judge", "unchanged", (f"{name}: {there.body['status']}",))
    if there.body["status"] != "passed":
        return [judged, Step("release", "unchanged", (f"{name} did not pass, so nothing is released",))]
    released = [e for e in ws.ledger.entries(kind="release") if e.body["candidate"] == name]
    if released:
        return [judged, Step("release", "unchanged", (f"{released[-1].body['release']} holds {name}",))]
    return [judged, Step("release", "runs", (f"{name} passed and was not released yet",))]


def _rules_changed(ws: Workspace, before: Entry) -> tuple[str, ...]:
    """Which gates differ from those of an earlier verdict, by name."""
    old = before.body.get("each_rule", {})
    now = {name: digest.of_value(record.plain(gate)) for name, gate in ws.spec.gates.items()}
    texts = [
        f"gate '{name}' {'is new' if name not in old else 'is gone' if name not in now else 'changed'}"
        for name in dict.fromkeys([*now, *old])
        if now.get(name) != old.get(name)
    ]
    return tuple(texts) or ("the champion that it would be compared with is another",)


def settings(ws: Workspace) -> Iterator[Setting]:
    """Every setting with its value and where it came from; of columns only what was set."""
    yield from _settings(ws.loaded.places.origin, ws.spec.model_dump(mode="json", by_alias=True), ())


def _settings(origin: Callable[[Key], str], values: Mapping[str, Any], path: Key) -> Iterator[Setting]:
    for name, value in values.items():
        key = (*path, name)
        if isinstance(value, Mapping):
            yield from _settings(origin, value, key)
        elif value is not None and (key[0] != "columns" or origin(key) != "default"):
            yield Setting(toml.dotted(key), value, origin(key))
