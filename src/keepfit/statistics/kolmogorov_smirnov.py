"""The Kolmogorov-Smirnov test."""

from __future__ import annotations

from typing import Literal

from keepfit.measures.two_samples import kolmogorov_smirnov
from keepfit.statistic import OfColumn, Shown

__all__ = ["KolmogorovSmirnov"]


class KolmogorovSmirnov:
    """Of columns of numbers: the largest gap between the distribution functions, with the p-value of that column alone."""

    kind = "kolmogorov_smirnov"
    asks: Literal["column"] = "column"
    unit = "share of rows"

    def __call__(self, sides: OfColumn) -> Shown | None:
        if sides.numbers is None:
            return None
        was, now = sides.numbers
        if not was.rows.sum() or not now.rows.sum():
            return None
        return Shown(*kolmogorov_smirnov(was.values, was.rows, now.values, now.rows))
