"""Importance: how much worse a model gets when a column tells it nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from keepfit.evaluation import Importance
from keepfit.loop.rows import Rows, clusters
from keepfit.measures.interval import clustered
from keepfit.schema import Schema
from keepfit.task import Outputs, Task

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

__all__ = ["Predict", "importance"]

#: A model's outputs for a table.
Predict: TypeAlias = "Callable[[pl.DataFrame], Outputs]"

MOST_ROWS = 2000
#: A wide table gets fewer rows, down to the fewest that tell anything; a wider one is left alone.
FEWEST_ROWS = 120
#: Rows that are predicted in all, over columns and shuffles.
MOST_PREDICTED = 60_000
#: Rows that are predicted at once.
MOST_TOGETHER = 20_000
#: Shuffles of one column, whose losses are averaged.
MOST_SHUFFLES = 5


def importance(predict: Predict, task: Task, rows: Rows, known: Schema, *, seed: int = 0) -> Mapping[str, Importance]:
    """The permutation importance of every feature, as it stands in the table, by column.

    Whole days (or what else belongs together) make the interval, which covers the choice of rows. Breiman (2001),
    Machine Learning 45, 5-32; Fisher, Rudin and Dominici (2019), J. Machine Learning Research 20(177), 1-81.

    Parameters
    ----------
    rows : rows that the model did not learn from; of more than 2,000 as many are drawn

    Returns
    -------
    mapping
        Empty with fewer than two rows, and for tables so wide that it would take too long.
    """
    import numpy as np  # the command line starts without it

    columns = [column.name for column in known.features if column.name in rows.frame.columns]
    wanted = min(MOST_ROWS, MOST_PREDICTED // max(1, len(columns)))
    if rows.count < 2 or wanted < FEWEST_ROWS:
        return {}
    draw = np.random.default_rng(seed)
    if rows.count > wanted:
        kept = np.zeros(rows.count, dtype=bool)
        kept[draw.choice(rows.count, wanted, replace=False)] = True
        rows = rows.where(kept)
    together = clusters(rows.frame, known, rows.subject)
    before = task.losses(rows.truth, predict(rows.frame))
    times = max(1, min(MOST_SHUFFLES, MOST_PREDICTED // (rows.count * max(1, len(columns)))))
    shuffles = [draw.permutation(rows.count) for _ in range(times)]
    found = {}
    for name, losses in _shuffled(predict, task, rows, columns, shuffles):
        rise = losses.mean(axis=0) - before
        # The last bits of an exponential depend on where a row stands in a table: they are no rise.
        rise[np.abs(rise) <= 1e-12 * (1 + np.abs(before))] = 0.0
        value = float(rise.mean())
        half = clustered(rise - value, together.of_row, together.count)
        if math.isfinite(value):
            found[name] = Importance(value, value - half, value + half) if math.isfinite(half) else Importance(value, None, None)
    return found


def _shuffled(
    predict: Predict, task: Task, rows: Rows, columns: Sequence[str], shuffles: Sequence[NDArray[np.int64]]
) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Each column with the losses when it is shuffled, shape (shuffles, rows).

    Tables are put together and predicted at once: with many columns of few rows, each prediction's own cost prevails.
    """
    import numpy as np  # the command line starts without it
    import polars as pl

    together = max(1, MOST_TOGETHER // (rows.count * len(shuffles)))
    for begin in range(0, len(columns), together):
        some = columns[begin : begin + together]
        tables = [rows.frame.with_columns(rows.frame[name].gather(order)) for name in some for order in shuffles]
        losses = task.losses(np.tile(rows.truth, len(tables)), predict(pl.concat(tables, how="vertical", rechunk=True)))
        yield from zip(some, losses.reshape(len(some), len(shuffles), rows.count), strict=True)
