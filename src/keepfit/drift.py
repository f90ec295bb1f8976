"""Drift: one question's answer about a window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from keepfit.column import Kinds
from keepfit.profile import Profile

__all__ = ["Drift", "drift"]


@dataclass(frozen=True, slots=True)
class Drift:
    """How far a column of a window lies from the reference.

    `effect` is the Jensen-Shannon distance in [0, 1]. It is information; it opens no incident by itself.
    """

    record: ClassVar[str] = "drift"
    version: ClassVar[int] = 1

    column: str
    statistic: str
    effect: float
    rows: int


def drift(reference: Profile, current: Profile, kind_of: dict[str, str], kinds: Kinds) -> list[Drift]:
    """The distance of every column that both profiles hold, the farthest first."""
    found = [
        Drift(name, "jensen_shannon", round(kinds[kind_of[name]].distance(sketches, current.columns[name]), 6), current.rows)
        for name, sketches in reference.columns.items()
        if name in current.columns and name in kind_of
    ]
    return sorted(found, key=lambda answer: (-answer.effect, answer.column))
