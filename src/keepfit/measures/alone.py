"""How much one column tells about the target by itself: each measure is 0 for nothing and 1 for all of it.

A column comes as codes, one for each value or bin, and a row is told its target by the other rows of its code: those of
the other half of the table, so that a name that occurs once tells nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["bins", "explained", "named", "ranked", "tied_ranks"]

Floats: TypeAlias = "NDArray[np.float64]"
Codes: TypeAlias = "NDArray[np.int64]"

#: Spreads the numbers of rows over the bits of a word, so that no pattern in the table falls in with the halves.
_MIX = 0x9E3779B97F4A7C15 & 0x7FFFFFFF


def bins(numbers: Floats, count: int) -> Codes:
    """The quantile bin of each number, shape (rows,); those that are no number share a bin of their own, the last."""
    import numpy as np  # the command line starts without it

    known = np.isfinite(numbers)
    if not known.any():
        return np.zeros(numbers.size, dtype=np.int64)
    edges = np.unique(np.quantile(numbers[known], np.linspace(0, 1, count + 1)[1:-1]))
    return np.where(known, np.searchsorted(edges, numbers, side="right"), edges.size + 1).astype(np.int64)


def tied_ranks(numbers: Floats) -> Floats:
    """Ranks from 1, equal numbers sharing their mean rank; shape (rows,)."""
    import numpy as np  # the command line starts without it

    _, of_row, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[of_row], dtype=np.float64)


def ranked(codes: Codes, positive: NDArray[np.bool_]) -> float:
    """How well a column ranks yes and no, in [0, 1]: the Gini coefficient, 2 AUC - 1 without its sign.

    >>> import numpy as np
    >>> ranked(np.tile([0, 1], 50), np.tile([False, True], 50))
    1.0
    """
    told = _other_half(codes, positive.astype(float)[:, None])[:, 0]
    yes = int(positive.sum())
    no = positive.size - yes
    if yes == 0 or no == 0:
        return 0.0
    area = (tied_ranks(told)[positive].sum() - yes * (yes + 1) / 2) / (yes * no)
    return float(abs(2 * area - 1))


def named(codes: Codes, classes: Codes) -> float:
    """How much of the errors of the most frequent class naming the likeliest class of each code avoids; at most 1, 0 for none."""
    import numpy as np  # the command line starts without it

    shares = np.eye(int(classes.max()) + 1)[classes]
    wrong = float((_other_half(codes, shares).argmax(axis=1) != classes).mean())
    base = 1 - float(shares.mean(axis=0).max())
    return max(0.0, 1 - wrong / base) if base else 0.0


def explained(codes: Codes, numbers: Floats) -> float:
    """The share of the variance of the target's ranks that the mean of each code explains; at most 1, 0 for none."""
    ranks = tied_ranks(numbers)
    spread = float(((ranks - ranks.mean()) ** 2).sum())
    left = float(((ranks - _other_half(codes, ranks[:, None])[:, 0]) ** 2).sum())
    return max(0.0, 1 - left / spread) if spread else 0.0


def _other_half(codes: Codes, values: Floats) -> Floats:
    """For each row the mean of `values`, shape (rows, columns), over the rows of its code in the other half, drawn to the
    overall mean as by a hundredth of a row; rows are halved as by chance."""
    import numpy as np  # the command line starts without it

    size, half = int(codes.max()) + 1, (np.arange(codes.size, dtype=np.uint64) * _MIX >> np.uint64(32)) & np.uint64(1)
    overall = values.mean(axis=0)
    told = np.empty_like(values)
    for mine in (0, 1):
        other = half != mine
        count = np.bincount(codes[other], minlength=size)[:, None] + 0.01
        sums = np.stack([np.bincount(codes[other], weights=column[other], minlength=size) for column in values.T], axis=1)
        told[~other] = ((sums + 0.01 * overall) / count)[codes[~other]]
    return told
