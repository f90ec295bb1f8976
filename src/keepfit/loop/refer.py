"""Refer: what the windows of a release are compared with, kept when its candidate is fitted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from keepfit.candidate import Candidate
from keepfit.instant import Duration
from keepfit.ledger import Entry
from keepfit.loop.rows import Rows
from keepfit.reference import About, Blocks, Reference, cut, in_blocks
from keepfit.schema import Column, Schema
from keepfit.task import Outputs, Task
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import polars as pl

__all__ = ["DECISION", "LABEL", "answer_columns", "answers", "as_text", "refer", "reference_of"]

#: The columns of answers beside the task's output fields.
DECISION, LABEL = "decision", "label"


def refer(ws: Workspace, candidate: Candidate, known: Schema, rows: pl.DataFrame, unseen: Sequence[tuple[Rows, Outputs]]) -> Reference:
    """What a candidate was asked with in the rows that it was made from, and what it answered for those it never saw.

    Parameters
    ----------
    rows : every row with a known target
    unseen : rows that the model was not fitted on, each with its outputs for them
    """
    import polars as pl  # the command line starts without it

    features: list[tuple[Column, About]] = [(column, "feature") for column in known.features]
    asked = _in_blocks(ws, rows, known, features)
    tables = []
    for some, outputs in unseen:
        table = answers(ws.task, outputs, some.frame[known.target], candidate.classes, candidate.threshold)
        tables.append(table.with_columns(some.frame[known.time]) if known.time is not None else table)
    together = pl.concat(tables, how="vertical") if tables else None
    if together is None or together.height == 0:
        return Reference(asked)
    return Reference(asked, _in_blocks(ws, together, known, answer_columns(ws.task, candidate.classes)))


def reference_of(ws: Workspace, fitted: Entry) -> Reference | None:
    """The reference that the entry of a fit names; None for a candidate that an older keepfit fitted."""
    name = fitted.body["artifacts"].get("reference")
    return ws.artifacts.get_record(Reference, name) if name else None


def answers(task: Task, outputs: Outputs, target: pl.Series, classes: Sequence[Any], threshold: float) -> pl.DataFrame:
    """A table of answers and of what came true: the output fields, and for a task with classes the decision."""
    import polars as pl  # the command line starts without it

    said: dict[str, Any] = {field: pl.Series(field, values) for field, values in outputs.items()}
    if not classes:
        return pl.DataFrame(said | {LABEL: target.cast(pl.Float64)})
    decided = pl.Series(DECISION, task.decide(outputs, threshold))
    if decided.dtype != pl.Boolean:
        decided = pl.Series(DECISION, [classes[int(number)] for number in decided])
    return pl.DataFrame(said | {DECISION: as_text(decided), LABEL: as_text(target)})


def as_text(values: pl.Series) -> pl.Series:
    """Values as the JSON text in which the log holds decisions and labels."""
    import polars as pl  # the command line starts without it

    names = values.drop_nulls().unique()
    texts = [msgspec.json.encode(value).decode() for value in names]
    return values.replace_strict(names, texts, default=None, return_dtype=pl.String)


def answer_columns(task: Task, classes: tuple[Any, ...]) -> list[tuple[Column, About]]:
    """The columns of a table of answers, and what each is."""
    found: list[tuple[Column, About]] = [(Column(field, "number", "float", ("feature",), True), "score") for field in task.fields(classes)]
    if classes:
        decided = Column(DECISION, "category", "text", ("feature",), True)
        return [*found, (decided, "prediction"), (Column(LABEL, "category", "text", ("target",), True), "label")]
    return [*found, (Column(LABEL, "number", "float", ("target",), True), "label")]


def _in_blocks(ws: Workspace, frame: pl.DataFrame, known: Schema, columns: list[tuple[Column, About]]) -> Blocks:
    times = frame[known.time].cast(int).to_numpy() if known.time is not None else None
    length = ws.spec.monitor.window
    block, count, windows = cut(frame.height, times, length if isinstance(length, Duration) else length.rows)
    return in_blocks(frame, columns, ws.kinds, block, count, windows=windows)
