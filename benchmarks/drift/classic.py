"""The rule to compare with: a test of each column alone, by Bonferroni.

Kolmogorov-Smirnov of the numbers that are there, chi-square of categories (those that would hold fewer than 5 rows of
the window together), both against all rows of the reference. With `gaps`, a chi-square test of missing values for each
column too, which peers leave out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import chdtrc, kolmogorov
from world import NUMBERS, Held, Seen


def of_column(seen: Seen, column: int, held: Held) -> float:
    """The p-value of one column's values."""
    was, now = seen.totals[column], held.counts
    if held.new:
        was, now = np.append(was, 0), np.append(now, held.new)
    rows, of = now.sum(), was.sum()
    if column < NUMBERS:
        apart = np.abs(np.cumsum(was) / of - np.cumsum(now) / rows).max()
        return float(kolmogorov(apart * np.sqrt(rows * of / (rows + of))))
    there = was + now > 0
    was, now = was[there], now[there]
    shares = (was + now) / (rows + of)
    small = shares * rows < 5
    if small.sum() > 1:
        was, now, shares = (np.append(each[~small], each[small].sum()) for each in (was, now, shares))
    statistic = ((now - rows * shares) ** 2 / (rows * shares)).sum() + ((was - of * shares) ** 2 / (of * shares)).sum()
    return float(chdtrc(shares.size - 1, statistic))


def of_gaps(seen: Seen, column: int, held: Held) -> float:
    """The p-value of one column's missing values."""
    rows = int(held.counts.sum()) + held.missing + held.new
    rate = (seen.missing[column] + held.missing) / (seen.rows + rows)
    if not 0 < rate < 1:
        return 1.0
    apart = (held.missing - rows * rate) ** 2 * (1 / rows + 1 / seen.rows) / (rate * (1 - rate))
    return float(chdtrc(1, apart))


def smallest(seen: Seen, held: Sequence[Held]) -> float:
    return min(of_column(seen, column, one) for column, one in enumerate(held))
