"""Mean, spread and range of numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from keepfit.sketch import State

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Moments", "unit"]


class Moments:
    """`mean`, `deviation` (the root of the mean squared distance to the mean), `least` and `most`; null without rows.

    Exact up to rounding, and finite for every finite number.

    Notes
    -----
    Merged by Chan, Golub and LeVeque (1983), The American Statistician 37(3), 242-247.

    >>> both = Moments().merge(Moments().of(np.array([1.0, 2.0])), Moments().of(np.array([6.0])))
    >>> both["mean"], round(both["deviation"] ** 2, 9)
    (3.0, 4.666666667)
    """

    name: ClassVar[str] = "moments"
    version: ClassVar[int] = 1

    def of(self, known: NDArray[np.float64]) -> State:
        """Of finite numbers, shape (rows,)."""
        if known.size == 0:
            return self._state(0, None, None, None, None)
        least, most = float(known.min()), float(known.max())
        if least == most:
            return self._state(int(known.size), least, 0.0, least, most)
        by = unit(max(abs(least), abs(most)))
        scaled = known if by == 1.0 else known / by
        mean = float(scaled.mean())
        apart = scaled - mean
        return self._state(int(known.size), mean * by, math.sqrt(float(apart @ apart) / known.size) * by, least, most)

    def merge(self, first: State, second: State) -> State:
        if not first["rows"] or not second["rows"]:
            return second if second["rows"] else first
        least, most = min(first["least"], second["least"]), max(first["most"], second["most"])
        by = unit(max(abs(least), abs(most)))
        rows = first["rows"] + second["rows"]
        share, rest = second["rows"] / rows, first["rows"] / rows
        apart = second["mean"] / by - first["mean"] / by
        spread = math.sqrt(rest * (first["deviation"] / by) ** 2 + share * (second["deviation"] / by) ** 2 + rest * share * apart**2)
        mean = rest * (first["mean"] / by) + share * (second["mean"] / by)
        return self._state(rows, min(max(mean * by, least), most), spread * by, least, most)

    def _state(self, rows: int, mean: float | None, deviation: float | None, least: float | None, most: float | None) -> State:
        return {"version": self.version, "rows": rows, "mean": mean, "deviation": deviation, "least": least, "most": most}


def unit(largest: float) -> float:
    """What to divide by so that sums of squares neither overflow nor vanish; 1 for all but the strangest columns."""
    return largest if largest > 1e150 or 0 < largest < 1e-150 else 1.0
