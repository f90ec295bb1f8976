"""Distances between distributions: histograms over the same bins, or weighted numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["cumulative", "jensen_shannon", "psi", "wasserstein"]

#: Rows added to each bin of a histogram of the population stability index, so that an empty one stays finite.
_ADDED = 0.5


def jensen_shannon(reference: ArrayLike, window: ArrayLike) -> float:
    """Distance between two histograms over the same bins.

    Parameters
    ----------
    reference, window : array of shape (n_bins,)
        Row counts, not shares; non-negative, same bin order. Without any row on a side the answer is 0.

    Returns
    -------
    float in [0, 1]
        0 for equal shares, 1 for disjoint support. Square root of the divergence in bits;
        finite when a bin is empty, and blind to how far apart two bins lie.

    Notes
    -----
    Lin (1991), IEEE Trans. Inf. Theory 37(1), 145-151; the square root is a metric by
    Endres and Schindelin (2003), ibid. 49(7), 1858-1860.

    >>> jensen_shannon([50, 50, 0], [0, 0, 80])
    1.0
    """
    p, q = np.asarray(reference, dtype=np.float64), np.asarray(window, dtype=np.float64)
    if p.sum() == 0 or q.sum() == 0:
        return 0.0
    p, q = p / p.sum(), q / q.sum()
    middle = (p + q) / 2
    halves = [float(np.sum(x[x > 0] * np.log2(x[x > 0] / middle[x > 0]))) for x in (p, q)]
    return float(np.sqrt(min(1.0, max(0.0, sum(halves) / 2))))


def psi(reference: ArrayLike, window: ArrayLike) -> float:
    """The population stability index of two histograms over the same bins.

    Parameters
    ----------
    reference, window : array of shape (n_bins,)
        Row counts, not shares. Half a row is added to each bin. Without any row on a side the answer is 0.

    Returns
    -------
    float, at least 0
        0 for equal shares, without an upper end; the sum of both divergences in nats. It grows with the number of bins
        and as rows become fewer, whether anything changed or not.

    Notes
    -----
    Jeffreys (1946), Proc. R. Soc. A 186, 453-461; under this name in Siddiqi (2006), Credit Risk Scorecards, Wiley.

    >>> round(psi([500, 500], [600, 400]), 4)
    0.0405
    """
    p, q = np.asarray(reference, dtype=np.float64), np.asarray(window, dtype=np.float64)
    if p.sum() == 0 or q.sum() == 0:
        return 0.0
    p, q = (p + _ADDED) / (p + _ADDED).sum(), (q + _ADDED) / (q + _ADDED).sum()
    return float(np.sum((q - p) * np.log(q / p)))


def wasserstein(first: ArrayLike, first_rows: ArrayLike, second: ArrayLike, second_rows: ArrayLike) -> float:
    """How far rows must be moved, on average, to make one distribution of numbers the other.

    Parameters
    ----------
    first, second : numbers, shape (n,) and (m,)
    first_rows, second_rows : how many rows each stands for

    Returns
    -------
    float, at least 0
        In the numbers' own unit: the area between the two distribution functions.

    Notes
    -----
    Vallender (1974), Theory of Probability and Its Applications 18(4), 784-786.

    >>> wasserstein([0.0, 1.0], [1, 1], [2.0, 3.0], [5, 5])
    2.0
    """
    numbers, below = cumulative(first, first_rows, second, second_rows)
    return float(np.abs(below[0] - below[1])[:-1] @ np.diff(numbers)) if numbers.size else 0.0


def cumulative(
    first: ArrayLike, first_rows: ArrayLike, second: ArrayLike, second_rows: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """All numbers of two weighted samples in ascending order, and both distribution functions there: shape (2, numbers)."""
    values = [np.asarray(one, dtype=np.float64) for one in (first, second)]
    rows = [np.asarray(one, dtype=np.float64) for one in (first_rows, second_rows)]
    numbers = np.unique(np.concatenate(values))
    below = []
    for own, weights in zip(values, rows, strict=True):
        held = np.bincount(np.searchsorted(numbers, own), weights=weights, minlength=numbers.size)
        below.append(np.cumsum(held) / weights.sum() if weights.sum() else np.zeros(numbers.size))
    return numbers, np.array(below)
