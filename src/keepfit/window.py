"""A window: a slice of the prediction log, judged when its labels are due."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, Literal

from keepfit.drift import Drift
from keepfit.evaluation import Evaluation, Gain
from keepfit.instant import WEEKS_BEGIN, Duration, from_micros, show
from keepfit.signal import Signal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["FOR_EVER", "Interval", "Window", "containing", "filled", "numbered", "uncovered"]

#: The end of an interval that goes on.
FOR_EVER = datetime(9999, 1, 1, tzinfo=UTC)


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


def numbered(number: int, length: Duration) -> Interval:
    """The window of a number, counted from Monday 1970-01-05, 00:00 UTC.

    >>> numbered(2252, Duration.parse("7d")).name
    '2013-03-04T00:00:00Z/2013-03-11T00:00:00Z'
    """
    begin = WEEKS_BEGIN + number * length.delta
    return Interval(begin, begin + length.delta)


def filled(times: NDArray[np.int64], rows: int, since: datetime | None) -> Iterator[Interval]:
    """The windows that answered rows fill, so many rows each, one beginning where the last one ended.

    Rows of one instant belong to one window, which may so hold more.

    Parameters
    ----------
    times : of the rows from `since` on, in microseconds, in their order
    since : where the last window ended; the first of all begins at 00:00 UTC of its first row's day
    """
    at = 0
    while at + rows <= times.size:
        last = int(times[at + rows - 1])
        begin = since if since is not None else _day(from_micros(int(times[at])))
        yield Interval(begin, from_micros(last + 1))
        at, since = int(times.searchsorted(last, side="right")), from_micros(last + 1)


def uncovered(window: Interval, sealed: Collection[Interval]) -> Interval | None:
    """What of a window lies after every sealed one that it overlaps; None where nothing does.

    Windows overlap where their length was changed meanwhile: what was judged is not judged again under another length.
    """
    if window in sealed:
        return None
    end = max((one.end for one in sealed if one.begin < window.end and one.end > window.begin), default=window.begin)
    return Interval(end, window.end) if end < window.end else None


def _day(instant: datetime) -> datetime:
    return instant.replace(hour=0, minute=0, second=0, microsecond=0)
