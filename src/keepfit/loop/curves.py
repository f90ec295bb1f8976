"""Curves: what scored rows look like beyond one number: by score, by threshold, over time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from keepfit.evaluation import Clusters, Evaluation, Measured
from keepfit.instant import from_micros, micros
from keepfit.measures import interval
from keepfit.task import Scored, Shown, Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Bin", "Cut", "Pile", "Stretch", "by_output", "by_threshold", "over_time", "piles", "spans"]

MOST_BINS, FEWEST_IN_BIN = 10, 40
MOST_PILES, FEWEST_PILES, ROWS_OF_PILE = 25, 8, 20
CUTS = 60
MOST_STRETCHES = 16
#: Rows of a stretch of time, on average; of fewer the plot would show noise.
FEWEST_ROWS = 100


@dataclass(frozen=True, slots=True)
class Bin:
    """Rows with neighbouring outputs: what was said on average, and what happened, with its 95 % interval.

    `clear` says that the two differ by more than chance brings about anywhere among the bins (Bonferroni).
    """

    rows: int
    said: float
    happened: float
    low: float
    high: float
    clear: bool


@dataclass(frozen=True, slots=True)
class Cut:
    """What deciding from a threshold on comes to, per 1,000 rows: how often yes, how often rightly, and its value.

    The value and its 95 % interval are None where decisions have no stated worth, or nothing is known of the variation.
    """

    threshold: float
    yes: float
    right: float
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Pile:
    """How many rows have a number in [low, high), by what tells them apart."""

    low: float
    high: float
    rows: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A metric on the rows from `begin` up to `end`, with its 95 % interval.

    `clear` says that it differs from the whole by more than chance brings about anywhere among the stretches (Bonferroni).
    """

    begin: datetime
    end: datetime
    rows: int
    measured: Measured
    clear: bool


