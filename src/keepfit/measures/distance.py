"""Distances between histograms."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["jensen_shannon"]


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
