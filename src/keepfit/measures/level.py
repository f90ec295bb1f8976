"""Where a level that wanders will lie next, from noisy sights of it in a row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keepfit.later import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Ahead", "ahead", "spread_of"]

#: Standard deviations, in units of the scale, by which a level may wander from sight to sight, and sights may differ beside.
_STEPS = (0.0, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28)
#: What is thought of both before anything is seen: exponential, of this mean.
_USUAL = 0.25
#: How far the first level may lie from 0.
_FIRST = 0.5


@dataclass(frozen=True, slots=True)
class Ahead:
    """What the next sight will be: its mean and variance, without the error with which it will be seen."""

    mean: float
    variance: float


def ahead(seen: Sequence[float], variances: Sequence[float], *, gap: int = 1, scale: float = 1.0) -> Ahead:
    """The level of a sight to come, by the local level model averaged over how much levels wander.

    Each sight is the level, plus what sights differ by of themselves, plus an error of known variance; the level moves by a
    random walk. Filtered by Kalman's recursion for each pair on a grid of the two unknown deviations, which are weighed by their
    likelihood and a prior that thinks little of both: Durbin and Koopman (2012), Time Series Analysis by State Space Methods,
    2nd ed., ch. 2.

    Parameters
    ----------
    seen, variances : sights, oldest first, and the variance of each one's error
    gap : how many sights ahead; 1 for the one that follows the last
    scale : a deviation that would be large for this level

    >>> steady = ahead([0.1] * 30, [0.01] * 30)
    >>> 0.09 < steady.mean < 0.11, steady.variance < 0.01
    (True, True)
    >>> moved = ahead([0.0] * 10 + [1.0] * 5, [0.001] * 15)
    >>> moved.mean > 0.9
    True
    """
    walk, beside = (np.asarray(grid).ravel() * scale for grid in np.meshgrid(_STEPS, _STEPS, indexing="ij"))
    odds = -(walk + beside) / (_USUAL * scale)
    mean, variance = np.zeros(walk.size), np.full(walk.size, (_FIRST * scale) ** 2)
    for value, error in zip(seen, variances, strict=True):
        total = variance + beside**2 + error
        apart = value - mean
        odds -= 0.5 * (np.log(total) + apart**2 / total)
        kept = variance / total
        mean, variance = mean + kept * apart, variance * (1 - kept) + walk**2
    variance = variance + max(0, gap - 1) * walk**2 + beside**2
    weight = np.exp(odds - odds.max())
    weight /= weight.sum()
    middle = float((weight * mean).sum())
    return Ahead(middle, max(0.0, float((weight * (variance + mean**2)).sum()) - middle**2))


def spread_of(told: Ahead, draws: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """So many plausible levels."""
    return np.asarray(told.mean + math.sqrt(told.variance) * rng.standard_normal(draws))
