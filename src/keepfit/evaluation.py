"""An evaluation: what was measured of a candidate, with intervals, on rows that it never saw."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

from keepfit import errors
from keepfit.measures import interval
from keepfit.metric import Clusters, Gain, Measured, Unit, gain, measure, within
from keepfit.task import Outputs, Scored, Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from keepfit.measures.quality import Estimate

__all__ = [
    "Clusters",
    "Evaluation",
    "Gain",
    "Group",
    "Importance",
    "Measured",
    "Rest",
    "Serving",
    "Slice",
    "Unit",
    "evaluate",
    "evaluate_baselines",
    "evaluate_groups",
    "evaluate_slices",
    "serving",
    "unmeasured",
]

#: A metric's value in a group needs so many rows.
FEWEST_IN_GROUP = 30
#: Of a column with more groups, the largest are measured.
MOST_GROUPS = 50


@dataclass(frozen=True, slots=True)
class Group:
    """What was measured on the rows with one value of a column; intervals hold for all groups of the column together."""

    count: int
    metrics: Mapping[str, Measured]


@dataclass(frozen=True, slots=True)
class Slice:
    """Rows in which a candidate was suspected to be weak, and how far it is behind the other rows there, in `metric`.

    `behind` is above 0 where the candidate is worse within; its interval holds for all slices together.
    """

    where: str
    metric: str
    count: int
    behind: Gain


@dataclass(frozen=True, slots=True)
class Rest:
    """The groups of a column that are too small to be measured: how many, and their rows together."""

    groups: int
    rows: int


@dataclass(frozen=True, slots=True)
class Importance:
    """What the mean loss rises by when a column's values are shuffled among the rows, with its 95 % interval.

    In the unit of the task's loss; around 0 for a column that the model does without. Columns that say the same
    share what they say: shuffling one of them alone shows little. The bounds are None where nothing is known of
    the variation.
    """

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Serving:
    """What answering costs: the bytes of the model's files, and microseconds for one row, over `rows` answers.

    `slow` is the time that 99 of 100 answers keep to, between `slow_low` and `slow_high` with 95 % confidence;
    `slow_high` is None where too few answers were timed.
    """

    size: int
    rows: int
    median: float
    slow: float
    slow_low: float
    slow_high: float | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was measured of one candidate on one set of rows.

    `rows` digests the rows' identity and truth: evaluations with the same `rows` may be compared. `clusters` counts
    the days, subjects or rows that belong together, `equal_clusters` as how many of one size they count. `counts` holds
    what the decisions came to, `expected` and `happened` what the outputs said on average and what was true (None
    without rows). `selects` is the metric by which candidates compete. `left_out` says why a metric could not be
    measured. `groups` holds the metrics by column and value, `rest` the groups that are too few rows, `baselines`
    the metrics of answers that need no model, on the same rows, by name, and `importance` what each column is worth
    to the candidate. These, `slices` and `serving` are empty where they were not measured.
    """

    record: ClassVar[str] = "evaluation"
    version: ClassVar[int] = 2

    candidate: str
    rows: str
    count: int
    unit: Unit
    clusters: int
    metrics: Mapping[str, Measured]
    counts: Mapping[str, int]
    threshold: float
    task: str = "binary"
    selects: str = "log_loss"
    expected: float | None = None
    happened: float | None = None
    groups: Mapping[str, Mapping[str, Group]] = field(default_factory=dict)
    slices: tuple[Slice, ...] = ()
    baselines: Mapping[str, Mapping[str, Measured]] = field(default_factory=dict)
    serving: Serving | None = None
    equal_clusters: float | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)
    rest: Mapping[str, Rest] = field(default_factory=dict)
    importance: Mapping[str, Importance] = field(default_factory=dict)

    def __getitem__(self, metric: str) -> Measured:
        return self.metrics[metric]

    def gain_over(self, other: Evaluation, metric: str) -> Gain:
        """The paired gain over another candidate on the same rows, more being better.

        Raises
        ------
        BrokenFile
            The two were not measured on the same rows.
        """
        if self.rows != other.rows:
            raise errors.BrokenFile("two candidates were measured on different rows", at=f"{self.candidate}, {other.candidate}")
        return gain(self.metrics[metric], other.metrics[metric], self.count, metric, equal_clusters=self.equal_clusters)

    def gain_over_baseline(self, baseline: str, metric: str) -> Gain:
        """The paired gain over a baseline on the same rows, more being better."""
        return gain(self.metrics[metric], self.baselines[baseline][metric], self.count, metric, equal_clusters=self.equal_clusters)


