"""The line through the log odds that fits outcomes best."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keepfit.later import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


__all__ = ["log_odds", "platt"]

_TINY = 1e-15


def log_odds(score: NDArray[np.float64]) -> NDArray[np.float64]:
    """log(p / (1 - p)), scores kept 1e-15 away from 0 and 1."""
    kept = np.clip(score, _TINY, 1 - _TINY)
    return np.asarray(np.log(kept / (1 - kept)))


def platt(truth: NDArray[np.float64], score: NDArray[np.float64]) -> tuple[float, float]:
    """Slope and intercept of the logistic regression of the outcome on the log odds of the score.

    Newton's method with a weak prior towards (1, 0), which decides where the outcomes alone do not.

    Parameters
    ----------
    truth : 0 and 1, shape (rows,)
    score : probabilities, shape (rows,)

    >>> slope, intercept = platt(np.array([0.0, 0, 1, 1] * 500), np.array([0.2, 0.6, 0.6, 0.9] * 500))
    >>> slope > 1
    True
    """
    design = np.stack([log_odds(score), np.ones_like(score)], axis=1)
    start, prior = np.array([1.0, 0.0]), 1.0
    line = start.copy()
    for _ in range(50):
        chance = 1 / (1 + np.exp(-np.clip(design @ line, -500, 500)))
        gradient = design.T @ (chance - truth) + prior * (line - start)
        weight = chance * (1 - chance)
        step = np.linalg.solve((design * weight[:, None]).T @ design + prior * np.eye(2), gradient)
        line = line - step
        if float(np.abs(step).max()) < 1e-10:
            break
    return float(line[0]), float(line[1])
