"""The Jensen-Shannon distance."""

from __future__ import annotations

from typing import Literal

from keepfit.measures.distance import jensen_shannon
from keepfit.statistic import OfColumn, Shown

__all__ = ["JensenShannon"]


class JensenShannon:
    """Of every column, over the bins of its reference; the root of the divergence in bits."""

    kind = "jensen_shannon"
    asks: Literal["column"] = "column"
    unit = "distance"

    def __call__(self, sides: OfColumn) -> Shown | None:
        if not sides.reference.sum() or not sides.window.sum():
            return None
        return Shown(jensen_shannon(sides.reference, sides.window))
