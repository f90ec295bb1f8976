"""Whether a window moved, and whether that matters: every question about every column, under one budget of false alarms."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from keepfit.drift import Drift
from keepfit.measures.adjusted import adjusted
from keepfit.measures.ranks import LOCATION_PER_SD, SCALE_PER_LOG
from keepfit.measures.tail import of_chi_square, of_count, of_effect, surely_above
from keepfit.ordinary import Column, Rate, pooled, summed
from keepfit.recent import Shares

__all__ = ["Limits", "moved"]

#: How the questions of a column share its part of the budget.
WEIGHTS: Mapping[str, Mapping[str, float]] = {
    "ordered": {"location": 0.50, "scale": 0.08, "shape": 0.05, "tails": 0.07, "missing": 0.30},
    "named": {"categories": 0.75, "missing": 0.25},
    "open": {"categories": 0.62, "unseen": 0.13, "missing": 0.25},
}
#: The part of a question's budget that goes to windows of late together.
OF_RECENT = 0.15
#: The part of a question's budget that goes to more rows without a value; the rest goes to fewer.
OF_MORE = 0.8
#: Of rates between these, the count is close enough to normal.
_COMMON = (0.1, 0.9)
#: How sure it must be that an effect is larger than the least that matters.
SURE = 0.05


@dataclass(frozen=True, slots=True)
class Limits:
    """The budget of false alarms of a window, and the least effect that matters."""

    false_alarms: float
    min_effect: float


@dataclass(frozen=True, slots=True)
class _Answer:
    """One test: its chance, the part of the budget that it may use, and its effect with what the effect varies by."""

    statistic: str
    chance: float
    weight: float
    effect: float
    error: float
    freedom: float
    unit: str
    over: Literal["window", "recent"] = "window"


def moved(
    ordinary: Mapping[str, Column],
    window: Mapping[str, Shares],
    recent: Mapping[str, Shares],
    importance: Mapping[str, float],
    limits: Limits,
) -> list[Drift]:
    """Ask every question about every column of a window.

    Parameters
    ----------
    ordinary : what is ordinary of each column, of features and of answers alike, by a key of the caller's
    window, recent : the window alone, and windows of late together with it, by the same keys
    importance : each feature's share of what all are worth to the model; empty where that is not known

    Returns
    -------
    One answer for each column and question, the most telling first.
    """
    asked: list[tuple[str, _Answer]] = []
    for name, column in ordinary.items():
        if name not in window:
            continue
        late = recent.get(name)
        later = late is not None and late.weighed < 1.0
        alone = 1 - OF_RECENT if later else 1.0
        asked += [(name, replace(one, weight=one.weight * alone)) for one in _ask(column, window[name])]
        if late is not None and later:
            asked += [(name, replace(one, weight=one.weight * OF_RECENT, over="recent")) for one in _ask(column, late)]
    budget = adjusted([one.chance for _, one in asked], [one.weight for _, one in asked])
    best: dict[tuple[str, str], Drift] = {}
    for (name, answer), least in zip(asked, budget.tolist(), strict=True):
        told, held = _told(ordinary[name], window[name], answer, least, importance, limits), best.get((name, answer.statistic))
        # Windows of late dilute what is new in this one: they may be surer that it moved, and unsure that it matters.
        if held is None or _rank(told) < _rank(held):
            best[name, answer.statistic] = told
    return sorted(best.values(), key=lambda one: (one.adjusted, one.chance, one.column, one.statistic))


def _rank(one: Drift) -> tuple[bool, float, float]:
    assert one.adjusted is not None
    assert one.chance is not None
    return not one.matters, one.adjusted, one.chance


def _told(column: Column, seen: Shares, answer: _Answer, least: float, importance: Mapping[str, float], limits: Limits) -> Drift:
    share = importance.get(column.name) if column.about == "feature" and importance else None
    # A column of average importance or more counts in full, one that the model does without not at all.
    weight = 1.0 if share is None else min(1.0, share * len(importance))
    has_moved = least <= limits.false_alarms
    sure = weight > 0 and surely_above(abs(answer.effect), limits.min_effect / weight, answer.error, answer.freedom, SURE)
    return Drift(
        column=column.name,
        about=column.about,
        statistic=answer.statistic,
        effect=round(answer.effect, 6),
        unit=answer.unit,
        rows=round(1 / seen.sampled_all),
        error=float(f"{answer.error:.6g}"),
        chance=float(f"{answer.chance:.6g}"),
        adjusted=float(f"{least:.6g}"),
        threshold=limits.false_alarms,
        over=answer.over,
        importance=None if share is None else round(share, 6),
        moved=has_moved,
        matters=has_moved and sure,
    )


def _ask(column: Column, seen: Shares) -> list[_Answer]:
    """Every question about a column that its rows allow."""
    weights = WEIGHTS[column.bins]
    found = [_missing(column, seen, weights["missing"])]
    if sum(seen.bins) + seen.unseen <= 0:
        return found
    if column.numbers is not None:
        found += _numbers(column, seen, weights)
    if column.excess is not None and (of_names := _categories(column, seen, weights["categories"])) is not None:
        found.append(of_names)
    if column.unseen is not None:
        found.append(_unseen(column, column.unseen, seen, weights["unseen"]))
    return found


def _numbers(column: Column, seen: Shares, weights: Mapping[str, float]) -> list[_Answer]:
    numbers, bins = column.numbers, np.asarray(seen.bins)
    assert numbers is not None
    of = float(column.counts.sum())
    found = []
    effects = numbers.polynomials @ bins if len(numbers.polynomials) else np.empty(0)
    for degree, (effect, skew, varies) in enumerate(zip(effects.tolist(), numbers.skewness.tolist(), numbers.variations, strict=True)):
        error, freedom = varies.error(seen.sampled, seen.weighed, seen.longest)
        clustered = max(1.0, varies.inflation)
        skewed = skew * clustered**2 * (seen.sampled**2 - 1 / of**2) / error**3
        freedom = _fewer(freedom, column, seen)
        chance = of_effect(effect, error, freedom, skewed)
        if degree < 2:
            name, per, unit = (("location", LOCATION_PER_SD, "sd"), ("scale", SCALE_PER_LOG, "log spread"))[degree]
            found.append(_Answer(name, chance, weights[name], effect / per, error / per, freedom, unit))
        else:
            distance, spread = _variation_distance(column.counts / of, bins, seen, _inflated(varies.between, seen, column))
            found.append(_Answer("shape", chance, weights["shape"] / 2, distance, spread, freedom, "total variation"))
    for mask, rate in numbers.tails:
        share = float(bins @ mask)
        answer = _rate("tails", rate, share, seen.sampled, seen, column)
        found.append(replace(answer, weight=weights["tails"] / 2))
    return found


def _missing(column: Column, seen: Shares, weight: float) -> _Answer:
    answer = _rate("missing", column.missing, seen.missing, seen.sampled_all, seen, column, both=True)
    return replace(answer, weight=weight)


def _unseen(column: Column, rate: Rate, seen: Shares, weight: float) -> _Answer:
    return replace(_rate("unseen", rate, seen.unseen, seen.sampled, seen, column), weight=weight)


def _rate(statistic: str, rate: Rate, share: float, sampled: float, seen: Shares, column: Column, *, both: bool = False) -> _Answer:
    """Whether rows of a kind are more than ordinary; with `both`, or fewer, which has the smaller part of the budget."""
    was = rate.share
    if rate.of == 0:  # the reference has no such rows to compare with
        return _Answer(statistic, 1.0, 0.0, 0.0, 0.0, math.inf, "share of rows")
    error, freedom = rate.variation.error(sampled, seen.weighed, seen.longest)
    freedom = _fewer(freedom, column, seen)
    deviation = math.sqrt(was * (1 - was))
    more, fewer = _chances(rate, share, sampled, (error, freedom), deviation)
    chance = min(more / OF_MORE, fewer / (1 - OF_MORE), 1.0) if both else more
    # Where the reference holds none of the kind, one row of it is what an effect may be off by.
    spread = max(error * deviation, math.sqrt(max(share, 1 / rate.of) * sampled) if deviation == 0 else 0.0)
    return _Answer(statistic, chance, 0.0, share - was, spread, freedom, "share of rows")


def _chances(rate: Rate, share: float, sampled: float, varies: tuple[float, float], deviation: float) -> tuple[float, float]:
    """The chances of at least, and of at most, such a share."""
    was, (error, freedom) = rate.share, varies
    if _COMMON[0] < was < _COMMON[1]:
        skewed = (1 - 2 * was) / deviation * (max(1.0, rate.variation.inflation) * sampled) ** 2 / error**3
        effect = (share - was) / deviation
        chance = of_effect(effect, error, freedom, skewed) / 2
        return (chance, 1 - chance) if effect > 0 else (1 - chance, chance)
    rows = 1 / sampled
    beyond = max(0.0, error**2 - sampled - 1 / rate.of)
    if was >= _COMMON[1]:
        low, high = of_count(
            (1 - share) * rows, rows, rate.of - rate.known, rate.of, spread=beyond * was / max(1 - was, 1e-12), freedom=freedom
        )
        return low, high
    low, high = of_count(share * rows, rows, rate.known, rate.of, spread=beyond * (1 - was) / was if was else 0.0, freedom=freedom)
    return high, low


def _categories(column: Column, seen: Shares, weight: float) -> _Answer | None:
    excess = column.excess
    assert excess is not None
    rows, listed = 1 / seen.sampled, sum(seen.bins)
    counts = column.counts
    group = pooled(counts, rows * listed)
    now, was = summed(np.asarray(seen.bins) / listed if listed else np.asarray(seen.bins), group), summed(counts, group)
    of = float(was.sum())
    held = was > 0
    if held.sum() < 2 or listed <= 0:
        return None
    now, shares = now[held], was[held] / of
    variance = seen.sampled / listed + 1 / of
    statistic = float(((now - shares) ** 2 / shares).sum()) / variance
    between = seen.weighed + 1 / column.blocks
    unsure = math.sqrt(excess.variance) * max(0.0, 1 - excess.rows / seen.longest)
    inflation = 1 + (excess.value + unsure) * between / variance
    known = excess.variance * (between / variance) ** 2
    freedom = 2 * inflation**2 / known if known > 0 else math.inf
    chance = of_chi_square(statistic, int(held.sum()) - 1, inflation, freedom)
    distance, error = _variation_distance(shares, now, seen, (excess.value + unsure) * between, listed)
    return _Answer("categories", chance, weight, distance, error, freedom, "total variation")


def _variation_distance(
    shares: NDArray[np.float64], now: NDArray[np.float64], seen: Shares, between: float, listed: float = 1.0
) -> tuple[float, float]:
    """The total variation distance of two sets of shares, less what sampling alone would show, and its standard error."""
    apart = now - shares
    raw = float(np.abs(apart).sum()) / 2
    variance = seen.sampled / listed
    by_chance = float(np.sqrt(2 / math.pi * shares * (1 - shares) * variance).sum()) / 2
    gained = float(shares[apart > 0].sum())
    error = math.sqrt(max(gained * (1 - gained), raw * (1 - raw), 1e-12) * (variance + between))
    return math.sqrt(max(0.0, raw**2 - by_chance**2)), error


def _inflated(between: float, seen: Shares, column: Column) -> float:
    return between * (seen.weighed + 1 / column.blocks)


def _fewer(freedom: float, column: Column, seen: Shares) -> float:
    """The degrees of freedom less what is lost where rows of a window belong together, so that it holds few that stand alone."""
    lost = column.apart * math.sqrt(seen.weighed)
    return 1 / (1 / freedom + lost) if lost > 0 else freedom
