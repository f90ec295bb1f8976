"""An evaluation: what was measured of a candidate, with intervals, on rows that it never saw."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

from keepfit import errors
from keepfit.measures import interval
from keepfit.metric import Clusters, Gain, Measured, Unit, gain, measure, within
from keepfit.slice import Slice
from keepfit.task import Outputs, Scored, Task

if TYPE_CHECKING:
    pass

__all__ = [
    "BASELINES",
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
    "serving",
    "unmeasured",
]

#: The baselines that come with the package, for people.
BASELINES: Mapping[str, str] = {
    "constant": "a constant answer",
    "last_label": "the last known label",
    "last_label_of_key": "the last known label under the same key",
}
#: A metric's value in a group needs so many rows.
FEWEST_IN_GROUP = 30
#: Of a column with more groups, the largest are measured.
MOST_GROUPS = 50


@dataclass(frozen=True, slots=True)
class Group:
    """What was measured on the rows with one value of a column; intervals hold for all groups of the column together."""

    count: int
    metrics: Mapping[str, Measured]
    equal_clusters: float | None = None


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
    """What answering costs: the bytes of the model's files, and microseconds of processor time for one row, over `rows` answers.

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
    to the candidate. `suspected` is how many slices were, None where none were looked for; `slices` holds those with
    rows enough to tell. What was not measured is empty.
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
    suspected: int | None = None
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

    def known_gain_over(self, other: Evaluation, metric: str) -> Gain | None:
        """The same; None where the metric was not measured of both, or nothing is known of the variation."""
        if metric not in self.metrics or metric not in other.metrics:
            return None
        found = self.gain_over(other, metric)
        return found if math.isfinite(found.high - found.low) else None

    def gains_by_group(self, other: Evaluation, metric: str, column: str) -> dict[str, Gain]:
        """The paired gain over another candidate in each group of a column; intervals hold for all groups together.

        Groups for which the metric was not kept for comparing are left out.
        """
        if self.rows != other.rows:
            raise errors.BrokenFile("two candidates were measured on different rows", at=f"{self.candidate}, {other.candidate}")
        mine, theirs = self.groups.get(column, {}), other.groups.get(column, {})
        found = {}
        for name, group in mine.items():
            ours, others = group.metrics.get(metric), theirs[name].metrics.get(metric) if name in theirs else None
            if ours is not None and others is not None and ours.sums and len(ours.sums) == len(others.sums):
                confidence = 1 - 0.05 / len(mine)
                found[name] = gain(ours, others, group.count, metric, confidence=confidence, equal_clusters=group.equal_clusters)
        return found

    def gain_over_baseline(self, baseline: str, metric: str) -> Gain:
        """The paired gain over a baseline on the same rows, more being better."""
        return gain(self.metrics[metric], self.baselines[baseline][metric], self.count, metric, equal_clusters=self.equal_clusters)


def unmeasured(candidate: str, beside: Evaluation, why: str = "no row was left to measure it on") -> Evaluation:
    """The evaluation of a candidate for which too few rows were left, to stand beside another's; `left_out` says why of `rows`."""
    none = Evaluation(candidate, beside.rows, 0, beside.unit, 0, {}, {}, beside.threshold)
    return replace(none, task=beside.task, selects=beside.selects, left_out={"rows": why})


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
    compared: Mapping[str, Collection[str]] | None = None,
) -> Evaluation:
    """An evaluation with its metrics by group.

    The intervals of a column's groups hold together with 95 % (Bonferroni), so that looking at many finds no more
    by chance. Of groups of fewer than `fewest` rows, and of those beyond the 50 largest, only the number is kept, as
    few people hide in few rows; what a group's rows do not allow is left out.

    Parameters
    ----------
    scored, clusters : those that `evaluate` was given
    columns : the name of each row's group, by column; None is a group of its own, `missing`
    compared : by column the metrics in which groups will be compared with another candidate's
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
            together = within(clusters, mask)
            metrics, _ = measure(task, scored.where(mask), together, confidence=confidence, keep_sums=(compared or {}).get(column, ()))
            found[column][str(known[at])] = Group(int(count[at]), metrics, interval.effective(together.of_row, together.count))
        if len(large) < known.size:
            rest[column] = Rest(known.size - len(large), int(count.sum() - count[large].sum()))
    return replace(evaluation, groups={**evaluation.groups, **found}, rest={**evaluation.rest, **rest})


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
