"""The Wasserstein distance."""

from __future__ import annotations

from typing import Literal

from keepfit.measures.distance import wasserstein
from keepfit.statistic import OfColumn, Shown

__all__ = ["Wasserstein"]


class Wasserstein:
    """Of columns of numbers, in standard deviations of the reference; none where it has no spread."""

    kind = "wasserstein"
    asks: Literal["column"] = "column"
    unit = "sd"

    def __call__(self, sides: OfColumn) -> Shown | None:
        if sides.numbers is None or sides.spread <= 0:
            return None
        was, now = sides.numbers
        if not was.rows.sum() or not now.rows.sum():
            return None
        return Shown(wasserstein(was.values, was.rows, now.values, now.rows) / sides.spread)
