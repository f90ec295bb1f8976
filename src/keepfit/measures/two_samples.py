"""Classical tests of two samples of one column, each column alone: what others report, beside the rule that decides."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from keepfit.measures.distance import cumulative

__all__ = ["chi_square", "kolmogorov_smirnov"]

#: Bins of which the smaller side is expected to hold fewer rows are counted together.
_RARE = 5


def kolmogorov_smirnov(first: ArrayLike, first_rows: ArrayLike, second: ArrayLike, second_rows: ArrayLike) -> tuple[float, float]:
    """The largest gap between two distribution functions, and how often equal ones show as much.

    Parameters
    ----------
    first, second : numbers, shape (n,) and (m,)
    first_rows, second_rows : how many rows each stands for

    Returns
    -------
    (gap, chance)
        The gap in [0, 1]: 0 for the same distribution, 1 where one lies wholly above the other. The chance is that of
        independent rows without ties, for many rows.

    Notes
    -----
    Smirnov (1948), Ann. Math. Statist. 19(2), 279-281.

    >>> gap, chance = kolmogorov_smirnov([1.0, 2.0], [50, 50], [2.0, 3.0], [50, 50])
    >>> gap, round(chance, 9)
    (0.5, 0.0)
    """
    from scipy.special import kolmogorov

    _, below = cumulative(first, first_rows, second, second_rows)
    rows, of = float(np.sum(first_rows)), float(np.sum(second_rows))
    if rows <= 0 or of <= 0:
        return 0.0, 1.0
    gap = float(np.abs(below[0] - below[1]).max())
    return gap, float(kolmogorov(gap * math.sqrt(rows * of / (rows + of))))


def chi_square(reference: ArrayLike, window: ArrayLike) -> tuple[float, float]:
    """How unlike the shares of two histograms over the same bins are, and how often equal ones are so unlike.

    Parameters
    ----------
    reference, window : row counts, shape (n_bins,)
        Bins of which the smaller side is expected to hold fewer than 5 rows are counted together.

    Returns
    -------
    (association, chance)
        Cramér's V in [0, 1]: 0 for equal shares, 1 for disjoint support. The chance is that of independent rows.

    Notes
    -----
    Pearson (1900), Philosophical Magazine 50(302), 157-175; Cramér (1946), Mathematical Methods of Statistics, 282.

    >>> association, chance = chi_square([60, 40], [40, 60])
    >>> round(association, 2), round(chance, 4)
    (0.2, 0.0047)
    """
    from scipy.special import chdtrc

    both = np.array([reference, window], dtype=np.float64)
    both = both[:, both.sum(axis=0) > 0]
    rows = both.sum(axis=1)
    if not rows.all() or both.shape[1] < 2:
        return 0.0, 1.0
    rare = both.sum(axis=0) / rows.sum() * rows.min() < _RARE
    if rare.sum() > 1:
        both = np.column_stack([both[:, ~rare], both[:, rare].sum(axis=1)])
    if both.shape[1] < 2:
        return 0.0, 1.0
    expected = np.outer(rows, both.sum(axis=0)) / rows.sum()
    statistic = float(((both - expected) ** 2 / expected).sum())
    return math.sqrt(min(1.0, statistic / rows.sum())), float(chdtrc(both.shape[1] - 1, statistic))
