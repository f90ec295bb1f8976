"""A slice: rows that one or two simple conditions pick out, in which a candidate may be weaker than elsewhere."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from keepfit.measures import interval
from keepfit.metric import Clusters, Gain
from keepfit.schema import Column
from keepfit.task import Scored, Task

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from keepfit.measures.quality import Estimate

__all__ = ["Condition", "Slice", "confirm", "inside", "suspect", "words"]

#: A slice that is looked for has at least this share of the rows, and so many rows.
LEAST_SHARE, FEWEST_ROWS = 0.02, 100
#: A slice is confirmed on so many rows inside and beside it.
FEWEST_CONFIRMED = 30
#: Slices that are suspected; each more makes the interval of all wider.
MOST_SUSPECTED = 5
#: Values of a category that are looked at, and single conditions that a second one is joined to.
MOST_NAMES, MOST_JOINED = 30, 8
#: A slice is another only when it shares less than this with those chosen before it (Jaccard).
MOST_SHARED = 0.5
#: The shares of the rows at which numbers are cut.
CUTS = (0.1, 0.3, 0.5, 0.7, 0.9)
_HOURS = 4
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Condition:
    """What picks rows by one column: a name, a range of numbers (from `low` up to below `high`), or a missing value.

    `of` says of what of a moment the numbers are: the hour of the day or the day of the week, from 1 for Monday.
    """

    column: str
    of: Literal["value", "hour", "weekday"] = "value"
    name: str | None = None
    low: float | None = None
    high: float | None = None
    missing: bool = False


@dataclass(frozen=True, slots=True)
class Slice:
    """Rows in which a candidate was suspected to be weak, and how far it is behind the other rows there, in `metric`.

    `behind` is above 0 where the candidate is worse within; its interval holds for all slices together. `conditions`
    pick the same rows of another table.
    """

    where: str
    metric: str
    count: int
    behind: Gain
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class _Found:
    """A slice that was looked at: its rows, and the low end of how far its mean loss lies above that of the others."""

    conditions: tuple[Condition, ...]
    mask: NDArray[np.bool_]
    low: float


@dataclass(slots=True)
class _Look:
    """The rows in which slices are looked for: their losses, and what belongs together."""

    losses: NDArray[np.float64]
    clusters: Clusters
    singles: list[_Found] = field(default_factory=list)

    def low(self, mask: NDArray[np.bool_]) -> float:
        """The low end of how far the mean loss inside lies above that outside; minus infinity for a slice of too few rows."""
        inside, rows = int(mask.sum()), mask.size
        fewest = max(FEWEST_ROWS, LEAST_SHARE * rows)
        if inside < fewest or rows - inside < fewest:
            return -math.inf
        gap, influence = _gap(self.losses, mask)
        return gap - interval.clustered(influence, self.clusters.of_row, self.clusters.count)


def _gap(losses: NDArray[np.float64], mask: NDArray[np.bool_]) -> tuple[float, NDArray[np.float64]]:
    """How far the mean inside lies above the mean outside, and the influence of each row on it."""
    import numpy as np  # the command line starts without it

    rows, inside = mask.size, int(mask.sum())
    within, beside = float(losses[mask].mean()), float(losses[~mask].mean())
    influence = np.where(mask, (losses - within) * (rows / inside), (beside - losses) * (rows / (rows - inside)))
    return within - beside, influence


def suspect(frame: pl.DataFrame, columns: Iterable[Column], losses: NDArray[np.float64], clusters: Clusters) -> list[tuple[Condition, ...]]:
    """The slices in which a model clearly loses more than elsewhere, the surest first; at most five.

    Every column is cut into names, ranges or times of the day and week; the conditions with the surest gap are then
    joined in pairs with all others. A slice is suspected when its gap lies above 0 with its whole 95 % interval, which
    among so many looks happens by chance: `confirm` it on rows that were not used here. The idea is that of Chung,
    Kraska, Polyzotis, Tae and Whang (2019), IEEE Trans. Knowledge and Data Engineering 32, 2284-2296.

    Parameters
    ----------
    frame : rows that the model was not fitted on
    losses : the model's loss on each, shape (rows,)
    """
    look = _Look(losses, clusters)
    for condition, mask in _conditions(frame, columns):
        look.singles.append(_Found((condition,), mask, look.low(mask)))
    best = sorted(look.singles, key=lambda one: -one.low)[:MOST_JOINED]
    pairs = []
    for first in best:
        for second in look.singles:
            if first.conditions[0].column != second.conditions[0].column:
                mask = first.mask & second.mask
                low = look.low(mask)
                # A second condition must tell clearly more than either alone.
                if low > 1.1 * max(first.low, second.low, 0.0):
                    pairs.append(_Found((*first.conditions, *second.conditions), mask, low))
    chosen: list[_Found] = []
    for one in sorted([*best, *pairs], key=lambda one: (-one.low, len(one.conditions))):
        if one.low <= 0 or len(chosen) == MOST_SUSPECTED:
            break
        if all((one.mask & other.mask).sum() < MOST_SHARED * (one.mask | other.mask).sum() for other in chosen):
            chosen.append(one)
    return [one.conditions for one in chosen]


def _conditions(frame: pl.DataFrame, columns: Iterable[Column]) -> Iterator[tuple[Condition, NDArray[np.bool_]]]:
    """Every condition that is looked at, with its rows."""
    for column in columns:
        if column.name not in frame.columns:
            continue
        values = frame[column.name]
        if column.kind == "moment":
            found = _of_moments(column.name)
        elif column.kind == "number" and values.dtype.is_numeric():
            found = _of_numbers(column.name, values)
        elif column.kind == "text":
            found = []
        else:
            found = _of_names(column.name, values)
        for condition in [*found, Condition(column.name, missing=True)]:
            yield condition, inside(frame, (condition,))


def _of_moments(name: str) -> list[Condition]:
    hours = [Condition(name, "hour", low=float(begin), high=float(begin + _HOURS)) for begin in range(0, 24, _HOURS)]
    return hours + [Condition(name, "weekday", low=float(day), high=float(day + 1)) for day in range(1, 8)]


def _of_numbers(name: str, values: pl.Series) -> list[Condition]:
    import polars as pl  # the command line starts without it

    known = values.cast(pl.Float64).fill_nan(None).drop_nulls()
    cuts = [cut for share in CUTS if (cut := known.quantile(share)) is not None and math.isfinite(cut)]
    bounds = sorted({float(f"{cut:.3g}") for cut in cuts})
    if not bounds:
        return []
    edges = [None, *bounds, None]
    return [Condition(name, low=low, high=high) for low, high in pairwise(edges)]


def _of_names(name: str, values: pl.Series) -> list[Condition]:
    import polars as pl  # the command line starts without it

    counted = values.cast(pl.String).drop_nulls().alias("name").value_counts().sort("count", "name", descending=[True, False])
    return [Condition(name, name=one) for one in counted["name"].head(MOST_NAMES)]


def inside(frame: pl.DataFrame, conditions: Sequence[Condition]) -> NDArray[np.bool_]:
    """Which rows of a table lie in a slice, shape (rows,); a condition on a column that the table lacks picks none."""
    import numpy as np
    import polars as pl  # the command line starts without it

    found = np.ones(frame.height, dtype=bool)
    for one in conditions:
        if one.column not in frame.columns:
            return np.zeros(frame.height, dtype=bool)
        values = frame[one.column]
        if values.dtype.is_float():
            values = values.fill_nan(None)
        if one.missing:
            found &= values.is_null().to_numpy()
            continue
        if one.name is not None:
            found &= (values.cast(pl.String) == one.name).fill_null(False).to_numpy()
            continue
        numbers = {"hour": values.dt.hour, "weekday": values.dt.weekday}[one.of]() if one.of != "value" else values
        picked = numbers.is_not_null()
        picked &= (numbers >= one.low) if one.low is not None else picked
        picked &= (numbers < one.high) if one.high is not None else picked
        found &= picked.fill_null(False).to_numpy()
    return found


def words(conditions: Sequence[Condition]) -> str:
    """A slice for people.

    >>> words([Condition("origin", name="EWR"), Condition("distance", low=500.0, high=900.0)])
    'origin is EWR and distance is from 500 to below 900'
    """
    return " and ".join(map(_said, conditions))


def _said(one: Condition) -> str:
    if one.missing:
        return f"{one.column} is missing"
    if one.name is not None:
        return f"{one.column} is {one.name}"
    if one.of == "weekday":
        return f"{one.column} is on a {_DAYS[int(one.low or 1) - 1]}"
    unit = ":00" if one.of == "hour" else ""
    low, high = (None if bound is None else f"{bound:.10g}{unit}" for bound in (one.low, one.high))
    if low is None:
        return f"{one.column} is below {high}"
    return f"{one.column} is {low} or more" if high is None else f"{one.column} is from {low} to below {high}"


def confirm(
    task: Task,
    scored: Scored,
    clusters: Clusters,
    suspected: Mapping[tuple[Condition, ...], NDArray[np.bool_]],
    *,
    metric: str | None = None,
) -> tuple[Slice, ...]:
    """How far a candidate is behind in slices that were suspected elsewhere, the worst first.

    A slice must have been found on other rows, as on out-of-fold predictions: one found here would look worse than
    it is. The intervals hold together with 95 % (Bonferroni); slices in which, or beside which, fewer than 30 rows
    lie are left out.

    Parameters
    ----------
    scored, clusters : those that `evaluate` was given
    suspected : for each slice which rows lie within; shape (rows,)
    metric : by default the one by which candidates compete
    """
    name = metric or task.selects
    measure, rows = task.metrics[name], scored.truth.size
    sign = -1.0 if measure.better == "higher" else 1.0
    kept = {one: mask for one, mask in suspected.items() if FEWEST_CONFIRMED <= int(mask.sum()) <= rows - FEWEST_CONFIRMED}
    found = []
    for conditions, mask in kept.items():
        try:
            within, beside = measure.measure(scored.where(mask)), measure.measure(scored.where(~mask))
        except ValueError:
            continue
        influence = _spread(within, mask) - _spread(beside, ~mask)
        half = interval.clustered(influence, clusters.of_row, clusters.count, 1 - 0.05 / len(kept))
        gap = sign * (within.value - beside.value)
        if math.isfinite(half) and math.isfinite(gap):
            found.append(Slice(words(conditions), name, int(mask.sum()), Gain(gap, gap - half, gap + half, name), conditions))
    return tuple(sorted(found, key=lambda one: -one.behind.value))


def _spread(estimate: Estimate, mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The influence of all rows on a measure of some of them."""
    import numpy as np  # the command line starts without it

    influence = np.zeros(mask.size)
    influence[mask] = estimate.influence * (mask.size / estimate.influence.size)
    return influence
