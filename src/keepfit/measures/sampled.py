"""Which rows to look at when not all can be, and what those that were say of all."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, TypeAlias

from keepfit.later import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["chances", "difference", "drawn"]

Floats: TypeAlias = "NDArray[np.float64]"


def chances(sizes: Floats, count: int) -> Floats:
    """The chance of each row to be drawn, in proportion to its size, at most 1; they add up to `count`.

    Of rows that are drawn so, the mean of a quantity is known best when sizes are how uncertain it is in each: Sarndal,
    Swensson and Wretman (1992), Model Assisted Survey Sampling, section 12.2.

    >>> chances(np.array([1.0, 1.0, 2.0, 100.0]), 2).tolist()
    [0.25, 0.25, 0.5, 1.0]
    """
    if count >= sizes.size:
        return np.ones(sizes.size)
    found = np.zeros(sizes.size)
    sure = np.zeros(sizes.size, dtype=bool)
    while True:
        left = count - int(sure.sum())
        rest = float(sizes[~sure].sum())
        found = np.where(sure, 1.0, sizes * left / rest if rest > 0 else left / max(1, int((~sure).sum())))
        more = ~sure & (found >= 1)
        if not more.any():
            return np.asarray(found)
        sure |= more


def drawn(chance: Floats, order: Floats, seed: int) -> NDArray[np.int64]:
    """The rows that are drawn, each with its chance: at even steps along their `order`, so that all of its parts are there.

    Systematic sampling with unequal chances: Madow (1949), Annals of Mathematical Statistics 20, 333-354.
    """
    place = np.argsort(order, kind="stable")
    reached = np.cumsum(chance[place])
    count = round(float(reached[-1])) if reached.size else 0
    begin = float(np.random.default_rng(seed).random())
    at = np.searchsorted(reached, begin + np.arange(count), side="right")
    return np.sort(place[np.minimum(at, place.size - 1)])


def difference(seen: Floats, guessed: Floats, chance: Floats, guess_of_all: Floats, confidence: float = 0.95) -> tuple[float, float, float]:
    """The mean of a quantity over all rows, from those that were drawn; with an interval.

    The difference estimator: what was guessed of all, and how far off the guesses were where it was seen, each by one over its chance.
    It is unbiased whatever the guesses are worth; good ones make it narrow (Sarndal, Swensson and Wretman (1992), section 6.3). The
    variance is that of rows drawn one by one, which is too large for systematic draws.

    Parameters
    ----------
    seen, guessed, chance : of the rows that were drawn
    guess_of_all : of every row
    """
    rows = guess_of_all.size
    off = (seen - guessed) / chance
    value = float(guess_of_all.mean()) + float(off.sum()) / rows
    error = math.sqrt(float(((1 - chance) * off**2).sum())) / rows
    half = NormalDist().inv_cdf((1 + confidence) / 2) * error
    return value, value - half, value + half
