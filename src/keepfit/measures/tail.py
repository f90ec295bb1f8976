"""How surprising an effect is: probabilities of the far tails, where a normal curve is not good enough."""

from __future__ import annotations

import math

import numpy as np

__all__ = ["of_chi_square", "of_count", "of_effect", "surely_above"]

_LEAST = 1e-300
_NODES = 48


def of_effect(effect: float, error: float, freedom: float, skewness: float = 0.0) -> float:
    """The chance of an effect at least as far from 0, on either side.

    Parameters
    ----------
    effect, error : the effect and its standard error
    freedom : of that error; infinite where it is known
    skewness : of the effect where nothing changed, as of rare things counted

    Notes
    -----
    Skewness by Pearson's third curve, a shifted gamma variate; then the tail of Student's t in the place of the normal one.

    >>> round(of_effect(1.96, 1.0, math.inf), 3)
    0.05
    """
    from scipy.special import ndtr, ndtri, stdtr

    score = effect / error
    if abs(skewness) > 1e-3:
        low, high = _pearson(score, skewness)
        skewed = -float(ndtri(min(0.5, max(low if score < 0 else high, _LEAST))))
        score = min(abs(score), skewed)  # the thin side of a skewed curve is not trusted
    score = -abs(score)
    tail = float(ndtr(score)) if freedom > 1e6 else float(stdtr(freedom, score))
    return max(_LEAST, min(1.0, 2 * tail))


def of_count(count: float, rows: float, known: float, of: float, *, spread: float = 0.0, freedom: float = math.inf) -> tuple[float, float]:
    """The chances of at most, and of at least, so many rows of a rare kind in a window.

    Parameters
    ----------
    count, rows : rows of that kind in the window, and all its rows
    known, of : rows of that kind in the reference, and all its rows
    spread : the variance of the rate between windows beyond sampling, relative to the squared rate
    freedom : of that spread

    Notes
    -----
    Without spread, the exact conditional test of two Poisson rates (Przyborowski and Wilenski (1940), Biometrika 31,
    313-323). A spread makes the count a negative binomial variate, and takes the tail of Student's t.

    >>> low, high = of_count(4, 100, 10, 1000)
    >>> round(high, 4)
    0.0325
    """
    from scipy.special import betainc

    chances = []
    for seen, more in ((known, 1.0), (known + 1, 0.0)):
        size = 1 / (1 / max(seen, 1e-9) + spread)
        mean = rows * max(seen, 1e-9) / of
        at_least = float(betainc(count + more, size, mean / (mean + size))) if count + more > 0 else 1.0
        chances.append(1 - at_least if more else at_least)
    low, high = chances
    if known == 0:
        low = 1.0
    return (low, high) if freedom > 1e6 else (_widened(low, freedom), _widened(high, freedom))


def of_chi_square(statistic: float, freedom: float, inflation: float, inflation_freedom: float) -> float:
    """The chance of at least such a statistic when one of its directions is inflated.

    Parameters
    ----------
    statistic : Pearson's
    freedom : one less than the categories
    inflation : of the variance in one direction, at least 1; all excess in one gives the heaviest tail
    inflation_freedom : how well it is known

    >>> round(of_chi_square(9.4877, 4, 1.0, math.inf), 4)
    0.05
    """
    from scipy.special import chdtrc

    if freedom <= 0:
        return 1.0
    if inflation <= 1.0:
        return float(max(_LEAST, chdtrc(freedom, statistic)))
    # P(A + inflation * T^2 > x) over the quantiles of T: beyond the last, where T alone is enough, and between them.
    edge = math.sqrt(max(statistic, 0.0) / inflation)
    normal = inflation_freedom > 1e6
    alone = of_effect(edge, 1.0, inflation_freedom)
    if freedom == 1:
        return alone
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    at = edge * (nodes + 1) / 2
    density = np.exp(-(at**2) / 2) / math.sqrt(2 * math.pi) if normal else _student(at, inflation_freedom)
    rest = chdtrc(freedom - 1, np.maximum(0.0, statistic - inflation * at**2))
    return float(max(_LEAST, min(1.0, alone + edge * float(weights @ (density * rest)))))


def surely_above(effect: float, least: float, error: float, freedom: float, doubt: float) -> bool:
    """Whether an effect is above the least that matters, with at most so much doubt.

    The effect less the least is held against the effect's own standard error, so the more is known, the smaller an
    effect beyond the least is sure.
    """
    from scipy.special import ndtr, stdtr

    if error <= 0:
        return effect > least
    score = (effect - least) / error
    return float(ndtr(-score) if freedom > 1e6 else stdtr(freedom, -score)) <= doubt


def _pearson(score: float, skewness: float) -> tuple[float, float]:
    """The chances below and above a standardised score."""
    from scipy.special import gammainc, gammaincc

    if skewness < 0:
        low, high = _pearson(-score, -skewness)
        return high, low
    shape = 4 / skewness**2
    at = shape + score * math.sqrt(shape)
    if at <= 0:
        return 0.0, 1.0
    return float(gammainc(shape, at)), float(gammaincc(shape, at))


def _widened(chance: float, freedom: float) -> float:
    """A normal tail's chance as that of Student's t at the same score."""
    from scipy.special import ndtri, stdtr

    return float(stdtr(freedom, float(ndtri(max(_LEAST, chance))))) if chance < 0.5 else chance


def _student(at: np.ndarray, freedom: float) -> np.ndarray:
    from scipy.special import gammaln

    scale = gammaln((freedom + 1) / 2) - gammaln(freedom / 2) - 0.5 * math.log(freedom * math.pi)
    return np.asarray(np.exp(scale - (freedom + 1) / 2 * np.log1p(at**2 / freedom)))
