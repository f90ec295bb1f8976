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


#: A key that is seen more rarely than this says little about its next row.
_ROWS_OF_KEY = 5


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of rows without a model: their times in microseconds since 1970, and their truth; shape (rows,).

    `key` is a number that follows from the row's key without its time: of the shop whose sales are foretold every day.
    """

    times: NDArray[np.int64] | None
    truth: NDArray[np.float64]
    key: NDArray[np.uint64] | None = None

    def and_(self, more: Past) -> Past:
        """These rows and others."""
        import numpy as np  # the command line starts without it

        times = np.concatenate([self.times, more.times]) if self.times is not None and more.times is not None else None
        key = np.concatenate([self.key, more.key]) if self.key is not None and more.key is not None else None
        return Past(times, np.concatenate([self.truth, more.truth]), key)


def baselines(task: Task, classes: tuple[Any, ...], learned: Past, known: Past, asked: Past, delay: Duration) -> Mapping[str, Outputs]:
    """The outputs of each baseline for the rows that are asked about.

    `constant` says of every row what holds of the rows learned from: the shares of the classes, or the mean.
    `last_label`, where there is time, is told for each row the truth that was known last when it was decided;
    `last_label_of_key` the one that was known last under its own key, where keys come again and again.

    Parameters
    ----------
    learned : the rows that a model learned from
    known : every row whose truth came to be known, those asked about included
    delay : how long after a row's time its truth is known
    """
    import numpy as np  # the command line starts without it

    rows = asked.truth.size
    found: dict[str, Outputs] = {"constant": {name: np.full(rows, said) for name, said in task.constant(learned.truth, classes).items()}}
    for name, of_key in (("last_label", False), ("last_label_of_key", True)):
        if known.times is None or learned.times is None or asked.times is None or (of_key and not _comes_again(learned)):
            continue
        before, now = (last_known(known, part, delay, of_key=of_key) for part in (learned, asked))
        if np.isnan(now).mean() < (0.5 if of_key else 1.0):
            found[name] = task.repeated(learned.truth, before, now, classes)
    return found


def _comes_again(learned: Past) -> bool:
    import numpy as np  # the command line starts without it

    return learned.key is not None and 1 < np.unique(learned.key).size <= learned.key.size / _ROWS_OF_KEY


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


def last_known(known: Past, asked: Past, delay: Duration, *, of_key: bool = False) -> NDArray[np.float64]:
    """The newest truth that was known when each row was decided, NaN where there was none; shape of `asked`.

    A row is never told its own truth, nor that of a row at its own instant. With `of_key` only rows under the same
    key tell each other.
    """
    import numpy as np  # the command line starts without it

    assert known.times is not None
    assert asked.times is not None
    due, at = known.times + max(1, delay.microseconds), asked.times
    instants, place = np.unique(np.concatenate([due, at]), return_inverse=True)
    if of_key and known.key is not None and asked.key is not None:
        # One number for key and instant, in the order of both.
        _, code = np.unique(np.concatenate([known.key, asked.key]), return_inverse=True)
        place = code * (instants.size + 1) + place
    else:
        code = np.zeros(place.size, dtype=np.int64)
    order = np.argsort(place[: due.size], kind="stable")
    last = np.searchsorted(place[: due.size][order], place[due.size :], side="right") - 1
    found = order[np.maximum(last, 0)]
    told = (last >= 0) & (code[: due.size][found] == code[due.size :])
    return np.asarray(np.where(told, known.truth[found], np.nan))
