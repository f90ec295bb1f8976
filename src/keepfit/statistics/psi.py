"""The population stability index."""

from __future__ import annotations

from typing import Literal

from keepfit.measures.distance import psi
from keepfit.statistic import OfColumn, Shown

__all__ = ["Psi"]


class Psi:
    """Of every column, over the bins of its reference."""

    kind = "psi"
    asks: Literal["column"] = "column"
    unit = "PSI"

    def __call__(self, sides: OfColumn) -> Shown | None:
        if not sides.reference.sum() or not sides.window.sum():
            return None
        return Shown(psi(sides.reference, sides.window))
