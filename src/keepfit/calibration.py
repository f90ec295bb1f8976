"""Calibration: what turns a model's score into a probability that keeps its word."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Calibration"]

_TINY = 1e-15


@dataclass(frozen=True, slots=True)
class Calibration:
    """A straight line through the log odds: Platt (1999), Advances in Large Margin Classifiers, 61-74.

    Learned from out-of-fold scores, where it helps; `slope` below 1 takes back overconfidence, `intercept`
    moves the level.
    """

    record: ClassVar[str] = "calibration"
    version: ClassVar[int] = 1

    slope: float
    intercept: float

    def one(self, score: float) -> float:
        """The probability of one score in [0, 1].

        >>> Calibration(1.0, 0.0).one(0.25)
        0.25
        """
        kept = min(1 - _TINY, max(_TINY, score))
        odds = self.slope * math.log(kept / (1 - kept)) + self.intercept
        part = 1 / (1 + math.exp(-abs(odds)))
        return part if odds >= 0 else 1 - part

    def many(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """The probabilities of many scores, shape (rows,): the same bits as one by one."""
        import numpy as np  # serving needs one row at a time

        return np.array([self.one(score) for score in scores.tolist()], dtype=np.float64)
