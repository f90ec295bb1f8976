"""The chi-square test."""

from __future__ import annotations

from typing import Literal

from keepfit.measures.two_samples import chi_square
from keepfit.statistic import OfColumn, Shown

__all__ = ["ChiSquare"]


class ChiSquare:
    """Of columns whose bins have no order: Cramér's V, with the p-value of that column alone."""

    kind = "chi_square"
    asks: Literal["column"] = "column"
    unit = "Cramér's V"

    def __call__(self, sides: OfColumn) -> Shown | None:
        if sides.bins == "ordered" or not sides.reference.sum() or not sides.window.sum():
            return None
        return Shown(*chi_square(sides.reference, sides.window))
