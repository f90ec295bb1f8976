"""Again: logged traffic answered once more, by a release of choice, beside what was answered then."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from keepfit import errors, plugin
from keepfit.candidate import Candidate
from keepfit.estimator import Predictor
from keepfit.evaluation import evaluate
from keepfit.loop import fold, log
from keepfit.loop.models import load_model
from keepfit.loop.report import named
from keepfit.loop.rows import Rows, clusters, value_of
from keepfit.loop.score import json_texts
from keepfit.loop.watch import as_rows
from keepfit.metric import Gain
from keepfit.progress import Progress, silent
from keepfit.replay import Figure
from keepfit.request import as_request
from keepfit.schema import Schema
from keepfit.task import Outputs, Scored
from keepfit.window import Interval
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Again", "answer_again"]

#: Rows that are answered one by one, to see how long that takes.
TIMED = 500
#: A paired gain needs so many rows with a label.
FEWEST_LABELS = 30


@dataclass(frozen=True, slots=True)
class Again:
    """Logged traffic, answered again by `release`.

    `rows` were answered; `agreed` is the share of them with the same decision, `apart` how far the outputs lie from one another on
    median and in 99 of 100 rows. `labelled` rows have a known truth and came after everything that the release learned from; on these
    stand `then` (what was answered), `now` (what the release says) and the paired `gain`, in `metric`; None with too few. Microseconds of
    one answer are on median and in 99 of 100: those of the log with the server, those of the release by its predictor alone.
    """

    record: ClassVar[str] = "again"
    version: ClassVar[int] = 1

    release: str
    candidate: str
    begin: datetime
    end: datetime
    rows: int
    agreed: float
    apart: tuple[float, float]
    labelled: int
    metric: str
    then: Figure | None
    now: Figure | None
    gain: Gain | None
    logged_us: tuple[float, float] | None
    answers_us: tuple[float, float]
    by: tuple[str, ...]


def answer_again(ws: Workspace, name: str, *, now: datetime, within: Interval | None = None, progress: Progress = silent) -> Again:
    """Answer what champion and canary were asked again by a candidate (`c1`) or release (`r1`), and compare.

    Nothing is written.

    Parameters
    ----------
    within : only rows whose time lies in an interval

    Raises
    ------
    NothingThere, NoCommonRows, CannotCompare
        There is no such release, nothing was answered, or the release needs a column that the log does not have.
    """
    import polars as pl  # the command line starts without it

    candidate, _ = named(ws, name)
    known = ws.artifacts.get_record(Schema, candidate.schema)
    progress("reading the log")
    answered = log.predictions(ws, within=within)
    if answered.is_empty():
        raise errors.NoCommonRows("the log holds no answer", at=ws.project, fix="serve a release, or score a table: keepfit serve")
    progress(f"answering {answered.height:,} rows again by {name}")
    outputs = load_model(ws, candidate).predict(_asked(answered, known))
    decisions = json_texts(ws.task.answers(outputs, candidate.classes, candidate.threshold)[1])
    fields = [field for field in outputs if f"{fold.OUTPUT}{field}" in answered.columns]
    apart = _apart(answered, outputs, fields)
    told = log.with_truth(answered, log.labels(ws, now=now, about=answered), known.target)
    told = told.with_columns(pl.Series(f"{_AGAIN}{field}", values) for field, values in outputs.items())
    when = pl.coalesce("time", "at")
    times = answered.select(low=when.min(), high=when.max()).row(0)
    since = candidate.fitted_before
    labelled, then, again, gain = _quality(ws, candidate, known, told.filter(when >= since) if since else told)
    progress("timing its answers")
    return Again(
        release=name,
        candidate=candidate.id,
        begin=times[0],
        end=times[1],
        rows=answered.height,
        agreed=int((decisions == answered["decision"]).sum()) / answered.height,
        apart=apart,
        labelled=labelled,
        metric=ws.task.selects,
        then=then,
        now=again,
        gain=gain,
        logged_us=_spread(answered["latency_us"].drop_nulls().cast(pl.Float64).to_list()),
        answers_us=_timed(ws, candidate, known, answered),
        by=tuple(sorted(set(answered["release"].to_list()))),
    )


_AGAIN = "again."


def _asked(answered: pl.DataFrame, known: Schema) -> pl.DataFrame:
    """The features as they were asked; a column that the log does not have is missing."""
    import polars as pl  # the command line starts without it

    from_log = {column.name: f"{fold.INPUT}{column.name}" for column in known.features}
    lacking = [name for name, logged in from_log.items() if logged not in answered.columns]
    if lacking:
        fix = "compare with a release that was fitted on the same columns"
        raise errors.CannotCompare(f"the log does not hold column '{lacking[0]}', which the release learned from", at=lacking[0], fix=fix)
    return answered.select(pl.col(logged).alias(name) for name, logged in from_log.items())


def _apart(answered: pl.DataFrame, outputs: Outputs, fields: Sequence[str]) -> tuple[float, float]:
    import numpy as np  # the command line starts without it

    if not fields:
        return 0.0, 0.0
    far = [np.abs(outputs[field] - answered[f"{fold.OUTPUT}{field}"].fill_null(float("nan")).to_numpy()) for field in fields]
    whole = np.max(far, axis=0)
    whole = whole[~np.isnan(whole)]
    return _spread(whole.tolist()) or (0.0, 0.0)


def _quality(
    ws: Workspace, candidate: Candidate, known: Schema, told: pl.DataFrame
) -> tuple[int, Figure | None, Figure | None, Gain | None]:
    """Both on the rows with a known truth that are new to the release, pair by pair."""
    import polars as pl  # the command line starts without it

    fields = ws.task.fields(candidate.classes)
    there = [name for field in fields if (name := f"{fold.OUTPUT}{field}") in told.columns]
    told = told.drop_nulls(there)
    rows = as_rows(ws, told, known, candidate.classes)
    if rows.count < FEWEST_LABELS or len(there) < len(fields):
        return rows.count, None, None, None
    again = told.join(pl.DataFrame({"id": rows.ids}), on="id", how="inner", maintain_order="right")
    then = {field: rows.frame[f"{fold.OUTPUT}{field}"].to_numpy() for field in fields}
    now = {field: again[f"{_AGAIN}{field}"].to_numpy() for field in fields}
    theirs, ours = (_figured(ws, rows, known, said, candidate) for said in (then, now))
    selects = ws.task.selects
    if selects not in theirs.metrics or selects not in ours.metrics:
        return rows.count, None, None, None
    figures = [Figure(one[selects].value, one[selects].low, one[selects].high) for one in (theirs, ours)]
    return rows.count, figures[0], figures[1], ours.known_gain_over(theirs, selects)


def _figured(ws: Workspace, rows: Rows, known: Schema, outputs: Outputs, candidate: Candidate) -> Any:
    scored = Scored(rows.truth, outputs, ws.task.decide(outputs, candidate.threshold), value_of(ws))
    return evaluate(candidate.id, ws.task, scored, clusters(rows.frame, known, rows.subject), rows="the log", threshold=candidate.threshold)


def _spread(values: Sequence[float]) -> tuple[float, float] | None:
    """The median, and what 99 of 100 keep to."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, math.ceil(0.99 * len(ordered)) - 1)]


def _timed(ws: Workspace, candidate: Candidate, known: Schema, answered: pl.DataFrame) -> tuple[float, float]:
    """Microseconds of processor time for one row, by the predictor that is served."""
    requests = [as_request(row) for row in _asked(answered.tail(TIMED), known).iter_rows(named=True)]
    durations = []
    with tempfile.TemporaryDirectory() as name:
        for member, artifact in candidate.files.items():
            (Path(name) / member).write_bytes(ws.artifacts.get(artifact))
        predictor: Predictor = plugin.find("predictors", candidate.predictor)(Path(name), ws.kinds, ws.folder)
        for row in requests:
            begin = time.thread_time_ns()
            predictor(row)
            durations.append((time.thread_time_ns() - begin) / 1000)
    return _spread(durations) or (0.0, 0.0)
