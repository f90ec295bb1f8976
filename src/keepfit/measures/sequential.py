"""Evidence about the mean of units that may be looked at as often as one likes."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["log_evidence"]


def log_evidence(units: NDArray[np.float64], against: float = 0.0) -> float:
    """The logarithm of the evidence that the units' mean is not `against`, whatever their variance.

    Were the mean `against` and the units normal, the evidence would ever reach 1/a, looked at after each new unit,
    with a chance of at most a. So a conclusion at 20 is wrong in at most 5 of 100 cases, half of them on either
    side, and there is no need to say beforehand when to look.

    Parameters
    ----------
    units : one number for each day, subject or group of rows, in their order, shape (units,)
    against : the mean that is doubted, in the units' own unit

    Returns
    -------
    float
        0 before there is anything to tell; above it, evidence against the mean; below, evidence for it.

    Notes
    -----
    The Bayes factor of the t-test with a normal prior on mean over standard deviation and the right Haar prior on
    the latter: a martingale under the doubted mean. Lai (1976), Ann. Statist. 4(2), 265-280; Wang and Ramdas (2024),
    "Anytime-valid t-tests and confidence sequences for Gaussian means with unknown variance".

    >>> round(log_evidence(np.array([2.0, 1.0, 3.0, 2.0, 1.0, 3.0])), 2)
    3.01
    >>> log_evidence(np.array([0.5])) == log_evidence(np.array([])) == 0.0
    True
    """
    apart = units - against
    count = apart.size
    squares = float(np.square(apart).sum())
    if count < 2 or squares == 0:
        return 0.0
    explained = float(apart.sum()) ** 2 / ((count + 1) * squares)  # at most n / (n + 1)
    return -0.5 * math.log1p(count) - count / 2 * math.log1p(-explained)