def unmeasured(candidate: str, beside: Evaluation) -> Evaluation:
    """The evaluation of a candidate for which no row was left, to stand beside another's."""
    none = Evaluation(candidate, beside.rows, 0, beside.unit, 0, {}, {}, beside.threshold)
    return replace(none, task=beside.task, selects=beside.selects)


def evaluate(candidate: str, task: Task, scored: Scored, clusters: Clusters, *, rows: str, threshold: float) -> Evaluation:
    """Measure every metric of the task; those that the rows do not allow are left out.

    Rows of which each stands alone (`unit` is `key`) have the intervals of independent rows where a metric has one;
    what belongs together has the sandwich over clusters.
    """
    metrics, left_out = measure(task, scored, clusters)
    rates = task.rates(scored) if scored.truth.size else (math.nan, math.nan)
    expected, happened = rates if all(map(math.isfinite, rates)) else (None, None)
    return Evaluation(
        candidate=candidate,
        rows=rows,
        count=int(scored.truth.size),
        unit=clusters.unit,
        clusters=clusters.count,
        equal_clusters=interval.effective(clusters.of_row, clusters.count) if scored.truth.size else None,
        metrics=metrics,
        counts=task.counts(scored),
        threshold=threshold,
        task=_name_of(task),
        selects=task.selects,
        expected=expected,
        happened=happened,
        left_out=left_out,
    )


def evaluate_baselines(
    evaluation: Evaluation, task: Task, scored: Scored, clusters: Clusters, outputs: Mapping[str, Outputs]
) -> Evaluation:
    """An evaluation with what answers that need no model come to on its rows.

    Parameters
    ----------
    scored, clusters : those that `evaluate` was given
    outputs : the outputs of each baseline for these rows, by its name; they are decided at the threshold that
        `value` implies
    """
    cut = task.threshold(scored.value)
    found = {
        name: measure(task, Scored(scored.truth, said, task.decide(said, cut), scored.value), clusters)[0] for name, said in outputs.items()
    }
    return replace(evaluation, baselines={**evaluation.baselines, **found})


def evaluate_groups(
    evaluation: Evaluation,
    task: Task,
    scored: Scored,
    clusters: Clusters,
    columns: Mapping[str, Sequence[Any]],
    *,
    fewest: int = FEWEST_IN_GROUP,
) -> Evaluation:
    """An evaluation with its metrics by group.

    The intervals of a column's groups hold together with 95 % (Bonferroni), so that looking at many finds no more
    by chance. Of groups of fewer than `fewest` rows, and of those beyond the 50 largest, only the number is kept, as
    few people hide in few rows; what a group's rows do not allow is left out.

    Parameters
    ----------
    scored, clusters : those that `evaluate` was given
    columns : the name of each row's group, by column; None is a group of its own, `missing`
    """
    import numpy as np  # the command line starts without it

    found: dict[str, dict[str, Group]] = {}
    rest: dict[str, Rest] = {}
    for column, values in columns.items():
        known, place, count = np.unique(
            ["missing" if value is None else str(value) for value in values], return_inverse=True, return_counts=True
        )
        large = sorted(np.flatnonzero(count >= fewest).tolist(), key=lambda at: -int(count[at]))[:MOST_GROUPS]
        confidence = 1 - 0.05 / max(1, len(large))
        found[column] = {}
        for at in sorted(large):
            mask = np.asarray(place == at)
            metrics, _ = measure(task, scored.where(mask), within(clusters, mask), confidence=confidence, keep_sums=False)
            found[column][str(known[at])] = Group(int(count[at]), metrics)
        if len(large) < known.size:
            rest[column] = Rest(known.size - len(large), int(count.sum() - count[large].sum()))
    return replace(evaluation, groups={**evaluation.groups, **found}, rest={**evaluation.rest, **rest})


