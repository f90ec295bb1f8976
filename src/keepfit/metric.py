"""A metric's value: measured with its interval on rows of which some belong together, and compared pair by pair."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from keepfit.measures import interval
from keepfit.task import Metric, Scored, Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from keepfit.measures.quality import Estimate

__all__ = ["Clusters", "Gain", "Measured", "Unit", "gain", "measure", "number", "within"]

#: What belongs together among rows: whole days, whole subjects; `key` where every row stands alone.
Unit: TypeAlias = Literal["day", "subject", "key"]


def number(value: float) -> str:
    """A number for people: four digits, and whole where it is large.

    >>> number(0.73456), number(-71197.7)
    ('0.7346', '-71,198')
    """
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


@dataclass(frozen=True, slots=True)
class Measured:
    """A metric's value with its 95 % interval; the bounds are None where nothing is known of the variation.

    `sums` holds the influence on the value, summed within each cluster, so that two evaluations of the
    same rows can be compared pair by pair; it is empty for groups.
    """

    value: float
    low: float | None
    high: float | None
    better: Literal["higher", "lower"]
    sums: tuple[float, ...]

    def __str__(self) -> str:
        if self.low is None or self.high is None:
            return number(self.value)
        return f"{number(self.value)} [{number(self.low)}, {number(self.high)}]"


@dataclass(frozen=True, slots=True)
class Gain:
    """How much better one candidate is than another on the same rows, with a 95 % interval; above 0 is better.

    The bounds are infinite where nothing is known of the variation; such a gain is not stored.
    """

    value: float
    low: float
    high: float
    metric: str = ""

    def __str__(self) -> str:
        known = math.isfinite(self.high - self.low)
        largest = max(map(abs, (self.value, self.low, self.high))) if known else abs(self.value)
        size = math.floor(math.log10(largest)) if largest > 0 else -1
        digits = 4 if -3 <= size <= 0 else max(0, 2 - size)
        # Adding zero takes the sign from a rounded nothing.
        value, low, high = (round(bound, digits) + 0.0 for bound in (self.value, self.low, self.high))
        return f"{value:+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}]" if known else f"{value:+.{digits}f}"


@dataclass(frozen=True, slots=True)
class Clusters:
    """Rows that belong together: of which `unit`, and each row's cluster, shape (rows,)."""

    unit: Unit
    of_row: NDArray[np.int64]
    count: int


def gain(
    mine: Measured, theirs: Measured, rows: int, metric: str, *, confidence: float = 0.95, equal_clusters: float | None = None
) -> Gain:
    """The paired gain of one measured value over another of the same rows, more being better."""
    sign = 1.0 if mine.better == "higher" else -1.0
    value = sign * (mine.value - theirs.value)
    paired = len(mine.sums) == len(theirs.sums)  # else nothing is known of the variation
    sums = [a - b for a, b in zip(mine.sums, theirs.sums, strict=True)] if paired else []
    half = interval.half_width(sums, rows, confidence, equal_clusters=equal_clusters)
    return Gain(value, value - half, value + half, metric)


def measure(
    task: Task, scored: Scored, clusters: Clusters, *, confidence: float = 0.95, keep_sums: Collection[str] | None = None
) -> tuple[dict[str, Measured], dict[str, str]]:
    """Every metric that the rows allow, and why the others are left out; sums are kept of all metrics or those named."""
    metrics: dict[str, Measured] = {}
    left_out: dict[str, str] = {}
    for name, metric in task.metrics.items():
        if name == "value" and scored.value is None:
            continue
        if not scored.truth.size:
            left_out[name] = "there are no rows"
            continue
        try:
            estimate = metric.measure(scored)
        except ValueError as error:
            left_out[name] = str(error)
            continue
        sums = interval.cluster_sums(estimate.influence, clusters.of_row, clusters.count)
        low, high = _bounds(metric, estimate, sums, clusters, confidence)
        if not all(map(math.isfinite, (estimate.value, low or 0.0, high or 0.0, *sums))):
            left_out[name] = "an output is not a number"
            continue
        kept = tuple(sums.tolist()) if keep_sums is None or name in keep_sums else ()
        metrics[name] = Measured(estimate.value, low, high, metric.better, kept)
    return metrics, left_out


def _bounds(
    metric: Metric, estimate: Estimate, sums: NDArray[np.float64], clusters: Clusters, confidence: float
) -> tuple[float, float] | tuple[None, None]:
    """The interval of rows that stand alone; where they belong together, the one over clusters, and never narrower than that.

    None where every row says the same, as when all predictions are equal: nothing is known of the variation.
    """
    import numpy as np  # the command line starts without it

    alone = estimate.alone(confidence) if estimate.alone is not None else None
    if alone is not None and clusters.unit == "key":
        return alone
    varies = float(np.abs(estimate.influence).max(initial=0.0)) > 1e-12 * max(1.0, abs(estimate.value))
    rows = estimate.influence.size
    half = interval.half_width(sums, rows, confidence, equal_clusters=interval.effective(clusters.of_row, clusters.count))
    if not math.isfinite(half) or (alone is None and not varies):
        return None, None
    low, high = alone or (estimate.value, estimate.value)
    return max(metric.range[0], min(low, estimate.value - half)), min(metric.range[1], max(high, estimate.value + half))


def within(clusters: Clusters, mask: NDArray[np.bool_]) -> Clusters:
    """The clusters of some of the rows, those without a row left out."""
    import numpy as np  # the command line starts without it

    known, of_row = np.unique(clusters.of_row[mask], return_inverse=True)
    return Clusters(clusters.unit, of_row.astype(np.int64), known.size)
