"""Intervals that take what belongs together: whole days, whole subjects."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["cluster_sums", "half_width"]


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
