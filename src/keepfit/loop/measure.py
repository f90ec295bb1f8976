"""Measure: everything that is asked of a candidate on rows that it never saw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from keepfit.evaluation import Evaluation, evaluate_baselines, evaluate_groups
from keepfit.loop import groups
from keepfit.loop.baselines import Past, baselines
from keepfit.loop.importance import importance
from keepfit.loop.rows import Rows, beside, clusters, evaluate_rows, value_of
from keepfit.loop.take import Taken
from keepfit.schema import Schema
from keepfit.task import Outputs, Scored
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

__all__ = ["Exam", "measure", "past"]


@dataclass(frozen=True, slots=True)
class Exam:
    """What a candidate is measured with.

    `rows` are those that it never saw, read from `taken`, and `outputs` its answers for them; `learned` is what is
    known of the rows that it learned from, `past` of every row with a known truth. `predict` gives its outputs for
    other tables of the same columns.
    """

    known: Schema
    taken: list[Taken]
    classes: tuple[Any, ...]
    rows: Rows
    outputs: Outputs
    threshold: float
    learned: Past
    past: Past
    predict: Callable[[pl.DataFrame], Outputs]


def past(rows: Rows, known: Schema) -> Past:
    """What baselines may know of rows."""
    times: NDArray[np.int64] | None = rows.frame[known.time].cast(int).to_numpy() if known.time else None
    return Past(times, rows.truth)


def measure(ws: Workspace, exam: Exam, *, full: bool) -> Evaluation:
    """Measure a candidate: the metrics, baselines, and groups that gates ask for; in `full`, whatever else is known how to.

    Raises
    ------
    Faults
        A gate asks for groups that are not there.
    """
    task, rows, value = ws.task, exam.rows, value_of(ws)
    found = evaluate_rows("", task, rows, exam.outputs, exam.known, threshold=exam.threshold, value=value)
    scored = Scored(rows.truth, exam.outputs, task.decide(exam.outputs, exam.threshold), value)
    together = clusters(rows.frame, exam.known, rows.subject)
    asked = past(rows, exam.known)
    simple = baselines(task, exam.classes, exam.learned, exam.past, asked, ws.spec.problem.label_delay)
    found = evaluate_baselines(found, task, scored, together, simple)
    if by := groups.columns(ws, exam.known, full=full):
        values = beside(ws, exam.taken, exam.known, rows, by)
        named = {name: groups.names(one).to_list() for name, one in values.items()}
        found = evaluate_groups(found, task, scored, together, named)
    if full:
        found = replace(found, importance=importance(exam.predict, task, rows, exam.known, seed=ws.spec.model.seed))
    return found
