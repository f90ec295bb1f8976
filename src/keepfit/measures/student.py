"""Student's quantile, in the standard library alone: a verdict on what was measured before must not cost a library's import."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

__all__ = ["student_quantile"]

#: From so many degrees of freedom on the expansion around the normal quantile is exact to twelve digits.
_MANY = 1000.0
_EXACT = 1e-15
_TINY = 1e-300


@lru_cache(maxsize=4096)
def student_quantile(degrees: float, chance: float) -> float:
    """The value that Student's t with these degrees of freedom, at least 1, stays below with this chance, in (0, 1).

    Newton's method on the distribution function, which is an incomplete beta function; with many degrees of freedom the
    expansion of Fisher and Cornish (1960), Technometrics 2, 209-225.

    >>> round(student_quantile(9, 0.975), 6), round(student_quantile(1, 0.25), 6)
    (2.262157, -1.0)
    """
    if chance < 0.5:
        return -student_quantile(degrees, 1 - chance)
    first = _expanded(degrees, chance)
    return first if degrees >= _MANY else _solved(first, degrees, chance)


def _expanded(degrees: float, chance: float) -> float:
    z = NormalDist().inv_cdf(chance)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + math.fsum(term / degrees**power for power, term in enumerate(terms, 1))


def _solved(begin: float, degrees: float, chance: float) -> float:
    """Newton's steps on the upper tail, which is convex: after the first they come from below and never pass the root."""
    rest, at = 1 - chance, max(0.0, begin)
    scale = math.exp(math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2)) / math.sqrt(degrees * math.pi)
    for _ in range(200):
        density = scale * math.pow(1 + at * at / degrees, -(degrees + 1) / 2)
        step = max(0.0, at + (_above(at, degrees) - rest) / density)
        if abs(step - at) <= 4 * _EXACT * max(1.0, abs(at)):
            return step
        at = step
    return at


def _above(value: float, degrees: float) -> float:
    """The chance of a larger value than this one, which is at least 0."""
    square = value * value
    return _incomplete_beta(degrees / 2, 0.5, degrees / (degrees + square), square / (degrees + square)) / 2


def _incomplete_beta(a: float, b: float, x: float, rest: float) -> float:
    """The regularised incomplete beta function at x, with rest = 1 - x, by its continued fraction (DLMF, 8.17.22)."""
    if x <= 0 or rest <= 0:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(b, a, rest, x)
    front = math.exp(a * math.log(x) + b * math.log(rest) + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)) / a
    above, below = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    product = below
    for number in range(1, 10_000):
        for term in (
            number * (b - number) * x / ((a + 2 * number - 1) * (a + 2 * number)),
            -(a + number) * (a + b + number) * x / ((a + 2 * number) * (a + 2 * number + 1)),
        ):
            below = 1 / ((1 + term * below) or _TINY)
            above = (1 + term / above) or _TINY
            product *= above * below
        if abs(above * below - 1) < _EXACT:
            break
    return front * product