def by_output(shown: Shown, clusters: Clusters) -> tuple[Bin, ...]:
    """What was said against what happened, over bins of equally many rows; empty for too few rows.

    The interval is the wider of the sandwich over clusters and, for a rate, Wilson's for independent rows.
    """
    import numpy as np  # the command line starts without it

    said, happened = shown.said, shown.happened
    wanted = min(MOST_BINS, said.size // FEWEST_IN_BIN)
    if wanted < 2:
        return ()
    masks = _equal_bins(said, wanted)
    found = []
    for mask in masks:
        rows, mean = int(mask.sum()), float(happened[mask].mean())
        influence = np.where(mask, happened - mean, 0.0) * (said.size / rows)
        bounds = []
        for confidence in (0.95, 1 - 0.05 / len(masks)):
            half = interval.clustered(influence, clusters.of_row, clusters.count, confidence)
            low, high = mean - half, mean + half
            if shown.is_chance:
                alone = interval.wilson(int(happened[mask].sum()), rows, confidence)
                low, high = max(0.0, min(low, alone[0])), min(1.0, max(high, alone[1]))
            bounds.append((low, high))
        if math.isfinite(bounds[1][1] - bounds[1][0]):
            average = float(said[mask].mean())
            found.append(Bin(rows, average, mean, *bounds[0], clear=not bounds[1][0] <= average <= bounds[1][1]))
    return tuple(found)


def _equal_bins(values: NDArray[np.float64], wanted: int) -> list[NDArray[np.bool_]]:
    """Masks of rows in ascending order; rows with equal values lie in one bin."""
    import numpy as np  # the command line starts without it

    edges = np.unique(np.quantile(values, np.arange(1, wanted) / wanted))
    place = np.searchsorted(edges, values, side="right")
    return [mask for number in range(edges.size + 1) if (mask := place == number).any()]


def by_threshold(task: Task, scored: Scored, shown: Shown, clusters: Clusters, chosen: float) -> tuple[Cut, ...]:
    """What decisions come to from each threshold on; empty for a task without one."""
    import numpy as np  # the command line starts without it

    if shown.score is None:
        return ()
    grid = np.unique(np.append(np.quantile(shown.score, np.linspace(0.0, 1.0, CUTS)), chosen))
    found = []
    for cut in grid.tolist():
        decided = replace(scored, decisions=task.decide(scored.outputs, cut))
        yes = np.asarray(decided.decisions, dtype=bool)
        value = low = high = None
        if scored.value is not None:
            worth = task.metrics["value"].measure(decided)
            half = interval.clustered(worth.influence, clusters.of_row, clusters.count)
            value = worth.value
            low, high = (value - half, value + half) if math.isfinite(half) else (None, None)
        found.append(Cut(cut, 1000 * float(yes.mean()), 1000 * float((yes & (shown.happened == 1)).mean()), value, low, high))
    return tuple(found)


def piles(shown: Shown) -> tuple[Pile, ...]:
    """How the numbers are distributed that a task shows, by what tells their rows apart; few that lie far out stand at the ends."""
    import numpy as np  # the command line starts without it

    parts = {name: values for name, values in shown.parts.items() if values.size}
    if not parts:
        return ()
    together = np.concatenate(list(parts.values()))
    low, high = np.quantile(together, (0.001, 0.999))
    wanted = min(MOST_PILES, max(FEWEST_PILES, together.size // ROWS_OF_PILE))
    step = _round_step((high - low) / wanted) if high > low else max(abs(float(low)) * 0.01, 0.01)
    if not math.isfinite(step) or low + step == low:
        return ()
    first = math.floor(low / step)
    edges = np.arange(first, max(first + 2, math.ceil(high / step) + 1)) * step
    last = np.nextafter(edges[-1], -np.inf)
    counts = {name: np.histogram(np.clip(values, edges[0], last), bins=edges)[0].tolist() for name, values in parts.items()}
    ends = [float(f"{edge:.12g}") for edge in edges]
    return tuple(Pile(ends[i], ends[i + 1], {name: counted[i] for name, counted in counts.items()}) for i in range(len(ends) - 1))


def _round_step(width: float) -> float:
    power = 10.0 ** math.floor(math.log10(width))
    return next(step * power for step in (1.0, 2.0, 2.5, 5.0, 10.0) if step * power >= width * (1 - 1e-9))


def over_time(evaluation: Evaluation, task: Task, scored: Scored, times: NDArray[np.int64]) -> tuple[Stretch, ...]:
    """The selecting metric over stretches of time of equal length.

    A stretch holds too few days to tell how days vary, so its interval takes the variation between all days.

    Parameters
    ----------
    evaluation : of the same rows
    times : microseconds since 1970, shape (rows,)
    """
    metric, whole = task.metrics[task.selects], evaluation.metrics.get(task.selects)
    if whole is None:
        return ()
    found, parts = [], spans(times)
    for begin, end, mask in parts:
        rows = int(mask.sum())
        try:
            value = metric.measure(scored.where(mask)).value
        except ValueError:
            continue
        # The whole's own uncertainty is small beside that of a part of it.
        half, wide = (
            interval.half_width(whole.sums, times.size, confidence) * math.sqrt(times.size / rows)
            for confidence in (0.95, 1 - 0.05 / len(parts))
        )
        known = math.isfinite(half)
        low, high = (max(metric.range[0], value - half), min(metric.range[1], value + half)) if known else (None, None)
        found.append(Stretch(begin, end, rows, Measured(value, low, high, metric.better, ()), clear=abs(value - whole.value) > wide))
    return tuple(found)


def spans(times: NDArray[np.int64]) -> list[tuple[datetime, datetime, NDArray[np.bool_]]]:
    """Stretches of whole days of equal length, with their rows: single days, or weeks, or more, whatever gives few enough.

    Empty where fewer than two stretches of enough rows come out.
    """
    import numpy as np  # the command line starts without it

    first, last = (from_micros(int(instant)) for instant in (times.min(), times.max()))
    begin = first.replace(hour=0, minute=0, second=0, microsecond=0)
    days = (last - begin).days + 1
    most = min(MOST_STRETCHES, times.size // FEWEST_ROWS)
    if most < 2 or days < 2:
        return []
    length = next((n for n in (1, 7, 14, 28) if days / n <= most), math.ceil(days / most))
    bounds = [begin + timedelta(days=length * number) for number in range(days // length)]
    bounds.append(begin + timedelta(days=days))  # the last takes the rest of the days
    found = []
    for start, stop in pairwise(bounds):
        mask = np.asarray((times >= micros(start)) & (times < micros(stop)))
        if int(mask.sum()) >= FEWEST_ROWS // 2:
            found.append((start, stop, mask))
    return found
