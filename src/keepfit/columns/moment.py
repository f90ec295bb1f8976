"""Moments: instants whose place in the day and the week carries meaning."""

from __future__ import annotations

import math
from collections.abc import MutableSequence
from typing import TYPE_CHECKING

import numpy as np

from keepfit.column import Sketch, State, WriteRow
from keepfit.instant import micros, parse
from keepfit.measures.distance import jensen_shannon

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

__all__ = ["Moment"]

_MINUTE = 60_000_000
_DAY = 1440 * _MINUTE
#: Cycles come from tables, so that one row and many rows give the same bits.
_ANGLES = np.arange(1440) * (2 * np.pi / 1440)
_SINE, _COSINE = np.sin(_ANGLES), np.cos(_ANGLES)


class Moment:
    """An instant, encoded as the minute of its day and its weekday, in UTC."""

    kind = "moment"

    def claims(self, dtype: str) -> bool:
        return dtype == "instant"

    def holds(self, dtype: str) -> bool:
        return self.claims(dtype)

    def learn(self, values: pl.Series, style: str) -> State | None:
        return {"style": style} if values.n_unique() > 1 else None

    def names(self, column: str, state: State) -> list[str]:
        if state["style"] == "trees":
            return [f"{column} minute of day", f"{column} weekday"]
        return [
            f"{column} day sine",
            f"{column} day cosine",
            *(f"{column} is {day}" for day in ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")),
        ]

    def categorical(self, state: State) -> list[int]:  # noqa: ARG002 - weekdays are ordered well enough for trees
        return []

    def matrix(self, state: State, values: pl.Series) -> NDArray[np.float64]:
        absent = values.is_null().to_numpy()
        since = values.cast(int).fill_null(0).to_numpy()
        minute, weekday = since % _DAY // _MINUTE, (since // _DAY + 3) % 7
        if state["style"] == "trees":
            return np.where(absent[:, None], np.nan, np.stack([minute, weekday], axis=1).astype(np.float64))
        cycle = np.stack([_SINE[minute], _COSINE[minute]], axis=1)
        days = (weekday[:, None] == np.arange(7)).astype(np.float64)
        return np.where(absent[:, None], 0.0, np.concatenate([cycle, days], axis=1))

    def writer(self, state: State, dtype: str, at: int) -> WriteRow:  # noqa: ARG002 - instants have one stored type
        trees = state["style"] == "trees"
        sine, cosine = _SINE.tolist(), _COSINE.tolist()

        def write(value: object, out: MutableSequence[float], warn: list[str]) -> None:  # noqa: ARG001 - the seam's shape
            if value is None:
                for place in range(at, at + (2 if trees else 9)):
                    out[place] = math.nan if trees else 0.0
                return
            since = _since(value)
            minute, weekday = since % _DAY // _MINUTE, (since // _DAY + 3) % 7
            if trees:
                out[at], out[at + 1] = float(minute), float(weekday)
                return
            out[at], out[at + 1] = sine[minute], cosine[minute]
            for day in range(7):
                out[at + 2 + day] = 1.0 if day == weekday else 0.0

        return write

    def sketch(self, values: pl.Series, like: Sketch | None) -> Sketch:  # noqa: ARG002 - hours need no bins of their own
        known = values.drop_nulls().cast(int).to_numpy()
        counts = np.bincount(known % _DAY // (60 * _MINUTE), minlength=24)
        return {"rows": len(values), "missing": int(values.null_count()), "counts": counts.tolist()}

    def distance(self, reference: Sketch, current: Sketch) -> float:
        return jensen_shannon([*reference["counts"], reference["missing"]], [*current["counts"], current["missing"]])


def _since(value: object) -> int:
    if type(value) is int:
        return value
    if isinstance(value, str):
        try:
            return micros(parse(value))
        except (ValueError, OverflowError):
            pass
    raise ValueError("an instant in ISO 8601 with an offset, as in 2013-07-01T17:00Z")
