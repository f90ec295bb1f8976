"""Whether a share is the same everywhere."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["chance_of_even"]


def chance_of_even(hits: Sequence[int], rows: Sequence[int]) -> float:
    """How often shares of independent rows differ between parts as much as these, where the true share is one; in [0, 1].

    Pearson's chi-square test of equal rates: Agresti (2013), Categorical Data Analysis, 3rd ed., section 3.2. Parts in which
    fewer than five hits, or fewer than five others, would be expected are put together.

    Parameters
    ----------
    hits, rows : of each part how many rows there are, and how many of them are hits

    >>> round(chance_of_even([50, 50], [100, 100]), 6)
    1.0
    >>> chance_of_even([90, 50], [100, 100]) < 1e-6
    True
    """
    from scipy.special import chdtrc  # a quarter of a second, which only a test needs

    total, every = sum(hits), sum(rows)
    if not 0 < total < every:
        return 1.0
    share = total / every
    least = min(share, 1 - share)
    large = [(hit, row) for hit, row in zip(hits, rows, strict=True) if row * least >= 5]
    hit, row = total - sum(hit for hit, _ in large), every - sum(row for _, row in large)
    large += [(hit, row)] if row * least >= 5 else []
    if len(large) < 2:
        return 1.0
    seen, of = sum(hit for hit, _ in large), sum(row for _, row in large)
    even = seen / of
    if not 0 < even < 1:
        return 1.0
    apart = sum((hit - row * even) ** 2 / (row * even * (1 - even)) for hit, row in large)
    return float(chdtrc(len(large) - 1, apart))
