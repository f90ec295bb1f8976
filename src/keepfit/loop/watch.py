"""Watch: look once at the windows whose labels are due."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from keepfit import drift, profile, record
from keepfit.evaluation import Evaluation, Gain
from keepfit.instant import Duration, from_micros, micros
from keepfit.loop import fold, log
from keepfit.loop.models import candidate_behind, evaluation_of
from keepfit.loop.rows import Rows, evaluate_rows, value_of
from keepfit.profile import Profile
from keepfit.schema import Schema
from keepfit.window import Interval, Window, closed
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import polars as pl

__all__ = ["due", "labelled", "log_rows", "watch", "watch_window"]

#: With fewer labels than this a window's quality is not measured.
FEWEST_LABELS = 30


def watch(ws: Workspace, *, now: datetime) -> list[Window]:
    """Judge every window whose labels are due and that was not looked at, oldest first."""
    fold.fold(ws)
    found: list[Window] = []
    for window in due(ws, now=now):
        found += watch_window(ws, window, now=now)
    return found


def due(ws: Workspace, *, now: datetime) -> tuple[Interval, ...]:
    """The windows with traffic whose labels are due and that have no entry yet, oldest first."""
    import polars as pl  # the command line starts without it

    answered = log.predictions(ws)
    if answered.height == 0:
        return ()
    length, delay = ws.spec.monitor.window, ws.spec.problem.label_delay
    when = _when(answered).cast(pl.Int64)
    seen = {(entry.body["begin"], entry.body["end"]) for entry in ws.ledger.entries(kind="watch")}
    first = from_micros(int(when.to_numpy().min()))
    return tuple(window for window in _busy(first, now, length, delay, when) if (_text(window.begin), _text(window.end)) not in seen)


def labelled(ws: Workspace, window: Interval, *, now: datetime) -> int:
    """How many answers of a window have a known truth at `now`, those included whose labels came after it was looked at."""
    told = log.with_truth(_answered_in(ws, window), log.labels(ws, now=now), ws.spec.problem.target)
    return told.height - told["label"].null_count()


def _answered_in(ws: Workspace, window: Interval) -> pl.DataFrame:
    import polars as pl  # the command line starts without it

    answered = log.predictions(ws).filter(pl.col("role") == "champion")
    when = _when(answered)
    return answered.filter((when >= window.begin) & (when < window.end))


def watch_window(ws: Workspace, window: Interval, *, now: datetime) -> list[Window]:
    """Judge one window, for each release that answered in it, and write down what was seen."""
    answered = _answered_in(ws, window)
    found: list[Window] = []
    causes: list[tuple[list[Any], dict[str, Any]]] = []
    for (release,), group in sorted(answered.partition_by("release", as_dict=True).items(), key=lambda item: str(item[0])):
        seen = _look(ws, window, str(release), group, now=now)
        body = {
            "begin": _text(window.begin),
            "end": _text(window.end),
            "release": seen.release,
            "predictions": seen.predictions,
            "labels": seen.labels,
            "signals": [signal.noted for signal in seen.signals],
            "artifacts": {"window": ws.artifacts.put_record(seen)},
        }
        causes.append(([_text(window.begin), _text(window.end), seen.release], body))
        found.append(seen)
    ws.append_all("watch", causes, at=now)  # a window is looked at for every release or for none
    return found


def log_rows(ws: Workspace, known: Schema, classes: tuple[Any, ...], *, now: datetime) -> Rows:
    """The predictions whose truth is known at `now`, as rows under the schema: its input columns and the target."""
    answered = log.with_truth(log.predictions(ws), log.labels(ws, now=now), known.target)
    return as_rows(ws, answered, known, classes)


def as_rows(ws: Workspace, answered: pl.DataFrame, known: Schema, classes: tuple[Any, ...]) -> Rows:
    """Predictions with labels as rows with a known target, each key once; their outputs stand beside the columns."""
    import numpy as np
    import polars as pl  # the command line starts without it

    inputs = [column.name for column in known.public if not {"target", "later"} & set(column.uses)]
    told = answered.filter(pl.col("label").is_not_null())
    said = [name for name in told.columns if name.startswith(fold.OUTPUT)]
    frame = told.select([*(pl.col(f"{fold.INPUT}{name}").alias(name) for name in inputs), *said])
    values = [json.loads(value) for value in told["label"]]
    target = pl.Series(known.target, values, dtype=_target_type(known))
    frame = frame.with_columns(target)
    if known.key:
        frame = frame.unique(subset=list(known.key), keep="first", maintain_order=True)
    truth = ws.task.truth(frame[known.target], classes)
    return Rows(frame, truth).where(~np.isnan(truth))


def _target_type(known: Schema) -> Any:
    import polars as pl  # the command line starts without it

    return {"int": pl.Int64, "float": pl.Float64, "float32": pl.Float32, "bool": pl.Boolean, "text": pl.String}[known[known.target].dtype]


def _look(ws: Workspace, window: Interval, release: str, group: pl.DataFrame, *, now: datetime) -> Window:
    import polars as pl  # the command line starts without it

    found = candidate_behind(ws, release)
    assert found is not None
    candidate, entry = found
    known = ws.artifacts.get_record(Schema, candidate.schema)
    told = log.with_truth(group, log.labels(ws, now=now), known.target)
    rows = as_rows(ws, told, known, candidate.classes)
    reference = ws.artifacts.get_record(Profile, candidate.profile)
    columns = [column for column in known.features if f"{fold.INPUT}{column.name}" in group.columns]
    current = profile.profile(group.rename({f"{fold.INPUT}{c.name}": c.name for c in columns}), columns, ws.kinds, like=reference)
    moved = drift.drift(reference, current, {column.name: column.kind for column in columns}, ws.kinds)
    seen = Window(window.begin, window.end, release, group.height, rows.count, None, None, None, None, tuple(moved))
    if rows.count < FEWEST_LABELS:
        return seen
    fields = {field: f"{fold.OUTPUT}{field}" for field in ws.task.fields(candidate.classes)}
    rows = rows.where(rows.frame.select(pl.all_horizontal(pl.col(*fields.values()).is_not_null())).to_series().to_numpy())
    outputs = {field: rows.frame[column].to_numpy() for field, column in fields.items()}
    measured = evaluate_rows(candidate.id, ws.task, rows, outputs, known, threshold=candidate.threshold, value=value_of(ws))
    return replace(
        seen,
        expected=measured.expected,
        happened=measured.happened,
        evaluation=measured,
        change=_change(ws, measured, evaluation_of(ws, entry)),
    )


def _change(ws: Workspace, measured: Evaluation, at_release: Evaluation | None) -> Gain | None:
    """The selecting metric against its level at release: two independent sets of rows."""
    name = ws.task.selects
    if at_release is None or name not in measured.metrics or name not in at_release.metrics:
        return None
    new, old = measured[name], at_release[name]
    if new.low is None or new.high is None or old.low is None or old.high is None:
        return None
    sign = 1.0 if new.better == "higher" else -1.0
    half = math.hypot((new.high - new.low) / 2, (old.high - old.low) / 2)
    gain = sign * (new.value - old.value)
    return Gain(gain, gain - half, gain + half, name)


def _when(answered: pl.DataFrame) -> pl.Series:
    """The instant that decides a prediction's window: the row's own time, else when it was answered."""
    import polars as pl  # the command line starts without it

    return answered.select(pl.coalesce("time", "at")).to_series()


def _busy(first: datetime, now: datetime, length: Duration, delay: Duration, when: pl.Series) -> Iterator[Interval]:
    for window in closed(first, now, length, delay):
        begin, end = (micros(instant) for instant in (window.begin, window.end))
        if ((when >= begin) & (when < end)).any():
            yield window


def _text(instant: datetime) -> str:
    return str(record.plain(instant))
