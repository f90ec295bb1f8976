"""A slice: rows that one or two simple conditions pick out, in which a candidate may be weaker than elsewhere."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from keepfit.measures import interval
from keepfit.metric import Clusters, Gain, within
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
#: Rows in which slices are looked for.
MOST_LOOKED_AT = 20_000
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
class _Cut:
    """A column cut into conditions: the number of each row's, -1 for a row in none; shape (rows,)."""

    conditions: list[Condition]
    of_row: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Found:
    """A slice that was looked at: its rows, and the low end of how far its mean loss lies above that of the others."""

    conditions: tuple[Condition, ...]
    mask: NDArray[np.bool_]
    low: float


class _Look:
    """The rows in which slices are looked for: their losses, summed within clusters."""

    def __init__(self, losses: NDArray[np.float64], clusters: Clusters) -> None:
        import numpy as np  # the command line starts without it

        self.losses, self.of_row, self.count = losses, clusters.of_row, clusters.count
        self.sums = np.bincount(clusters.of_row, weights=losses, minlength=clusters.count)
        self.sizes = np.bincount(clusters.of_row, minlength=clusters.count)
        self.fewest = max(FEWEST_ROWS, LEAST_SHARE * losses.size)
        equal = interval.effective(clusters.of_row, clusters.count)
        self.width = interval.half_width([1.0] * clusters.count, 1, equal_clusters=equal) / math.sqrt(max(1, clusters.count))

    def lows(self, cut: _Cut, among: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
        """For each condition of a cut, `among` some rows, the low end of how far the mean loss inside lies above that outside.

        Minus infinity for slices of too few rows.
        """
        import numpy as np  # the command line starts without it

        kinds, rows = len(cut.conditions), self.losses.size
        picked = cut.of_row >= 0 if among is None else among & (cut.of_row >= 0)
        cell = self.of_row[picked] * kinds + cut.of_row[picked]
        shape = (self.count, kinds)
        sums = np.bincount(cell, weights=self.losses[picked], minlength=self.count * kinds).reshape(shape)
        sizes = np.bincount(cell, minlength=self.count * kinds).reshape(shape)
        inside = sizes.sum(axis=0)
        enough = (inside >= self.fewest) & (rows - inside >= self.fewest)
        counted = np.where(enough, inside, 1), np.where(enough, rows - inside, 1)
        means = sums.sum(axis=0) / counted[0], (self.sums.sum() - sums.sum(axis=0)) / counted[1]
        others, rest = self.sums[:, None] - sums, self.sizes[:, None] - sizes
        influence = (sums - sizes * means[0]) / counted[0] - (others - rest * means[1]) / counted[1]
        weighted = influence / (1 - self.sizes / rows)[:, None]
        half = self.width * np.sqrt((weighted**2).sum(axis=0))
        return np.where(enough, means[0] - means[1] - half, -np.inf)


def suspect(frame: pl.DataFrame, columns: Iterable[Column], losses: NDArray[np.float64], clusters: Clusters) -> list[tuple[Condition, ...]]:
    """The slices in which a model clearly loses more than elsewhere, the surest first; at most five.

    Every column is cut into names, ranges or times of the day and week; the conditions with the surest gap are then
    joined in pairs with all others. A slice is suspected when its gap lies above 0 with its whole 95 % interval, which
    among so many looks happens by chance: `confirm` it on rows that were not used here. The idea is that of Chung,
    Kraska, Polyzotis, Tae and Whang (2019), IEEE Trans. Knowledge and Data Engineering 32, 2284-2296.

    Parameters
    ----------
    frame : rows that the model was not fitted on; of more than 20,000 as many are looked at, spread evenly
    losses : the model's loss on each, shape (rows,)
    """
    if clusters.count < 2:
        return []
    step = -(-frame.height // MOST_LOOKED_AT)
    if step > 1:
        return suspect(frame.gather_every(step), columns, losses[::step], within(clusters, _every(step, frame.height)))
    look = _Look(losses, clusters)
    cuts = [cut for column in columns if column.name in frame.columns for cut in _cuts(frame[column.name], column.kind)]
    singles = [
        _Found((condition,), cut.of_row == number, float(low))
        for cut in cuts
        for number, (condition, low) in enumerate(zip(cut.conditions, look.lows(cut), strict=True))
        if low > -math.inf
    ]
    known = {one.conditions[0]: one.low for one in singles}
    best = sorted(singles, key=lambda one: -one.low)[:MOST_JOINED]
    pairs = []
    for first in best:
        for cut in cuts:
            if cut.conditions[0].column == first.conditions[0].column:
                continue
            for number, (second, low) in enumerate(zip(cut.conditions, look.lows(cut, first.mask), strict=True)):
                # A second condition must tell clearly more than either alone.
                if low > 1.1 * max(first.low, known.get(second, 0.0), 0.0):
                    pairs.append(_Found((*first.conditions, second), first.mask & (cut.of_row == number), float(low)))
    chosen: list[_Found] = []
    for one in sorted([*best, *pairs], key=lambda one: (-one.low, len(one.conditions))):
        if one.low <= 0 or len(chosen) == MOST_SUSPECTED:
            break
        if all((one.mask & other.mask).sum() < MOST_SHARED * (one.mask | other.mask).sum() for other in chosen):
            chosen.append(one)
    return [one.conditions for one in chosen]


def _every(step: int, rows: int) -> NDArray[np.bool_]:
    import numpy as np  # the command line starts without it

    return np.asarray(np.arange(rows) % step == 0)


def _cuts(values: pl.Series, kind: str) -> list[_Cut]:
    """A column cut into the conditions that are looked at."""
    if kind == "moment":
        return [*_of_moments(values), *_of_missing(values)]
    if kind == "number" and values.dtype.is_numeric():
        return [*_of_numbers(values), *_of_missing(values)]
    return [*([] if kind == "text" else _of_names(values)), *_of_missing(values)]


def _of_missing(values: pl.Series) -> list[_Cut]:
    import numpy as np  # the command line starts without it

    missing = (values.is_null() | values.is_nan() if values.dtype.is_float() else values.is_null()).to_numpy()
    return [_Cut([Condition(values.name, missing=True)], np.where(missing, 0, -1))] if missing.any() else []


def _of_moments(values: pl.Series) -> list[_Cut]:
    import numpy as np  # the command line starts without it

    name = values.name
    hours = [Condition(name, "hour", low=float(begin), high=float(begin + _HOURS)) for begin in range(0, 24, _HOURS)]
    days = [Condition(name, "weekday", low=float(day), high=float(day + 1)) for day in range(1, 8)]
    hour, weekday = (part.fill_null(-1).to_numpy().astype(np.int64) for part in (values.dt.hour(), values.dt.weekday()))
    return [_Cut(hours, np.where(hour < 0, -1, hour // _HOURS)), _Cut(days, np.where(weekday < 0, -1, weekday - 1))]


def _of_numbers(values: pl.Series) -> list[_Cut]:
    import numpy as np
    import polars as pl  # the command line starts without it

    numbers = values.cast(pl.Float64).fill_null(math.nan).to_numpy()
    known = np.isfinite(numbers)
    if not known.any():
        return []
    bounds = sorted({float(f"{cut:.3g}") for cut in np.quantile(numbers[known], CUTS)})
    conditions = [Condition(values.name, low=low, high=high) for low, high in pairwise([None, *bounds, None])]
    return [_Cut(conditions, np.where(np.isnan(numbers), -1, np.searchsorted(bounds, numbers, side="right")))]


def _of_names(values: pl.Series) -> list[_Cut]:
    import numpy as np
    import polars as pl  # the command line starts without it

    texts = values.cast(pl.String).alias("name")
    counted = texts.drop_nulls().value_counts().sort("count", "name", descending=[True, False])
    names = counted["name"].head(MOST_NAMES).to_list()
    if not names:
        return []
    codes = texts.replace_strict(names, list(range(len(names))), default=-1, return_dtype=pl.Int64).fill_null(-1)
    return [_Cut([Condition(values.name, name=one) for one in names], codes.to_numpy().astype(np.int64))]


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
            there, beside = measure.measure(scored.where(mask)), measure.measure(scored.where(~mask))
        except ValueError:
            continue
        influence = _spread(there, mask) - _spread(beside, ~mask)
        half = interval.clustered(influence, clusters.of_row, clusters.count, 1 - 0.05 / len(kept))
        gap = sign * (there.value - beside.value)
        if math.isfinite(half) and math.isfinite(gap):
            found.append(Slice(words(conditions), name, int(mask.sum()), Gain(gap, gap - half, gap + half, name), conditions))
    return tuple(sorted(found, key=lambda one: -one.behind.value))


def _spread(estimate: Estimate, mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The influence of all rows on a measure of some of them."""
    import numpy as np  # the command line starts without it

    influence = np.zeros(mask.size)
    influence[mask] = estimate.influence * (mask.size / estimate.influence.size)
    return influence
