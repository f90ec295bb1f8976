"""The power of probabilities that fits outcomes best."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keepfit.later import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


__all__ = ["sharpened", "temperature"]

_TINY = 1e-15


def sharpened(chances: NDArray[np.float64], power: float) -> NDArray[np.float64]:
    """Probabilities to a power, made to add up to 1 again; shape (rows, classes)."""
    odds = power * np.log(np.clip(chances, _TINY, 1.0))
    parts = np.exp(odds - odds.max(axis=1, keepdims=True))
    return np.asarray(parts / parts.sum(axis=1, keepdims=True))


def temperature(truth: NDArray[np.float64], chances: NDArray[np.float64]) -> float:
    """The power, in [0.05, 20], under which the true classes are likeliest: below 1 takes back overconfidence.

    Newton's method on the log loss, which is convex in the power, with a weak prior towards 1. The power is one over
    the temperature of Guo et al. (2017), On calibration of modern neural networks, ICML 70, 1321-1330.

    Parameters
    ----------
    truth : class numbers, shape (rows,)
    chances : probabilities, shape (rows, classes)

    >>> temperature(np.array([0.0, 1.0] * 500), np.array([[0.9, 0.1], [0.8, 0.2]] * 500)) < 0.5
    True
    """
    logs = np.log(np.clip(chances, _TINY, 1.0))
    of_truth = logs[np.arange(truth.size), truth.astype(np.int64)]
    power = 1.0
    for _ in range(100):
        now = sharpened(chances, power)
        mean = (now * logs).sum(axis=1)
        gradient = float((mean - of_truth).sum()) + (power - 1.0)
        spread = float(((now * logs**2).sum(axis=1) - mean**2).sum()) + 1.0
        step = min(0.5, max(-0.5, gradient / spread))
        power = min(20.0, max(0.05, power - step))
        if abs(step) < 1e-10:
            break
    return power
