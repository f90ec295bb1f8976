"""Intervals: of rows that belong together (whole days, whole subjects), and of rows that are independent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["cluster_sums", "half_width", "on_log_odds", "wilson"]


def cluster_sums(influence: NDArray[np.float64], cluster: NDArray[np.int64], clusters: int) -> NDArray[np.float64]:
    """Influence summed within clusters, shape (clusters,)."""
    import numpy as np  # the command line starts without it

    return np.bincount(cluster, weights=influence, minlength=clusters).astype(np.float64)


def half_width(sums: Sequence[float] | NDArray[np.float64], rows: int, confidence: float = 0.95) -> float:
    """Half the width of a two-sided interval for a value whose influences sum to `sums` within clusters.

    The cluster-robust sandwich with the factor G / (G - 1), and Student's quantile with G - 1 degrees:
    Liang and Zeger (1986), Biometrika 73, 13-22; Cameron and Miller (2015), J. Human Resources 50, 317-372.

    Returns
    -------
    float
        Infinite with fewer than two clusters: nothing is known of the variation between them.

    >>> half_width([1.0], 10)
    inf
    """
    from scipy.special import stdtrit  # a quarter of a second, which only a measurement needs

    groups = len(sums)
    if groups < 2:
        return math.inf
    variance = groups / (groups - 1) * math.fsum(value * value for value in sums) / rows**2
    return float(stdtrit(groups - 1, (1 + confidence) / 2)) * math.sqrt(variance)


def wilson(hits: int, rows: int, confidence: float = 0.95) -> tuple[float, float]:
    """A two-sided interval for a rate, from independent rows: Wilson (1927), J. American Statistical Association 22, 209-212.

    It stays inside [0, 1] and has a width where no row, or every row, is a hit.

    >>> low, high = wilson(0, 20)
    >>> (round(low, 4), round(high, 4))
    (0.0, 0.1611)
    """
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    rate, spread = hits / rows, z * z / rows
    middle = (rate + spread / 2) / (1 + spread)
    half = math.sqrt(rate * (1 - rate) * spread + spread * spread / 4) / (1 + spread)
    return (0.0 if hits == 0 else middle - half), (1.0 if hits == rows else middle + half)


def on_log_odds(share: float, variance: float, confidence: float = 0.95) -> tuple[float, float] | None:
    """A two-sided interval for a share in (0, 1) with a known variance, symmetric on the log odds, so that it stays inside.

    None where the share is 0 or 1 or the variance 0: nothing is known there. Pepe (2003), The Statistical
    Evaluation of Medical Tests for Classification and Prediction, section 5.2.4, for areas under curves.
    """
    if not 0 < share < 1 or variance <= 0:
        return None
    odds = math.log(share / (1 - share))
    half = NormalDist().inv_cdf((1 + confidence) / 2) * math.sqrt(variance) / (share * (1 - share))
    return 1 / (1 + math.exp(half - odds)), 1 / (1 + math.exp(-half - odds))
