"""Many answers under one budget of false alarms."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["adjusted"]


def adjusted(chances: ArrayLike, weights: ArrayLike) -> NDArray[np.float64]:
    """For each answer the least budget under which it counts, in [0, 1].

    Parameters
    ----------
    chances : p-values, shape (answers,)
    weights : how much of the budget each answer may use, shape (answers,); only their ratios count

    Notes
    -----
    Benjamini and Hochberg (1995), J. R. Stat. Soc. B 57, 289-300, weighted as by Genovese, Roeder and Wasserman (2006),
    Biometrika 93, 509-524: where nothing changed, the chance that any answer counts is at most the budget for
    independent answers, and those that go together.

    >>> adjusted([0.01, 0.02, 0.9], [1, 1, 1]).round(3).tolist()
    [0.03, 0.03, 0.9]
    """
    p, weight = np.asarray(chances, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    if p.size == 0:
        return np.empty(0)
    scaled = p * (weight.mean() / weight)
    order = np.argsort(scaled)
    steps = scaled[order] * p.size / np.arange(1, p.size + 1)
    found = np.empty_like(scaled)
    found[order] = np.minimum(1.0, np.minimum.accumulate(steps[::-1])[::-1])
    return np.asarray(found)
