"""Moments: instants whose place in the day, the week and the year carries meaning."""

from __future__ import annotations

import math
from collections.abc import MutableSequence, Sequence
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np

from keepfit.column import Bar, Seen, State, WriteRow, WriteTogether
from keepfit.instant import from_micros, micros, parse
from keepfit.sketch import Sketches
from keepfit.sketches.count import Count
from keepfit.sketches.histogram import Histogram
from keepfit.sketches.moments import Moments
from keepfit.sketches.quantiles import Quantiles

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

__all__ = ["Moment"]

_MINUTE = 60_000_000
_DAY = 1440 * _MINUTE
#: Training rows must span this many days before the place in the year is learned from: what came once is no cycle.
_TWO_YEARS = 730
_WEEK = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
#: The parts of states that do not name theirs.
_FIRST_PARTS = ("minute", "weekday")
#: Places in the whole cycle. Sines come from tables, so that one row and many rows give the same bits.
_PLACES = {"minute": 1440, "day of year": 366}
_SINE, _COSINE = ({part: wave(np.arange(places) * (2 * np.pi / places)) for part, places in _PLACES.items()} for wave in (np.sin, np.cos))
_HOURS = [float(hour) for hour in range(1, 24)]
_WIDTH = {"minute": 2, "weekday": 7, "day of year": 2}

Whole = TypeVar("Whole", int, "NDArray[np.int64]")  # one instant or many


class Moment:
    """An instant in UTC, encoded as the minute of its day, its weekday, and, after two years, its day of the year.

    Parts that do not vary in the training rows are left out.
    """

    kind = "moment"
    dtypes = frozenset({"instant"})
    axis = "hour of the day, UTC"
    bins: Literal["ordered", "named", "open"] = "named"

    def claims(self, dtype: str, seen: Seen | None = None) -> bool:
        return dtype == "instant"

    def learn(self, values: pl.Series, style: str) -> State | None:
        since = _micros(values.drop_nulls())
        if since.size == 0:
            return None
        long = (int(since.max()) - int(since.min())) // _DAY >= _TWO_YEARS
        parts = [part for part in _WIDTH if (part != "day of year" or long) and np.ptp(_place(part, since)) > 0]
        return {"style": style, "parts": parts} if parts else None

    def names(self, column: str, state: State) -> list[str]:
        parts = _parts(state)
        if state["style"] == "trees":
            return [f"{column} {_TREE_NAMES[part]}" for part in parts]
        return [f"{column} {name}" for part in parts for name in _LINEAR_NAMES[part]]

    def categorical(self, state: State) -> list[int]:
        return []

    def matrix(self, state: State, values: pl.Series) -> NDArray[np.float64]:
        absent = values.is_null().to_numpy()
        since = _micros(values)
        found: list[NDArray[np.float64]] = []
        for part in _parts(state):
            place = _place(part, since)
            if state["style"] == "trees":
                found.append(place.astype(np.float64)[:, None])
            elif part == "weekday":
                found.append((place[:, None] == np.arange(7)).astype(np.float64))
            else:
                found.append(np.stack([_SINE[part][place], _COSINE[part][place]], axis=1))
        return np.where(absent[:, None], np.nan if state["style"] == "trees" else 0.0, np.concatenate(found, axis=1))

    def writer(self, state: State, dtype: str, at: int) -> WriteRow:
        trees, parts = state["style"] == "trees", _parts(state)
        width = len(self.names("", state))
        waves = {part: list(zip(_SINE[part].tolist(), _COSINE[part].tolist(), strict=True)) for part in _PLACES}

        def write(value: object, out: MutableSequence[float], warn: list[str]) -> None:
            if value is None:
                for empty in range(at, at + width):
                    out[empty] = math.nan if trees else 0.0
                return
            since, next_ = _since(value), at
            for part in parts:
                place = _place(part, since)
                if trees:
                    out[next_] = float(place)
                    next_ += 1
                elif part == "weekday":
                    for day in range(7):
                        out[next_ + day] = 1.0 if day == place else 0.0
                    next_ += 7
                else:
                    out[next_], out[next_ + 1] = waves[part][place]
                    next_ += 2

        return write

    def together(self, states: Sequence[State], dtypes: Sequence[str], at: int) -> WriteTogether | None:
        return None

    def sketch(self, values: pl.Series, like: Sketches | None) -> Sketches:
        since = np.sort(_micros(values.drop_nulls()))
        seconds = since / 1e6
        return {
            Count.name: Count().of(len(values), int(values.null_count())),
            Moments.name: Moments().of(seconds),
            Quantiles.name: Quantiles().of(seconds),
            Histogram.name: Histogram().of(np.sort(since % _DAY // (60 * _MINUTE)).astype(np.float64), _HOURS),
        }

    def beside(self, reference: Sketches, current: Sketches) -> tuple[list[int], list[int]]:
        return Histogram().beside(reference["histogram"], current["histogram"])

    def tally(self, values: pl.Series, like: Sketches, part: NDArray[np.int64], parts: int) -> NDArray[np.int64]:
        known = values.is_not_null().to_numpy()
        hours = (_micros(values.drop_nulls()) % _DAY // (60 * _MINUTE)).astype(np.float64)
        return Histogram().tally(like["histogram"], hours, part[known], parts)

    def bars(self, reference: Sketches, current: Sketches) -> list[Bar]:
        counts = Histogram().beside(reference["histogram"], current["histogram"])
        totals = [sum(one) for one in counts]
        if not all(totals) or len(counts[0]) != 24:
            return []
        shares = [[rows / total for rows in one] for one, total in zip(counts, totals, strict=True)]
        return [Bar("", float(hour), hour + 1.0, shares[0][hour], shares[1][hour]) for hour in range(24)]

    def says(self, sketches: Sketches) -> str:
        held = sketches["quantiles"]
        if not held["rows"]:
            return "no value"
        first, last = (f"{from_micros(int(seconds * 1e6)):%Y-%m-%d}" for seconds in Quantiles().at(held, (0.05, 0.95)))
        return f"nine of ten in {first} to {last}"


_TREE_NAMES = {"minute": "minute of day", "weekday": "weekday", "day of year": "day of year"}
_LINEAR_NAMES = {
    "minute": ["day sine", "day cosine"],
    "weekday": [f"is {day}" for day in _WEEK],
    "day of year": ["year sine", "year cosine"],
}


def _parts(state: State) -> tuple[str, ...]:
    return tuple(state.get("parts", _FIRST_PARTS))


def _place(part: str, since: Whole) -> Whole:
    """Where instants lie in a cycle: of one or of many."""
    if part == "minute":
        return since % _DAY // _MINUTE
    if part == "weekday":
        return (since // _DAY + 3) % 7
    return _day_of_year(since // _DAY)


def _day_of_year(days: Whole) -> Whole:
    """The day of a year of 366 days, from 0: 29 February keeps its place in every year.

    Days since 1970-01-01 to the day of a year that begins in March: Hinnant, chrono-compatible low-level date algorithms.
    """
    days = days + 719_468
    of_era = days % 146_097
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    place: Whole = (of_era - (365 * year + year // 4 - year // 100) + 60) % 366
    return place


def _micros(values: pl.Series) -> NDArray[np.int64]:
    return np.asarray(values.dt.epoch("us").fill_null(0).to_numpy(), dtype=np.int64)


def _since(value: object) -> int:
    if type(value) is int:
        return value
    if isinstance(value, str):
        try:
            return micros(parse(value))
        except (ValueError, OverflowError):
            pass
    raise ValueError("an instant in ISO 8601 with an offset, as in 2013-07-01T17:00Z")
