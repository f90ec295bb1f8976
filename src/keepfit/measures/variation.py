"""How far windows differ where nothing changed: learned from blocks of the reference, shared between columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["Excess", "Variation", "block_rows", "excess", "share", "share_excess", "variation"]


@dataclass(frozen=True, slots=True)
class Variation:
    """The variation of an effect whose variance over single rows, drawn alone and at random, is 1.

    `inflation` is the variance of a block's effect, times the block's rows: 1 where rows are independent and blocks
    alike, more where the rows of a block belong together or blocks differ. `rows` is a block's size, `blocks` their
    number, `total` the reference's rows. `freedom` says how well `inflation` is known: the degrees of freedom of
    a chi-square variate.
    """

    inflation: float
    rows: float
    blocks: float
    total: float
    freedom: float

    @property
    def between(self) -> float:
        """The variance between windows beyond that of sampling independent rows."""
        return max(0.0, self.inflation - 1) / self.rows

    def error(self, sampled: float, weighed: float, longest: float) -> tuple[float, float]:
        """The standard error of the effect of a window, or of several weighed together, and its degrees of freedom.

        Parameters
        ----------
        sampled : the sum over windows of their squared weight divided by their rows; 1 / rows of a single one
        weighed : the sum of their squared weights; 1 of a single one
        longest : rows of the largest window

        Notes
        -----
        Degrees of freedom by Satterthwaite (1946), Biometrics Bulletin 2, 110-114. Blocks smaller than the window
        cannot tell a little variation between windows from none, so one standard error of what they say is added.
        """
        inflation = max(1.0, self.inflation)
        known = inflation / self.rows  # what the blocks themselves vary by
        unsure = known * math.sqrt(2 / self.freedom) * max(0.0, 1 - self.rows / longest) if self.freedom < math.inf else 0.0
        between = (self.between + unsure) * (weighed + 1 / self.blocks)
        variance = sampled + 1 / self.total + between
        part = known * (weighed + 1 / self.blocks)
        return math.sqrt(variance), self.freedom * (variance / part) ** 2


def block_rows(rows: ArrayLike) -> float:
    """The size of equal blocks that would say as much of the variation between blocks as these."""
    sizes = np.asarray(rows, dtype=np.float64)
    total = float(sizes.sum())
    return (total - float((sizes**2).sum()) / total) / (sizes.size - 1)


def variation(effects: ArrayLike, rows: ArrayLike) -> Variation:
    """From the effects of blocks against their whole, by moments (DerSimonian and Laird (1986), Controlled Clin. Trials 7, 177-188).

    Parameters
    ----------
    effects, rows : of each block, shape (blocks,); at least two blocks
    """
    moved, sizes = np.asarray(effects, dtype=np.float64), np.asarray(rows, dtype=np.float64)
    freedom = float(sizes.size - 1)
    return Variation(float(sizes @ moved**2) / freedom, block_rows(sizes), float(sizes.size), float(sizes.sum()), freedom)


def share(found: Sequence[Variation]) -> list[Variation]:
    """Draw the inflations of a question over many columns towards each other, as far as the columns are alike.

    Smyth (2004), Stat. Appl. Genet. Mol. Biol. 3(1), 3: a scaled inverse chi-square prior, fitted to the logarithms.
    With fewer than three columns each stands alone.
    """
    known = [one for one in found if one.inflation > 0]
    if len(known) < 3:
        return list(found)
    from scipy.special import digamma, polygamma

    freedom = known[0].freedom
    logs = np.log([one.inflation for one in known]) - float(digamma(freedom / 2)) + math.log(freedom / 2)
    spread = float(logs.var(ddof=1)) - float(polygamma(1, freedom / 2))
    if spread <= 0:
        prior, centre = math.inf, float(np.mean([one.inflation for one in known]))
    else:
        prior = 2 * _inverse_trigamma(spread)
        centre = math.exp(float(logs.mean()) + float(digamma(prior / 2)) - math.log(prior / 2))
    return [_drawn(one, prior, centre) for one in found]


@dataclass(frozen=True, slots=True)
class Excess:
    """The variation of shares between windows beyond sampling, per row, summed over all directions, in the metric of Pearson's statistic.

    `variance` is that with which `value` is known, `rows` the size of the blocks that it was learned from.
    """

    value: float
    variance: float
    rows: float


def excess(statistics: ArrayLike, rows: ArrayLike, categories: int) -> Excess:
    """From the chi-square statistics of blocks against their whole, by moments.

    Parameters
    ----------
    statistics, rows : of each block, shape (blocks,)
    categories : with rows
    """
    sizes = np.asarray(rows, dtype=np.float64)
    freedom, each = sizes.size - 1, block_rows(sizes)
    mean = float(np.asarray(statistics, dtype=np.float64).sum()) / freedom
    return Excess((mean - (categories - 1)) / each, 2 * max(categories - 1, 1) / freedom / each**2, each)


def share_excess(found: Sequence[Excess]) -> list[Excess]:
    """Draw the excesses of columns towards each other, as far as they are alike (random effects, by moments)."""
    variances = np.array([one.variance for one in found])
    if len(found) < 2 or not (variances > 0).all():
        return [replace(one, value=max(0.0, one.value)) for one in found]
    values, weights = np.array([one.value for one in found]), 1 / variances
    centre = float(weights @ values / weights.sum())
    unlike = float(weights @ (values - centre) ** 2) - (values.size - 1)
    between = max(0.0, unlike) / float(weights.sum() - (weights**2).sum() / weights.sum())
    if between > 0:
        weights = 1 / (variances + between)
        centre = float(weights @ values / weights.sum())
    own = between / (between + variances)  # how much of its own each keeps
    means = own * values + (1 - own) * centre
    left = own * variances + (1 - own) ** 2 / float(weights.sum())
    return [replace(one, value=max(0.0, float(m)), variance=float(v)) for one, m, v in zip(found, means, left, strict=True)]


def _drawn(one: Variation, prior: float, centre: float) -> Variation:
    if math.isinf(prior):
        return replace(one, inflation=centre, freedom=math.inf)
    mean = (prior * centre + one.freedom * one.inflation) / (prior + one.freedom)
    return replace(one, inflation=mean, freedom=prior + one.freedom)


def _inverse_trigamma(value: float) -> float:
    """Where the trigamma function has a value above 0, by Newton's method on its reciprocal."""
    from scipy.special import polygamma

    if value > 1e7:
        return 1 / math.sqrt(value)
    at = 0.5 + 1 / value
    for _ in range(50):
        tri = float(polygamma(1, at))
        step = tri * (1 - tri / value) / float(polygamma(2, at))
        at += step
        if -step / at < 1e-8:
            break
    return at
