"""A cause: everything that a step's result depends on. Its digest is the step's key, so equal causes are worked out once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from keepfit import record

__all__ = ["Cause", "differences"]

#: More of a value than this is not shown.
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Cause:
    """The inputs of one step, by name: digests of data, settings by their dotted keys, the version of the step and of libraries."""

    record: ClassVar[str] = "cause"
    version: ClassVar[int] = 1

    step: str
    inputs: Mapping[str, Any]

    @property
    def key(self) -> list[Any]:
        """What the ledger's key of the step's entry is made of."""
        return [record.digest_of(self)]


def differences(before: Cause, now: Cause) -> tuple[str, ...]:
    """In which inputs two causes differ, in plain words.

    >>> differences(Cause("fit", {"model.seed": 0, "data": "b3:1"}), Cause("fit", {"model.seed": 7, "data": "b3:2"}))
    ('model.seed is 7 and was 0', 'data changed')
    """
    old, new = record.plain(before.inputs), record.plain(now.inputs)
    return tuple(_said(name, old.get(name), new.get(name)) for name in dict.fromkeys([*new, *old]) if old.get(name) != new.get(name))


def _said(name: str, before: Any, now: Any) -> str:
    texts = [_text(value) for value in (now, before)]
    if any(text is None for text in texts):
        return f"{name} changed" if before is not None and now is not None else f"{name} is {'new' if before is None else 'gone'}"
    return f"{name} is {texts[0]} and was {texts[1]}"


def _text(value: Any) -> str | None:
    """A value for people; None where a person would not know it by its text."""
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"{value:g}" if isinstance(value, float) else str(value)
    if isinstance(value, str):
        return None if value.startswith("b3:") else value if len(value) <= _SHOWN else None
    if isinstance(value, list) and all(isinstance(one, (str, int, float)) for one in value):
        text = ", ".join(map(str, value))
        return f"[{text}]" if len(text) <= _SHOWN else None
    return None
