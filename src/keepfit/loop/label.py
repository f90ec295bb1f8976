"""Label: late truth from a table, kept as if it had come over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from keepfit import digest, errors, record
from keepfit.cause import Cause
from keepfit.instant import micros
from keepfit.label import Label
from keepfit.loop import log
from keepfit.loop.keys import row_keys
from keepfit.loop.models import champion_candidate
from keepfit.schema import Schema
from keepfit.source import Source
from keepfit.spec.labels import LabelsSpec
from keepfit.stores.segments import write_sealed
from keepfit.table import normal, read_as
from keepfit.workspace import Workspace, open_source

if TYPE_CHECKING:
    import polars as pl

__all__ = ["bring", "label", "label_from_source"]

#: Raised when the same table gives other labels.
STEP = 1


@dataclass(frozen=True, slots=True)
class _Told:
    """A table of labels: its rows that say something, what names them, and where it comes from."""

    frame: pl.DataFrame
    by_id: bool
    value: str
    time: str | None
    by: str
    at: str


def label(ws: Workspace, table: Path, *, now: datetime) -> tuple[int, int]:
    """Take the labels of a table; give how many it holds, and how many say something new.

    The table holds the target, and the key's columns or a column `prediction` with ids. Rows whose target is
    empty are left out, and so are those that say what is known already: the same table again changes nothing.

    Raises
    ------
    MissingSource, UnreadableTable, UnknownColumn, BadTarget
        The table is not there, lacks a column, or holds values that the target does not have.
    """
    known = _schema(ws)
    source = open_source(str(table), folder=ws.folder, at=table.name)
    try:
        frame = source.read()
    except errors.UsageFault as error:
        raise type(error)(error.message, at=table.name, fix="name a csv or Parquet file with a header and rows") from error
    spec = ws.spec.labels
    told = _told(ws, frame, known, spec.value if spec else None, None, f"table {table.name}", table.name)
    return _keep(ws, known, told, _known(ws, known.target, told.by_id, now), now)


def label_from_source(ws: Workspace, *, now: datetime) -> tuple[int, int]:
    """Take the labels of `[labels] source` that are known at `now`, as `label` does.

    Files that are as they were the last time are not read again, unless a label in them has become known since. A
    source speaks when it says something other than it said before: what a person corrected meanwhile stays. Before data was
    taken, as before the first run, and where the source holds no row yet, there is nothing to take.

    Raises
    ------
    BadArgument
        The project names none.
    MissingSource, UnreadableTable, SourceUnreachable, SourceBroke, UnknownColumn, BadTarget, BadTime
        The source is not there, does not answer, lacks a column, or holds values that the target does not have.
    """
    spec = ws.spec.labels
    if spec is None:
        fix = "name a table, or write [labels] with a source into the project file"
        raise errors.BadArgument("there is no table to take labels from", at="TABLE", fix=fix)
    if not any(entry.body["origin"] != "log" for entry in ws.ledger.entries(kind="snapshot")):
        return 0, 0
    at = ws.place("labels", "source")
    with ws.concealing(spec.source, spec.query or ""):
        source = open_source(spec.source, folder=ws.folder, at=at, table=spec.table, query=spec.query, missing=spec.missing)
        cause = _cause(ws, spec, source)
        if cause is not None and _taken_before(ws, cause, now):
            return 0, 0
        try:
            frame = source.read()
        except errors.EmptyTable:
            return 0, 0
    known = _schema(ws)
    told = _told(ws, frame, known, spec.value, spec.time, f"source {spec.source}", at)
    held = _keep(ws, known, told, _known(ws, known.target, told.by_id, now, by=told.by), now)
    if cause is not None:
        ws.cache.put(record.digest_of(cause), digest.canonical([micros(now), _until(told, now)]))
    return held


def bring(ws: Workspace, *, now: datetime) -> None:
    """Before windows are looked at: take the labels of `[labels] source`, where the project names one. A replay brings its own."""
    if ws.spec.labels is not None and ws.stand_in is None:
        label_from_source(ws, now=now)


def _cause(ws: Workspace, spec: LabelsSpec, source: Source) -> Cause | None:
    """What the labels of a source depend on beside the moment; None where that cannot be told without reading."""
    files = source.files
    if not files:
        return None
    try:
        content = ws.cache.digest_of_all(files)
    except OSError:  # what cannot be looked at is said when it is read
        return None
    settings = {f"labels.{name}": value for name, value in spec.model_dump(mode="json").items()}
    settings |= {"problem.key": list(ws.spec.problem.key), "problem.target": ws.spec.problem.target, "data.timezone": ws.spec.data.timezone}
    return Cause("labels", {"the files of labels.source": content, **settings, "step version": STEP, "polars": version("polars")})


def _taken_before(ws: Workspace, cause: Cause, now: datetime) -> bool:
    said = ws.cache.get(record.digest_of(cause))
    if said is None:
        return False
    since, until = msgspec.json.decode(said)
    return bool(since <= micros(now) and (until is None or micros(now) < until))


def _until(told: _Told, now: datetime) -> int | None:
    """When the next label of a table becomes known."""
    if told.time is None:
        return None
    later = told.frame.filter(told.frame[told.time] > now)[told.time]
    return int(later.cast(int).to_numpy().min()) if later.len() else None


def _told(ws: Workspace, frame: pl.DataFrame, known: Schema, value: str | None, time: str | None, by: str, at: str) -> _Told:
    """The rows of a table that say something, and whether they name predictions rather than keys."""
    frame, timezone = normal(frame, ws.spec.data.timezone), ws.spec.data.timezone
    held = known.target if value is None or (value not in frame.columns and known.target in frame.columns) else value
    by_id = "prediction" in frame.columns
    needed = [held, *(["prediction"] if by_id else known.key), *([time] if time else [])]
    missing = [name for name in needed if name not in frame.columns]
    if missing or (not by_id and not known.key):
        fix = f"the table holds '{held}', and a column 'prediction' or the key ({', '.join(known.key) or 'none is stated'})"
        raise errors.UnknownColumn(f"the table lacks {', '.join(missing) or 'the column prediction'}", at=at, fix=fix)
    if time and not frame.schema[time].is_temporal():
        raise errors.BadTime(f"'{time}' holds no times", at=at, fix="name another column in labels.time, or leave it out")
    frame = _under(frame, known, held, timezone)
    told = frame.filter(frame[held].is_not_null())
    if time and told[time].null_count():
        told = told.filter(told[time].is_not_null())  # it is not known yet when it will be known
    return _Told(told, by_id, held, time, by, at)


def _under(frame: pl.DataFrame, known: Schema, held: str, timezone: str) -> pl.DataFrame:
    """The truth and the key under the types that the data has, as a database without truth values holds 0 and 1."""
    dtypes = {column.name: column.dtype for column in known.columns}
    for name, dtype in [(held, dtypes.get(known.target)), *((name, dtypes.get(name)) for name in known.key)]:
        if name in frame.columns and dtype is not None:
            read = read_as(frame[name], dtype, timezone)
            frame = frame.with_columns(read if read.null_count() == frame[name].null_count() else frame[name])
    return frame


def _keep(ws: Workspace, known: Schema, told: _Told, before: dict[str, str], now: datetime) -> tuple[int, int]:
    """Write down what is known at `now` and differs from what was before; of several labels of one row the last counts."""
    frame = told.frame if told.time is None else told.frame.filter(told.frame[told.time] <= now).sort(told.time, maintain_order=True)
    names = frame["prediction"].cast(str).to_list() if told.by_id else row_keys(frame, known)
    values = frame[told.value].to_list()
    _check_values(ws, values, known.target, told.at)
    observed = frame[told.time].to_list() if told.time else [None] * frame.height
    kept: list[bytes] = []
    for name, (value, when) in dict(zip(names, zip(values, observed, strict=True), strict=True)).items():
        if before.get(name) != msgspec.json.encode(value).decode():
            by_id, by_key = (name, None) if told.by_id else (None, name)
            kept.append(record.text(Label(by_id, by_key, known.target, value, "system", told.by, when, now)).encode())
    if kept:
        write_sealed(ws.segments, f"labels-{micros(now):020d}-{digest.of_value([payload.decode() for payload in kept])[3:35]}", kept)
    return len(values), len(kept)


def _check_values(ws: Workspace, values: list[Any], target: str, at: str) -> None:
    champion = champion_candidate(ws, ws.roles())
    classes = champion.classes if champion else ()
    for row, value in enumerate(values, 1):
        if classes and not any(type(one) is type(value) and one == value for one in classes):
            fix = f"the target's values are {', '.join(map(repr, classes))}; mend the table, nothing of it was taken"
            raise errors.BadTarget(f"a value of '{target}' is none that the target has", at=f"{at}: label {row}", fix=fix)


def _known(ws: Workspace, target: str, by_id: bool, now: datetime, *, by: str | None = None) -> dict[str, str]:
    """What is known by now of each prediction or key, or what one source said of it: the newest value, as JSON text."""
    found = log.labels(ws, now=now).filter(name=target).sort("received_at", maintain_order=True)
    found = found if by is None else found.filter(by=by)
    names = found["prediction" if by_id else "key"].to_list()
    return {name: value for name, value in zip(names, found["value"].to_list(), strict=True) if name is not None}


def _schema(ws: Workspace) -> Schema:
    entries = [entry for entry in ws.ledger.entries(kind="snapshot") if entry.body["origin"] != "log"]
    if not entries:
        raise errors.NoChampion("this project has taken no data yet", at=ws.project, fix="keepfit run")
    return ws.artifacts.get_record(Schema, entries[-1].body["artifacts"]["schema"])
