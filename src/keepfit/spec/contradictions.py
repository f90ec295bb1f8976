"""Settings that contradict each other: found before they are parsed, so that all faults are said at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from keepfit.instant import Duration
from keepfit.spec.places import Key

__all__ = ["Contradiction", "contradictions"]

#: Uses that keep a column out of what names rows and orders them.
_OUT = ("ignore", "personal", "subject", "protected")


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Where, what, and what to do."""

    key: Key
    message: str
    fix: str


def contradictions(values: Mapping[str, Any]) -> Iterator[Contradiction]:
    """What cannot hold together in a project's settings, which need not be right in any other way."""
    problem = _table(values, "problem")
    columns = _table(values, "columns")
    target, time, key = problem.get("target"), problem.get("time"), problem.get("key")
    names = [name for name in key if isinstance(name, str)] if isinstance(key, list | tuple) else []
    yield from _of_target(target, time, names)
    for name, said in columns.items():
        if isinstance(said, Mapping):
            yield from _of_column(name, said, target=target, time=time, key=names)
    for number, name in enumerate(names):
        if name in names[:number]:
            yield Contradiction(("problem", "key"), f"'{name}' stands twice in the key", "name each column once")
    if time is None and _delays(problem.get("label_delay")):
        fix = "name the time column, or leave label_delay out"
        yield Contradiction(("problem", "label_delay"), "label_delay counts from problem.time, which is not named", fix)


def _of_target(target: Any, time: Any, key: list[str]) -> Iterator[Contradiction]:
    if target is None:
        return
    if target in key:
        fix = "leave it out of the key"
        yield Contradiction(("problem", "key"), f"target '{target}' cannot be part of the key: it is what has to be found", fix)
    if target == time:
        yield Contradiction(("problem", "time"), f"target and time cannot be the same column '{target}'", "name two columns")


def _of_column(name: str, said: Mapping[str, Any], *, target: Any, time: Any, key: list[str]) -> Iterator[Contradiction]:
    uses = [use for use in _OUT if said.get(use) is True]
    later = said.get("known") == "later"
    if name == target and uses:
        fix = "leave the setting out, or name another target"
        yield Contradiction(("columns", name, uses[0]), f"'{name}' is the target and cannot be {_words(uses[0])}", fix)
    if name == time and (uses or later):
        what = "known only later" if later else _words(uses[0])
        place = ("columns", name, "known" if later else uses[0])
        yield Contradiction(place, f"'{name}' is the time of the decision and cannot be {what}", "name another column in problem.time")
    if name in key and name != target and (uses or later):
        what = "known only later" if later else _words(uses[0])
        place = ("columns", name, "known" if later else uses[0])
        fix = "name rows by other columns in problem.key, or leave the setting out"
        yield Contradiction(place, f"'{name}' is in the key and cannot be {what}: every answer and label carries the key", fix)


def _delays(value: Any) -> bool:
    """Whether a label delay is one, and not none at all."""
    try:
        return isinstance(value, str) and Duration.parse(value) > Duration(0)
    except ValueError:
        return False


def _words(use: str) -> str:
    return {"ignore": "left out", "personal": "personal", "subject": "a subject", "protected": "protected"}[use]


def _table(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = values.get(name)
    return found if isinstance(found, Mapping) else {}
