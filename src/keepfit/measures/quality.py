"""How good probabilities are: each measure gives its value and every row's influence on it.

The influence of a row is what the measure would move by, times the number of rows, were the row given
a little more weight; influences sum to zero. Summed over whole days or subjects they give the
standard error of the value, and their difference that of a paired comparison (the sandwich, or
infinitesimal jackknife: Efron (1982), The Jackknife, the Bootstrap and Other Resampling Plans, ch. 6).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from keepfit.later import numpy as np
from keepfit.measures.interval import on_log_odds, wilson

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "Estimate",
    "average_of",
    "average_precision",
    "brier",
    "calibration_error",
    "calibration_in_the_large",
    "log_loss",
    "log_losses",
    "mean_of",
    "rate_of",
    "ratio_of",
    "roc_auc",
]

Floats: TypeAlias = "NDArray[np.float64]"
_TINY = 1e-15
#: With fewer rows of a class their placements say little about their own variation.
_FEWEST_PLACED = 10


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measure's value and the influence of each row, shape (rows,).

    `alone` gives the interval at a confidence when rows are independent, where a better one than the sandwich is known.
    """

    value: float
    influence: Floats
    alone: Callable[[float], tuple[float, float] | None] | None = None


def mean_of(losses: Floats) -> Estimate:
    """The mean of a quantity per row."""
    value = float(losses.mean())
    return Estimate(value, losses - value)


def rate_of(hits: NDArray[np.bool_]) -> Estimate:
    """The share of rows that are hits, in [0, 1]; independent rows have Wilson's interval."""
    count, rows = int(hits.sum()), hits.size
    value = count / rows
    return Estimate(value, hits.astype(np.float64) - value, lambda confidence: wilson(count, rows, confidence))


def ratio_of(above: Floats, below: Floats) -> Estimate:
    """The ratio of two sums over rows; the influence is that of the delta method (Cochran (1977), Sampling Techniques, ch. 6).

    Raises
    ------
    ValueError
        The sum below is not above zero.
    """
    total = float(below.sum())
    if not total > 0:
        raise ValueError("a ratio needs rows that count below")
    value = float(above.sum()) / total
    return Estimate(value, (above - value * below) * (above.size / total))


def average_of(parts: Sequence[Estimate]) -> Estimate:
    """The plain average of measures of the same rows, as over classes."""
    influence = np.asarray(sum(part.influence for part in parts) / len(parts))
    return Estimate(sum(part.value for part in parts) / len(parts), influence)


def log_losses(truth: Floats, score: Floats) -> Floats:
    """Each row's negative log likelihood, in nats; scores are kept 1e-15 away from 0 and 1."""
    kept = np.clip(score, _TINY, 1 - _TINY)
    return np.asarray(-(truth * np.log(kept) + (1 - truth) * np.log1p(-kept)))


def log_loss(truth: Floats, score: Floats) -> Estimate:
    """Mean negative log likelihood, in nats: 0 is perfect, log 2 that of a coin, unbounded above.

    `truth` holds 0 and 1, `score` probabilities of 1.
    """
    return mean_of(log_losses(truth, score))


def brier(truth: Floats, score: Floats) -> Estimate:
    """Mean squared difference of probability and truth, in [0, 1]; 0 is perfect."""
    return mean_of((score - truth) ** 2)


def calibration_in_the_large(truth: Floats, score: Floats) -> Estimate:
    """Mean score less the rate of the outcome, in [-1, 1]: above 0 where the model expects too much."""
    return mean_of(score - truth)


def roc_auc(truth: Floats, score: Floats) -> Estimate:
    """The chance that a positive row scores above a negative one, ties counting half; in [0, 1], 0.5 is chance.

    Influence from the placements of DeLong, DeLong and Clarke-Pearson (1988), Biometrics 44, 837-845;
    summed by cluster as in Obuchowski (1997), Biometrics 53, 567-578. Independent rows have DeLong's interval, on the
    log odds; with fewer than ten rows of a class, or all of one above all of the other, the interval of a rate among
    so many rows, whose variance none exceeds (Birnbaum and Klose (1957), Annals of Mathematical Statistics 28, 933-945).

    Raises
    ------
    ValueError
        One class is missing.
    """
    positive = truth == 1
    n1 = int(positive.sum())
    n0 = truth.size - n1
    if n1 == 0 or n0 == 0:
        raise ValueError("roc_auc needs rows of both classes")
    low, high = np.sort(score[~positive]), np.sort(score[positive])
    below = (np.searchsorted(low, score[positive], "left") + np.searchsorted(low, score[positive], "right")) / (2 * n0)
    above = 1 - (np.searchsorted(high, score[~positive], "left") + np.searchsorted(high, score[~positive], "right")) / (2 * n1)
    value = float(below.mean())
    influence = np.empty(truth.size)
    influence[positive] = (below - value) * (truth.size / n1)
    influence[~positive] = (above - value) * (truth.size / n0)
    fewer = min(n0, n1)
    if fewer < _FEWEST_PLACED or value in {0.0, 1.0}:
        constant = bool((score == score[0]).all())
        return Estimate(value, influence, None if constant else lambda confidence: wilson(value * fewer, fewer, confidence))
    variance = float(below.var(ddof=1)) / n1 + float(above.var(ddof=1)) / n0
    return Estimate(value, influence, lambda confidence: on_log_odds(value, variance, confidence))


def average_precision(truth: Floats, score: Floats) -> Estimate:
    """The mean over positive rows of the precision among rows that score at least as high; in [0, 1], the base rate is chance.

    Ties count as one step, as in scikit-learn. The influence is the derivative in the rows' weights (the
    infinitesimal jackknife), exact for this estimate.

    Raises
    ------
    ValueError
        There is no positive row.
    """
    positive = truth == 1
    total = int(positive.sum())
    if total == 0:
        raise ValueError("average_precision needs a positive row")
    levels, place = np.unique(score, return_inverse=True)
    of_level = np.bincount(place, minlength=levels.size).astype(np.float64)
    hits = np.bincount(place, weights=truth, minlength=levels.size)
    count, found = (np.cumsum(each[::-1])[::-1] for each in (of_level, hits))  # rows and positives at each level or above
    precision = found / count
    value = float((hits * precision).sum()) / total
    # A row adds to the precision at its own level and at every level below.
    gained, lost = np.cumsum(hits / count), np.cumsum(hits * found / count**2)
    influence = (np.where(positive, precision[place] - value + gained[place], 0.0) - lost[place]) * (truth.size / total)
    return Estimate(value, influence)


def calibration_error(truth: Floats, score: Floats, bins: int = 10) -> Estimate:
    """Mean distance between score and rate over bins of equally many rows, each weighted by its rows; in [0, 1].

    The expected calibration error on quantile bins (Nixon et al. (2019), CVPR Workshops). It is biased
    upwards in small samples: a perfect model shows about sqrt(bins * rate * (1 - rate) / rows) * 0.8.
    """
    order = np.argsort(score, kind="stable")
    place = np.empty(truth.size, dtype=np.int64)
    place[order] = np.arange(truth.size) * bins // truth.size
    # Rows with equal scores belong to one bin, whatever their order.
    _, first, back = np.unique(score, return_index=True, return_inverse=True)
    place = place[first][back]
    gap = np.bincount(place, weights=score - truth, minlength=bins)
    signed = np.sign(gap)[place] * (score - truth)
    return mean_of(signed)
