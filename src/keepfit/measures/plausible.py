"""Plausible truths for rows whose truth is not known, from rows whose truth is.

What a model's outputs are worth as probabilities, or how far magnitudes lie from what was predicted, is learned block by block, as
labelled rows come in time. Each block shows how far the outputs were off in it; those sights are carried forward to the rows that
are asked about (`level.ahead`), with their uncertainty. Truths are then drawn, so that any metric can be computed as if labels
were there: its mean over draws is what may be expected, and its variation over draws how sure that is.

Calibration under a shift by importance weights is of Tasche (2017), J. Machine Learning Research 18 (95), and of Bialek, Kuberski,
Perrakis and Bifet (2024), Estimating model performance under covariate shift without labels, arXiv 2401.08348; learning how the
level of a calibration wanders, from the labels that came, is what is done here beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from keepfit.later import numpy as np
from keepfit.measures.level import ahead, spread_of
from keepfit.measures.platt import log_odds
from keepfit.measures.temperature import sharpened, temperature

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Told", "classes", "magnitudes", "outcomes"]

Floats: TypeAlias = "NDArray[np.float64]"
_TINY = 1e-15
#: Log odds beyond this say no more.
_MOST = 12.0
#: A bend is learned from so many rows at least, in tenths of the scores, each drawn to the scores' own word as by so many rows.
_FEWEST_BENT, _TENTHS, _WORTH = 500, 10, 30.0
#: The prior of a block's own line, in rows' worth of information: it decides only where the block says nothing.
_PRIOR = (1.0, 4.0)


@dataclass(frozen=True, slots=True)
class Told:
    """Rows whose truth is known: each one's truth, weight, and block; shape (rows,).

    `block` counts from 0, the oldest; `weight` says how much a row is like the rows that are asked about, 1 on average. `gap` is how
    many blocks after the last the rows lie that are asked about.
    """

    truth: Floats
    weight: Floats
    block: NDArray[np.int64]
    blocks: int
    gap: int = 1


def outcomes(told: Told, score: Floats, asked: Floats, draws: int, seed: int) -> Floats:
    """Plausible outcomes, 0 or 1, of rows with the scores `asked`; shape (draws, rows).

    What all blocks together show of scores is taken first, tenth by tenth; then in each block a line through the log odds: its
    level where the asked rows lie, and its slope.
    """
    rng = np.random.default_rng(seed)
    logits, wanted = (np.clip(log_odds(one), -_MOST, _MOST) for one in (score, asked))
    if score.size >= _FEWEST_BENT:
        logits, wanted = _bent(told, logits, wanted)
    centre = _centre(wanted)
    design = np.stack([np.ones(score.size), logits - centre], axis=1)
    word = np.array([centre, 1.0])  # the model's own
    seen = [_line(design[here], told.truth[here], told.weight[here], word) for here in _each(told)]
    levels, slopes = (spread_of(ahead(*_sights(seen, word, at), gap=told.gap, scale=by), draws, rng) for at, by in ((0, 1.0), (1, 0.5)))
    odds = (word[0] + levels)[:, None] + np.maximum(0.0, word[1] + slopes)[:, None] * (wanted - centre)[None, :]
    chance = 1 / (1 + np.exp(-np.clip(odds, -50, 50)))
    return np.asarray((rng.random(chance.shape) < chance).astype(np.float64))


def classes(told: Told, chances: Floats, asked: Floats, draws: int, seed: int) -> Floats:
    """Plausible class numbers of rows with the chances `asked`, shape (rows, classes); shape (draws, rows).

    A power for all classes, and in each block how much more frequent each class was than expected.
    """
    rng = np.random.default_rng(seed)
    count = asked.shape[1]
    power = temperature(told.truth, chances) if told.truth.size else 1.0
    believed = sharpened(asked, power)
    known = sharpened(chances, power) if told.truth.size else chances
    usual = [float(one) + _TINY for one in believed.mean(axis=0)]
    shifts = np.empty((draws, count))
    for one in range(count):
        values, errors = [], []
        for here in _each(told):
            weight = told.weight[here]
            happened = float((weight * (told.truth[here] == one)).sum()) + usual[one]
            expected = float((weight * known[here, one]).sum()) + usual[one]
            values.append(float(np.log(happened / expected)))
            errors.append(1 / expected)
        shifts[:, one] = spread_of(ahead(values, errors, gap=told.gap), draws, rng)
    drawn = np.empty((draws, asked.shape[0]))
    for number, shift in enumerate(shifts):
        parts = believed * np.exp(shift - shift.max())
        reached = np.cumsum(parts / parts.sum(axis=1, keepdims=True), axis=1)
        drawn[number] = (rng.random((asked.shape[0], 1)) > reached[:, :-1]).sum(axis=1)
    return drawn


def magnitudes(told: Told, predicted: Floats, width: Floats, asked: Floats, asked_width: Floats, draws: int, seed: int) -> Floats:
    """Plausible magnitudes of rows that were predicted to be `asked`; shape (draws, rows).

    In each block the mean of what truth lay above the prediction, and its spread, both in units of the row's own width.
    """
    rng = np.random.default_rng(seed)
    if told.truth.size == 0:
        return np.asarray(asked + asked_width / 3.29 * rng.standard_normal((draws, asked.size)))
    unit = float(np.average(width, weights=told.weight)) or 1.0
    own, wanted = (np.where(one > 0, one, unit) for one in (width, asked_width))
    off = (told.truth - predicted) / own
    middle = float(np.average(off, weights=told.weight))
    spread = float(np.sqrt(np.average((off - middle) ** 2, weights=told.weight))) or _TINY
    tails = float(np.average(((off - middle) / spread) ** 4, weights=told.weight))
    means, spreads, shape, chance = [], [], [], []
    for here in _each(told):
        weight = told.weight[here]
        rows = float(weight.sum() ** 2 / (weight**2).sum())
        level = float(np.average(off[here], weights=weight))
        scatter = float(np.average((off[here] - level) ** 2, weights=weight))
        scatter = (scatter * rows + spread**2 * 2) / (rows + 2)  # two rows' worth of the whole, for blocks of few
        means.append(((level - middle) / spread, scatter / spread**2 / rows))
        spreads.append((0.5 * float(np.log(scatter / spread**2)), max(tails - 1, 1.0) / (4 * (rows + 2))))
        shape.append((off[here] - level) / np.sqrt(scatter))
        chance.append(weight)
    shifts = spread_of(ahead(*_columns(means), gap=told.gap), draws, rng)
    scales = spread_of(ahead(*_columns(spreads), gap=told.gap, scale=0.5), draws, rng)
    rest, odds = np.concatenate(shape), np.concatenate(chance)
    drawn = rng.choice(rest, size=(draws, asked.size), p=odds / odds.sum())
    return np.asarray(asked + wanted * (middle + spread * (shifts[:, None] + np.exp(scales)[:, None] * drawn)))


def _columns(pairs: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [one for one, _ in pairs], [other for _, other in pairs]


def _each(told: Told) -> list[NDArray[np.int64]]:
    """The rows of each block, oldest first; a block without rows is passed over."""
    order = np.argsort(told.block, kind="stable")
    parts = np.split(order, np.searchsorted(told.block[order], np.arange(1, told.blocks)))
    return [part for part in parts if part.size]


def _sights(seen: list[tuple[Floats, Floats]], word: Floats, at: int) -> tuple[list[float], list[float]]:
    """How far each block's line lies from the model's own word in one of its members, and the variance of that."""
    return [float(line[at] - word[at]) for line, _ in seen], [float(error[at, at]) for _, error in seen]


def _bent(told: Told, logits: Floats, wanted: Floats) -> tuple[Floats, Floats]:
    """Log odds of the known rows and of those asked about, after the pooled rate in each tenth of the scores; straight in between."""
    edges = np.unique(np.quantile(logits, np.linspace(0.0, 1.0, _TENTHS + 1)[1:-1]))
    place = np.searchsorted(edges, logits, side="right")
    rows, said, came, middle = (
        np.bincount(place, weights=told.weight * one, minlength=edges.size + 1)
        for one in (np.ones(logits.size), 1 / (1 + np.exp(-logits)), told.truth, logits)
    )
    there = rows > 0
    rows, said, came, middle = rows[there], said[there], came[there], middle[there]
    own = np.clip(said / rows, 1e-6, 1 - 1e-6)
    rate = (came + _WORTH * own) / (rows + _WORTH)
    off = log_odds(rate) - log_odds(own)
    return logits + np.interp(logits, middle / rows, off), wanted + np.interp(wanted, middle / rows, off)


def _centre(logits: Floats) -> float:
    """The log odds around which outcomes are least certain: there a level and a slope hardly depend on one another."""
    score = 1 / (1 + np.exp(-logits))
    weight = score * (1 - score) + _TINY
    return float((weight * logits).sum() / weight.sum())


def _line(design: Floats, truth: Floats, weight: Floats, start: Floats) -> tuple[Floats, Floats]:
    """The likeliest level and slope, drawn weakly to `start`, and the covariance of their error."""
    prior = np.diag(_PRIOR)
    line, info = start.copy(), prior
    for _ in range(25):
        chance = 1 / (1 + np.exp(-np.clip(design @ line, -50, 50)))
        gradient = design.T @ (weight * (chance - truth)) + prior @ (line - start)
        info = (design * (weight * np.maximum(chance * (1 - chance), 1e-9))[:, None]).T @ design + prior
        step = np.clip(np.linalg.solve(info, gradient), -2.0, 2.0)
        line = line - step
        if float(np.abs(step).max()) < 1e-8:
            break
    return line, np.asarray(np.linalg.inv(info))
