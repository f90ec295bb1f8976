"""Calibration: what turns a model's outputs into probabilities, or bounds, that keep their word."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Calibration"]

_TINY = 1e-15


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was learned from out-of-fold outputs, where it helps.

    Of a score a straight line through the log odds: Platt (1999), Advances in Large Margin Classifiers, 61-74;
    `slope` below 1 takes back overconfidence, `intercept` moves the level. Of the chances of several classes `slope`
    alone, as their power. Of a magnitude's bounds how far the lower one is moved down and the upper one up, by
    `below` and `above`: Romano et al. (2019), Conformalized quantile regression, NeurIPS 32.
    """

    record: ClassVar[str] = "calibration"
    version: ClassVar[int] = 1

    slope: float = 1.0
    intercept: float = 0.0
    below: float = 0.0
    above: float = 0.0

    def one(self, score: float) -> float:
        """The probability of one score in [0, 1].

        >>> Calibration(1.0, 0.0).one(0.25)
        0.25
        """
        kept = min(1 - _TINY, max(_TINY, score))
        odds = self.slope * math.log(kept / (1 - kept)) + self.intercept
        part = 1 / (1 + math.exp(-abs(odds)))
        return part if odds >= 0 else 1 - part

    def power(self, chances: Mapping[str, float]) -> Mapping[str, float]:
        """The probabilities of several classes, made to add up to 1 again.

        >>> Calibration(slope=2.0).power({"p0": 0.5, "p1": 0.5})
        {'p0': 0.5, 'p1': 0.5}
        """
        odds = [self.slope * math.log(min(1.0, max(_TINY, chance))) for chance in chances.values()]
        most = max(odds)
        parts = [math.exp(one - most) for one in odds]
        total = math.fsum(parts)
        return {field: part / total for field, part in zip(chances, parts, strict=True)}

    def many(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """The probabilities of many scores, shape (rows,); one by one they may differ in the last bit."""
        import numpy as np  # serving needs one row at a time

        kept = np.clip(scores, _TINY, 1 - _TINY)
        odds = self.slope * np.log(kept / (1 - kept)) + self.intercept
        part = 1 / (1 + np.exp(-np.abs(odds)))
        return np.asarray(np.where(odds >= 0, part, 1 - part))
