"""An evaluation: what was measured of a candidate, with intervals, on rows that it never saw."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from keepfit import errors
from keepfit.measures import interval
from keepfit.task import Scored, Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Clusters", "Evaluation", "Gain", "Measured", "evaluate", "unmeasured"]


@dataclass(frozen=True, slots=True)
class Measured:
    """A metric's value with its 95 % interval; the bounds are None where nothing is known of the variation.

    `sums` holds the influence on the value, summed within each cluster, so that two evaluations of the
    same rows can be compared pair by pair.
    """

    value: float
    low: float | None
    high: float | None
    better: Literal["higher", "lower"]
    sums: tuple[float, ...]

    def __str__(self) -> str:
        return f"{self.value:.4g}" if self.low is None else f"{self.value:.4g} [{self.low:.4g}, {self.high:.4g}]"


@dataclass(frozen=True, slots=True)
class Gain:
    """How much better one candidate is than another on the same rows, with a 95 % interval; above 0 is better."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        # Adding zero takes the sign from a rounded nothing.
        value, low, high = (round(bound, 4) + 0.0 for bound in (self.value, self.low, self.high))
        return f"{value:+.4f} [{low:+.4f}, {high:+.4f}]"


@dataclass(frozen=True, slots=True)
class Clusters:
    """Rows that belong together: of which `unit`, and each row's cluster, shape (rows,)."""

    unit: Literal["day", "subject", "key"]
    of_row: NDArray[np.int64]
    count: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was measured of one candidate on one set of rows.

    `rows` digests the rows' identity and truth: evaluations with the same `rows` may be compared. `positives`
    counts rows with the value to find, `counts` what the decisions came to. `predicted` is the mean output.
    """

    record: ClassVar[str] = "evaluation"
    version: ClassVar[int] = 1

    candidate: str
    rows: str
    count: int
    positives: int
    predicted: float
    unit: Literal["day", "subject", "key"]
    clusters: int
    metrics: Mapping[str, Measured]
    counts: Mapping[str, int]
    threshold: float

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
        mine, theirs = self.metrics[metric], other.metrics[metric]
        sign = 1.0 if mine.better == "higher" else -1.0
        value = sign * (mine.value - theirs.value)
        half = interval.half_width([a - b for a, b in zip(mine.sums, theirs.sums, strict=True)], self.count)
        return Gain(value, value - half, value + half)


def unmeasured(candidate: str, beside: Evaluation) -> Evaluation:
    """The evaluation of a candidate for which no row was left, to stand beside another's."""
    return replace(beside, candidate=candidate, count=0, positives=0, predicted=0.0, clusters=0, metrics={}, counts={})


def evaluate(candidate: str, task: Task, scored: Scored, clusters: Clusters, *, rows: str, threshold: float) -> Evaluation:
    """Measure every metric of the task; those that the rows do not allow are left out."""
    metrics: dict[str, Measured] = {}
    for name, metric in task.metrics.items():
        if name == "value" and scored.value is None:
            continue
        try:
            estimate = metric.measure(scored)
        except ValueError:
            continue
        sums = interval.cluster_sums(estimate.influence, clusters.of_row, clusters.count)
        half = interval.half_width(sums, scored.truth.size)
        known = math.isfinite(half)
        low, high = (max(metric.range[0], estimate.value - half), min(metric.range[1], estimate.value + half)) if known else (None, None)
        metrics[name] = Measured(estimate.value, low, high, metric.better, tuple(sums.tolist()))
    return Evaluation(
        candidate=candidate,
        rows=rows,
        count=int(scored.truth.size),
        positives=int(scored.truth.sum()),
        predicted=float(scored.outputs["score"].mean()) if scored.truth.size else 0.0,
        unit=clusters.unit,
        clusters=clusters.count,
        metrics=metrics,
        counts=task.counts(scored),
        threshold=threshold,
    )
