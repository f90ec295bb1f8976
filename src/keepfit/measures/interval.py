"""Intervals: of rows that belong together (whole days, whole subjects), and of rows that are independent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING

from keepfit.measures.student import student_quantile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["cluster_sums", "clustered", "effective", "half_width", "on_log_odds", "wilson"]


def cluster_sums(influence: NDArray[np.float64], cluster: NDArray[np.int64], clusters: int) -> NDArray[np.float64]:
    """Influence summed within clusters, each as far as the value moves when the cluster is left out; shape (clusters,).

    A cluster of a share s of the rows is weighted by 1 / (1 - s): the jackknife over clusters, which does not
    understate the variation where they are few or of uneven size (CR3: MacKinnon, Nielsen and Webb (2023), J. Econometrics
    232, 272-299). The sums are linear in the influence, so their difference belongs to a paired comparison.
    """
    import numpy as np  # the command line starts without it

    sums = np.bincount(cluster, weights=influence, minlength=clusters).astype(np.float64)
    if clusters < 2:
        return sums
    return np.asarray(sums / (1 - np.bincount(cluster, minlength=clusters) / cluster.size))


def effective(cluster: NDArray[np.int64], clusters: int) -> float:
    """As how many equal clusters those of uneven size count: one over the sum of their squared shares.

    Carter, Schnepel and Steigerwald (2017), Review of Economics and Statistics 99, 698-709, for clusters that differ in size only.

    >>> import numpy as np
    >>> effective(np.array([0, 0, 1, 1]), 2)
    2.0
    """
    import numpy as np  # the command line starts without it

    shares = np.bincount(cluster, minlength=clusters) / max(1, cluster.size)
    total = float((shares**2).sum())
    return 1 / total if total else 0.0


def half_width(
    sums: Sequence[float] | NDArray[np.float64], rows: int, confidence: float = 0.95, *, equal_clusters: float | None = None
) -> float:
    """Half the width of a two-sided interval for a value from `cluster_sums` over its rows.

    The jackknife's variance, and Student's quantile with one degree less than there are clusters, or than the
    `equal_clusters` that they count as (`effective`). A simulation of days of uneven size, some of them few, holds
    its coverage (`tests/properties/slow/test_coverage.py`).

    Returns
    -------
    float
        Infinite with fewer than two clusters: nothing is known of the variation between them.

    >>> half_width([1.0], 10)
    inf
    """
    count = len(sums)
    if count < 2:
        return math.inf
    degrees = max(1.0, (count if equal_clusters is None else equal_clusters) - 1)
    variance = (count - 1) / count * math.fsum(value * value for value in sums) / rows**2
    return student_quantile(degrees, (1 + confidence) / 2) * math.sqrt(variance)


def clustered(influence: NDArray[np.float64], cluster: NDArray[np.int64], clusters: int, confidence: float = 0.95) -> float:
    """Half the width of a two-sided interval for a value with this influence of each row; infinite with fewer than two clusters."""
    sums = cluster_sums(influence, cluster, clusters)
    return half_width(sums, influence.size, confidence, equal_clusters=effective(cluster, clusters))


def wilson(hits: float, rows: int, confidence: float = 0.95) -> tuple[float, float]:
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
