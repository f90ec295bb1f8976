"""Recorded: the rows of the past in the order in which they came, from the source and from the log."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from keepfit import errors, plugin
from keepfit.added import Added, add
from keepfit.instant import Duration, from_micros, micros
from keepfit.loop import fold, log
from keepfit.loop.check import plain
from keepfit.loop.keys import row_keys
from keepfit.loop.score import json_texts
from keepfit.schema import Schema
from keepfit.spec.length import RowCount
from keepfit.table import read_as, stored_type
from keepfit.window import Interval, containing, filled
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

__all__ = ["Asked", "Recorded", "asked", "beginning", "recorded", "windows"]

#: Without a first release in the past, the first model learns from this share of the rows.
FIRST = 1 / 6
#: A replay needs so many windows after its first model.
FEWEST_WINDOWS = 2


@dataclass(frozen=True)
class Recorded:
    """Every row of the past with a time, oldest first, its columns as the source has them."""

    frame: pl.DataFrame
    time: str

    @cached_property
    def times(self) -> NDArray[np.int64]:
        """Microseconds since 1970, shape (rows,)."""
        return self.frame[self.time].cast(int).to_numpy()

    def before(self, instant: datetime) -> pl.DataFrame:
        """What the source would have shown at an instant."""
        return self.frame.head(self.place(instant))

    def place(self, instant: datetime) -> int:
        """How many rows lie before an instant."""
        return int(self.times.searchsorted(micros(instant), side="left"))


def recorded(ws: Workspace, *, now: datetime) -> Recorded:
    """The source's rows up to `now`, and those of the log that it does not hold; under one key the source has the say.

    Raises
    ------
    NoTime, UsageFault
        The problem names no time; or the source cannot be read.
    """
    import polars as pl  # the command line starts without it

    problem = ws.spec.problem
    if problem.time is None:
        fix = "name the column that says when a decision is due: time = … in [problem]"
        raise errors.NoTime("nothing says in which order the rows came", at=ws.place("problem"), fix=fix)
    frame, _ = plain(ws)
    frame = frame.with_columns(read_as(frame[problem.time], "instant", ws.spec.data.timezone))
    answered = _answered(ws, now)
    if answered is not None:
        if problem.key:
            there = frame.select(frame[name].cast(answered.schema[name]) for name in problem.key)
            answered = answered.join(there, on=problem.key, how="anti", maintain_order="left")
        else:
            answered = answered.filter(pl.col(problem.time) > frame[problem.time].max())
        frame = pl.concat([frame, answered.select([name for name in answered.columns if name in frame.columns])], how="diagonal_relaxed")
    frame = frame.filter(pl.col(problem.time).is_not_null() & (pl.col(problem.time) <= now))
    return Recorded(frame.sort([problem.time, *problem.key], maintain_order=True), problem.time)


def _answered(ws: Workspace, now: datetime) -> pl.DataFrame | None:
    """The rows of the log whose truth is known, under the columns of the source."""
    import polars as pl  # the command line starts without it

    taken = [entry for entry in ws.ledger.entries(kind="snapshot") if entry.body["origin"] != "log"]
    if not taken:
        return None
    known = ws.artifacts.get_record(Schema, taken[-1].body["artifacts"]["schema"])
    told = log.with_truth(log.predictions(ws), log.labels(ws, now=now), known.target).filter(pl.col("label").is_not_null())
    if told.is_empty():
        return None
    if known.key:
        told = told.filter(pl.col("key").is_null() | pl.col("key").is_first_distinct())
    inputs = [column.name for column in known.public if not {"target", "later", "added"} & set(column.uses)]
    target = pl.Series(known.target, [json.loads(text) for text in told["label"]], dtype=stored_type(known[known.target].dtype))
    frame = told.select(pl.col(f"{fold.INPUT}{name}").alias(name) for name in inputs).with_columns(target)
    return _keyed(frame, told["key"], known)


def _keyed(frame: pl.DataFrame, keys: pl.Series, known: Schema) -> pl.DataFrame:
    """Rows with the columns of their key, which the log keeps as one text where a model does not look at them."""
    import polars as pl  # the command line starts without it

    parts = [[None] * len(known.key) if text is None else json.loads(text) for text in keys]
    for place, name in enumerate(known.key):
        if frame[name].null_count():
            said = pl.Series(name, [part[place] for part in parts], strict=False)
            typed = read_as(said, known[name].dtype, "UTC").cast(frame.schema[name], strict=False)
            frame = frame.with_columns(frame[name].fill_null(typed))
    return frame


def windows(ws: Workspace, rows: Recorded, begin: datetime, end: datetime) -> list[Interval]:
    """The windows after an instant, the first of which may hold it, whose labels are due at `end`."""
    length, last = ws.spec.monitor.window, end - ws.spec.problem.label_delay.delta
    if isinstance(length, RowCount):
        times = rows.times[rows.place(begin) :]
        return list(filled(times[times < micros(last)], length.rows, None))
    found, window = [], containing(begin, length)
    while window.end <= last:
        found.append(window)
        window = Interval(window.end, window.end + length.delta)
    return found


def beginning(ws: Workspace, rows: Recorded, *, end: datetime) -> datetime:
    """When a replay begins: with the first release, if enough came after it; else once a sixth of the rows had come.

    Raises
    ------
    TooShort
        There is too little of either.
    """
    first = next((entry.at for entry in ws.ledger.entries(kind="release") if entry.body["role"] == "champion"), None)
    if first is not None and rows.place(first) and len(windows(ws, rows, first, end)) >= FEWEST_WINDOWS:
        return first
    length = ws.spec.monitor.window
    begin = from_micros(int(rows.times[int(FIRST * rows.times.size)])) if rows.times.size else end
    begin = containing(begin, Duration.parse("1d") if isinstance(length, RowCount) else length).begin
    if rows.place(begin) == 0 or len(windows(ws, rows, begin, end)) < FEWEST_WINDOWS:
        fix = f"replay a longer history, or say from when: --from; windows of {length} are needed after it, {FEWEST_WINDOWS} at least"
        raise errors.TooShort(
            f"{rows.times.size:,} rows up to {end:%Y-%m-%d} are too few to replay", at=ws.place("data", "source"), fix=fix
        )
    return begin


@dataclass(frozen=True)
class Asked:
    """The rows that come after the first model, as the log keeps them but for who answered.

    `frame` has the columns that a model may look at, `kept` those of the log, `labels` their labels with the instant at which each
    is received; `truth` and `times` are of shape (rows,).
    """

    frame: pl.DataFrame
    kept: pl.DataFrame
    labels: pl.DataFrame
    truth: NDArray[np.float64]
    times: NDArray[np.int64]


def asked(ws: Workspace, rows: pl.DataFrame, known: Schema, classes: tuple[Any, ...]) -> Asked:
    """Rows of the past under the schema that the first model learned, values that do not fit it as missing."""
    import numpy as np
    import polars as pl  # the command line starts without it

    time = str(known.time)
    frame = _typed(ws, rows, known)
    ids = pl.Series("id", [f"replay-{number:09d}" for number in range(rows.height)], dtype=pl.String)
    instant = pl.Datetime("us", "UTC")
    keys = row_keys(frame, known) if known.key else [None] * rows.height
    inputs = [column.name for column in known.public if not {"target", "later"} & set(column.uses)]
    kept = pl.DataFrame(
        [
            ids,
            frame[time].alias("at"),
            pl.Series("via", ["replay"] * rows.height),
            pl.Series("key", keys, dtype=pl.String),
            frame[time].alias("time"),
        ]
    ).with_columns(sampling=pl.lit(1.0), latency_us=pl.lit(None, dtype=pl.Int64), warnings=pl.lit([], dtype=pl.List(pl.String)))
    kept = kept.hstack([frame[name].alias(f"{fold.INPUT}{name}") for name in inputs])
    target = read_as(rows[known.target], known[known.target].dtype, ws.spec.data.timezone)
    truth = ws.task.truth(target, classes)
    told = ~np.isnan(truth)
    delay = pl.duration(microseconds=ws.spec.problem.label_delay.microseconds)
    labels = pl.DataFrame([ids, json_texts(target).alias("value"), frame[time].alias("observed_at")]).filter(pl.Series(told))
    empty = pl.lit(None, dtype=pl.String)
    labels = labels.select(
        prediction="id",
        key=empty,
        name=pl.lit(known.target),
        source=pl.lit("system"),
        by=pl.lit("replay"),
        supersedes=empty,
        value="value",
        observed_at=pl.col("observed_at").cast(instant),
        received_at=(pl.col("observed_at") + delay).cast(instant),
    )
    return Asked(frame.select(inputs), kept, labels, truth, frame[time].cast(int).to_numpy())


def _typed(ws: Workspace, rows: pl.DataFrame, known: Schema) -> pl.DataFrame:
    import polars as pl  # the command line starts without it

    found = []
    for column in known.public:
        if "added" in column.uses:
            continue
        wanted = stored_type(column.dtype)
        if column.name not in rows.columns:
            found.append(pl.Series(column.name, [None] * rows.height, dtype=wanted))
            continue
        read = read_as(rows[column.name], column.dtype, ws.spec.data.timezone)
        found.append(read if read.dtype == wanted else read.cast(wanted, strict=False))
    frame = pl.DataFrame(found)
    if known.added is None:
        return frame
    added = ws.artifacts.get_record(Added, known.added)
    return add(added, plugin.find("features", added.function, folder=ws.folder), frame)
