"""Measure: everything that is asked of a candidate on rows that it never saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from keepfit import slice as slices
from keepfit.evaluation import Evaluation, Serving, evaluate_baselines, evaluate_groups
from keepfit.gate import asked
from keepfit.loop import groups
from keepfit.loop.baselines import Past, baselines
from keepfit.loop.importance import Predict, importance
from keepfit.loop.keys import numbers_of
from keepfit.loop.rows import Rows, beside, clusters, evaluate_rows, value_of
from keepfit.loop.take import Taken
from keepfit.schema import Schema
from keepfit.slice import Condition
from keepfit.task import Outputs, Scored
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

__all__ = ["Answers", "Exam", "Suspects", "exam", "measure", "past", "suspects", "with_importance"]

#: Slices that are suspected, each by its conditions; None where none were looked for.
Suspects: TypeAlias = Sequence[tuple[Condition, ...]] | None


@dataclass(frozen=True, slots=True)
class Exam:
    """The rows that candidates are measured on, and what is known of them without a model.

    `baselines` are the outputs of answers that need no model, `groups` the name of each row's group, by column.
    """

    known: Schema
    rows: Rows
    baselines: Mapping[str, Outputs]
    groups: Mapping[str, list[Any]]


@dataclass(frozen=True, slots=True)
class Answers:
    """A candidate's outputs for the rows of an exam, the threshold at which it decides, and what its answers cost."""

    candidate: str
    outputs: Outputs
    threshold: float
    serving: Serving | None = None


def past(frame: pl.DataFrame, truth: NDArray[np.float64], known: Schema) -> Past:
    """What baselines may know of rows."""
    times: NDArray[np.int64] | None = frame[known.time].cast(int).to_numpy() if known.time else None
    named = [name for name in known.key if name != known.time and name in frame.columns]
    return Past(times, truth, numbers_of(frame.select(named)) if times is not None and named else None)


def exam(
    ws: Workspace,
    rows: Rows,
    known: Schema,
    classes: tuple[Any, ...],
    *,
    learned: Past | None,
    before: Past | None,
    taken: Sequence[Taken] = (),
    full: bool = False,
) -> Exam:
    """Make an exam of rows that candidates never saw.

    Parameters
    ----------
    learned : the rows that a model learned from; without them there are no baselines
    before : every row whose truth came to be known, those of the exam included
    taken : the snapshots that the rows were read from, for columns that are kept apart
    full : whether protected columns make groups too, not only those that gates ask for
    """
    simple: Mapping[str, Outputs] = {}
    if learned is not None and before is not None and learned.truth.size:
        asked_about = past(rows.frame, rows.truth, known)
        simple = baselines(ws.task, classes, learned, before, asked_about, ws.spec.problem.label_delay)
    values = beside(ws, taken, known, rows, groups.columns(ws, known, full=full))
    return Exam(known, rows, simple, {name: groups.names(one).to_list() for name, one in values.items()})


def measure(ws: Workspace, exam: Exam, answers: Answers, suspected: Suspects = None) -> Evaluation:
    """Measure one candidate: the metrics, by group and beside baselines, and how it does in slices that were suspected."""
    task, rows, value = ws.task, exam.rows, value_of(ws)
    found = evaluate_rows(answers.candidate, task, rows, answers.outputs, exam.known, threshold=answers.threshold, value=value)
    scored = Scored(rows.truth, answers.outputs, task.decide(answers.outputs, answers.threshold), value)
    together = clusters(rows.frame, exam.known, rows.subject)
    found = evaluate_baselines(found, task, scored, together, exam.baselines)
    if exam.groups:
        found = evaluate_groups(found, task, scored, together, exam.groups, compared=_compared(ws))
    if suspected is not None:
        inside = {one: slices.inside(rows.frame, one) for one in suspected}
        found = replace(found, slices=slices.confirm(task, scored, together, inside), suspected=len(inside))
    return replace(found, serving=answers.serving)


def suspects(ws: Workspace, known: Schema, rows: Rows, outputs: Outputs) -> Suspects:
    """The slices in which a model is suspected to be weak, from rows that it was not fitted on and is not judged on."""
    together = clusters(rows.frame, known, rows.subject)
    return slices.suspect(rows.frame, known.features, ws.task.losses(rows.truth, outputs), together)


def with_importance(ws: Workspace, evaluation: Evaluation, exam: Exam, predict: Predict) -> Evaluation:
    """An evaluation with what each column is worth to the candidate."""
    return replace(evaluation, importance=importance(predict, ws.task, exam.rows, exam.known, seed=ws.spec.model.seed))


def _compared(ws: Workspace) -> dict[str, set[str]]:
    """By column the metrics in which gates may compare its groups with the champion's."""
    found: dict[str, set[str]] = {}
    for gate in ws.gates.values():
        wanted = asked(gate)
        if wanted.by is not None:
            found.setdefault(wanted.by, set()).add(wanted.metric or ws.task.selects)
    return found
