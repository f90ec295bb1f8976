"""Drift: one question's answer about a window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from keepfit.reference import About

__all__ = ["Drift", "Statistic"]

#: The questions that are always asked; further ones go by the names of the seam `drift`.
Statistic: TypeAlias = Literal["location", "scale", "shape", "tails", "missing", "categories", "unseen"]


@dataclass(frozen=True, slots=True)
class Drift:
    """One question about one column of a window, answered twice.

    `moved` says that the window is unlike ordinary windows: `chance` is how often an ordinary one shows as much,
    `adjusted` the least budget of false alarms, over all columns and questions together, under which it counts, and
    `threshold` the budget. `matters` says that the effect is surely larger than the least one that matters, which for
    a column of less than average `importance` is larger in proportion; it is None where that was not asked.

    `effect` is in `unit`, with its standard error, which holds what windows differ by of themselves. `over` says
    whether the window alone showed it, or windows of late together. `importance` is the column's share of what all
    are worth to the model, None where that is not known. A statistic that is shown by name answers neither: its `chance`
    is its own p-value, where it is a test, and its column is empty where it asks of all together.
    """

    record: ClassVar[str] = "drift"
    version: ClassVar[int] = 1

    column: str
    statistic: str
    effect: float
    rows: int
    about: About = "feature"
    unit: str = ""
    error: float | None = None
    chance: float | None = None
    adjusted: float | None = None
    threshold: float | None = None
    over: Literal["window", "recent"] = "window"
    importance: float | None = None
    moved: bool | None = None
    matters: bool | None = None
