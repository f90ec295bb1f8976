"""How good predicted magnitudes are; each measure gives its value and every row's influence on it.

Truths, predictions and bounds have shape (rows,), in the target's own unit.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

from keepfit.later import numpy as np
from keepfit.measures.quality import Estimate, mean_of, rate_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["bias", "coverage", "mae", "pinball", "r2", "rmse"]

Floats: TypeAlias = "NDArray[np.float64]"


def mae(truth: Floats, predicted: Floats) -> Estimate:
    """Mean absolute error: 0 is perfect."""
    return mean_of(np.abs(predicted - truth))


def rmse(truth: Floats, predicted: Floats) -> Estimate:
    """Root of the mean squared error: 0 is perfect. The influence is that of the mean over twice the root (delta method)."""
    squared = mean_of((predicted - truth) ** 2)
    root = math.sqrt(squared.value)
    return Estimate(root, squared.influence / (2 * root) if root else np.zeros(truth.size))


def r2(truth: Floats, predicted: Floats) -> Estimate:
    """The share of the target's variance that is explained, at most 1; 0 is as good as the mean of these rows.

    The influence is that of a ratio of sums (delta method); the mean within it adds nothing to first order.

    Raises
    ------
    ValueError
        The truth does not vary.
    """
    error, spread = (predicted - truth) ** 2, (truth - truth.mean()) ** 2
    total = float(spread.sum())
    if not total > 0:
        raise ValueError("r2 needs a truth that varies")
    left = float(error.sum()) / total
    return Estimate(1 - left, (left * spread - error) * (truth.size / total))


def bias(truth: Floats, predicted: Floats) -> Estimate:
    """How far the mean prediction lies from the mean truth, without its sign: 0 is perfect."""
    error = predicted - truth
    side = 1.0 if error.mean() >= 0 else -1.0
    return mean_of(side * error)


def coverage(truth: Floats, low: Floats, high: Floats) -> Estimate:
    """The share of rows whose truth lies between its bounds, in [0, 1]."""
    return rate_of((low <= truth) & (truth <= high))


def pinball(truth: Floats, low: Floats, high: Floats, level: float = 0.9) -> Estimate:
    """Mean pinball loss of both bounds of an interval, as quantiles at (1 - level) / 2 and (1 + level) / 2; 0 is perfect.

    It is least for the true quantiles: Koenker and Bassett (1978), Econometrica 46, 33-50.
    """
    tail = (1 - level) / 2
    losses = [np.maximum(share * (truth - bound), (share - 1) * (truth - bound)) for share, bound in ((tail, low), (1 - tail, high))]
    return mean_of((losses[0] + losses[1]) / 2)
