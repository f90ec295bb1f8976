"""How clearly one model is ahead of another on the same rows."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["race"]


def race(champion: NDArray[np.float64], challenger: NDArray[np.float64]) -> float:
    """The paired z of two models' losses, rows taken as independent; above 0 where the challenger is ahead.

    A trigger, not evidence: rows of one day belong together, so the true uncertainty is larger.

    Parameters
    ----------
    champion, challenger : losses of the same rows, shape (rows,), less being better

    >>> race(np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.0, 2.0, 2.0, 4.0]))
    1.7320508075688774
    """
    ahead = champion - challenger
    if ahead.size < 2:
        return 0.0
    spread = float(ahead.std(ddof=1))
    if spread == 0:
        return math.copysign(math.inf, float(ahead[0])) if ahead[0] else 0.0
    return float(ahead.mean()) / (spread / math.sqrt(ahead.size))
