"""A window: a slice of the prediction log, judged when its labels are due."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from keepfit.drift import Drift
from keepfit.evaluation import Evaluation, Gain
from keepfit.instant import WEEKS_BEGIN, Duration, show
from keepfit.signal import Signal

__all__ = ["Interval", "Window", "closed", "containing"]


@dataclass(frozen=True, slots=True)
class Interval:
    """From `begin` up to, not including, `end`."""

    begin: datetime
    end: datetime

    @property
    def name(self) -> str:
        return f"{show(self.begin)}/{show(self.end)}"


@dataclass(frozen=True, slots=True)
class Window:
    """What was seen of one release in one interval.

    `expected` is the mean output over rows with a label, `happened` the rate of the outcome among them: when the base rate
    moves, these two part first. `change` is the selecting metric against the level at release, below 0 where
    the window is worse. `evaluation` is None while too few labels are known. `drift` answers every question about every
    column, the most telling first. `signals` is what the loop must know of; `notes` says in words what the answers rest on
    where that is less than it should be.
    """

    record: ClassVar[str] = "window"
    version: ClassVar[int] = 1

    begin: datetime
    end: datetime
    release: str
    predictions: int
    labels: int
    expected: float | None
    happened: float | None
    evaluation: Evaluation | None
    change: Gain | None
    drift: tuple[Drift, ...]
    signals: tuple[Signal, ...] = ()
    role: Literal["champion", "canary", "shadow"] = "champion"
    notes: tuple[str, ...] = ()


def containing(instant: datetime, length: Duration) -> Interval:
    """The window that an instant lies in, counted from Monday 1970-01-05, 00:00 UTC.

    >>> containing(datetime.fromisoformat("2013-03-06T12:00+00:00"), Duration.parse("7d")).name
    '2013-03-04T00:00:00Z/2013-03-11T00:00:00Z'
    """
    begin = WEEKS_BEGIN + (instant - WEEKS_BEGIN) // length.delta * length.delta
    return Interval(begin, begin + length.delta)


def closed(first: datetime, now: datetime, length: Duration, delay: Duration) -> Iterator[Interval]:
    """The windows from the one that holds `first` on whose labels are due: those with end + delay <= now."""
    window = containing(first, length)
    while window.end + delay.delta <= now:
        yield window
        window = Interval(window.end, window.end + length.delta)