def evaluate_slices(
    evaluation: Evaluation,
    task: Task,
    scored: Scored,
    clusters: Clusters,
    suspected: Mapping[str, NDArray[np.bool_]],
    *,
    metric: str | None = None,
    fewest: int = FEWEST_IN_GROUP,
) -> Evaluation:
    """An evaluation with how far the candidate is behind in slices that were suspected elsewhere, worst first.

    A slice must have been found on other rows, as on out-of-fold predictions: one found here would look worse than
    it is. The intervals hold together with 95 % (Bonferroni); slices in which, or beside which, fewer than
    `fewest` rows lie are left out.

    Parameters
    ----------
    scored, clusters : those that `evaluate` was given
    suspected : for each slice, in words, which rows lie within; shape (rows,)
    metric : by default the one by which candidates compete
    """
    name = metric or task.selects
    measure, rows = task.metrics[name], scored.truth.size
    sign = -1.0 if measure.better == "higher" else 1.0
    kept = {where: mask for where, mask in suspected.items() if fewest <= int(mask.sum()) <= rows - fewest}
    found = []
    for where, mask in kept.items():
        try:
            within, beside = measure.measure(scored.where(mask)), measure.measure(scored.where(~mask))
        except ValueError:
            continue
        influence = _spread(within, mask) - _spread(beside, ~mask)
        half = interval.clustered(influence, clusters.of_row, clusters.count, 1 - 0.05 / len(kept))
        if not math.isfinite(half):
            continue
        gap = sign * (within.value - beside.value)
        found.append(Slice(where, name, int(mask.sum()), Gain(gap, gap - half, gap + half, name)))
    return replace(evaluation, slices=tuple(sorted(found, key=lambda one: -one.behind.value)))


def serving(size: int, durations: Sequence[float]) -> Serving:
    """What answering costs, from the model's bytes and the microseconds of single answers.

    The bounds of the 99th percentile are order statistics: Hahn and Meeker (1991), Statistical Intervals, section 5.2.

    Raises
    ------
    ValueError
        Nothing was timed.
    """
    from scipy.special import bdtr  # a quarter of a second, which only a measurement needs

    ordered = sorted(durations)
    rows = len(ordered)
    if rows == 0:
        raise ValueError("no answer was timed")
    # The r-th smallest lies above the percentile with probability P(fewer than r of the answers lie below it).
    below = max((rank for rank in range(1, rows + 1) if bdtr(rank - 1, rows, 0.99) <= 0.025), default=0)
    above = next((rank for rank in range(1, rows + 1) if bdtr(rank - 1, rows, 0.99) >= 0.975), None)
    return Serving(
        size=size,
        rows=rows,
        median=ordered[rows // 2],
        slow=ordered[min(rows - 1, math.ceil(0.99 * rows) - 1)],
        slow_low=ordered[below - 1] if below else 0.0,
        slow_high=ordered[above - 1] if above else None,
    )


def _name_of(task: Task) -> str:
    """The name under which a task is found: its kind, or where it lies when it is not one of ours."""
    kind = type(task)
    return task.kind if kind.__module__.startswith("keepfit.tasks.") else f"{kind.__module__}:{kind.__qualname__}"


def _spread(estimate: Estimate, mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The influence of all rows on a measure of some of them."""
    import numpy as np  # the command line starts without it

    influence = np.zeros(mask.size)
    influence[mask] = estimate.influence * (mask.size / estimate.influence.size)
    return influence
