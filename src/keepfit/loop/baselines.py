"""Baselines: answers that need no model, which a model must beat to be worth serving."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keepfit.instant import Duration
from keepfit.split import Places
from keepfit.task import Outputs, Scored, Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Past", "baselines", "last_known", "on_folds"]


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of rows without a model: their times in microseconds since 1970, and their truth; shape (rows,)."""

    times: NDArray[np.int64] | None
    truth: NDArray[np.float64]


def baselines(task: Task, classes: tuple[Any, ...], learned: Past, known: Past, asked: Past, delay: Duration) -> Mapping[str, Outputs]:
    """The outputs of each baseline for the rows that are asked about.

    `constant` says of every row what holds of the rows learned from: the shares of the classes, or the mean.
    `last_label`, where there is time, is told for each row the truth that was known last when it was decided.

    Parameters
    ----------
    learned : the rows that a model learned from
    known : every row whose truth came to be known, those asked about included
    delay : how long after a row's time its truth is known
    """
    import numpy as np  # the command line starts without it

    rows = asked.truth.size
    found: dict[str, Outputs] = {"constant": {name: np.full(rows, said) for name, said in task.constant(learned.truth, classes).items()}}
    if known.times is not None and learned.times is not None and asked.times is not None:
        before, now = (last_known(known.times, known.truth, part.times, delay) for part in (learned, asked) if part.times is not None)
        if not np.isnan(now).all():
            found["last_label"] = task.repeated(learned.truth, before, now, classes)
    return found


def on_folds(task: Task, classes: tuple[Any, ...], truth: NDArray[np.float64], places: Places) -> float | None:
    """What a constant answer comes to on the folds, in the metric that selects; None where they do not allow it."""
    import numpy as np

    metric, found = task.metrics[task.selects], []
    for number in range(places.folds):
        fit, check = places.fold(number)
        rows = int(check.sum())
        said = {name: np.full(rows, value) for name, value in task.constant(truth[fit], classes).items()}
        try:
            found.append(metric.measure(Scored(truth[check], said, task.decide(said, task.threshold(None)), None)).value)
        except ValueError:
            return None
    mean = float(np.mean(found)) if found else float("nan")
    return mean if np.isfinite(mean) else None


def last_known(times: NDArray[np.int64], truth: NDArray[np.float64], at: NDArray[np.int64], delay: Duration) -> NDArray[np.float64]:
    """The truth of the newest row whose truth is known at each instant, NaN where there is none; shape of `at`.

    A row is never told its own truth, nor that of a row at its own instant.
    """
    import numpy as np  # the command line starts without it

    order = np.argsort(times, kind="stable")
    place = np.searchsorted(times[order] + max(1, delay.microseconds), at, side="right") - 1
    return np.asarray(np.where(place < 0, np.nan, truth[order][np.maximum(place, 0)]))
