"""Folding: segments become Parquet files, each exactly once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from keepfit import files, record
from keepfit.instant import parse
from keepfit.label import Label
from keepfit.prediction import Prediction
from keepfit.schema import Column, Schema
from keepfit.stores.segments import payloads, seal_orphans
from keepfit.stores.tables import write_parquet
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import polars as pl

__all__ = ["INPUT", "OUTPUT", "decoded", "fold", "folder_of", "keep_batch", "table_of_labels", "table_of_predictions"]

INPUT, OUTPUT = "input.", "output."


def fold(ws: Workspace) -> int:
    """Turn sealed segments into Parquet files of the same name, and remove them; give how many.

    Cut off at any point, it is simply done again: a file that is there is not written twice.
    """
    seal_orphans(ws.segments)
    count = 0
    for kind, table in (("predictions", table_of_predictions), ("labels", table_of_labels)):
        for path in sorted((ws.segments / "sealed").glob(f"{kind}-*.seg")):
            target = folder_of(ws, kind) / f"{path.stem}.parquet"
            if not target.exists():
                found = list(decoded(payloads(path)))
                if kind == "predictions" and (apart := _private(ws, found)) is not None:
                    files.write_whole(target.with_suffix(".private.parquet"), _writer(apart), mode=0o600)
                files.write_whole(target, _writer(table(ws, found)), mode=0o600)
            path.unlink()
            count += 1
    return count


def keep_batch(ws: Workspace, name: str, frame: pl.DataFrame) -> None:
    """Keep predictions that were made as a table; the same name again changes nothing."""
    files.write_new(folder_of(ws, "predictions") / f"predictions-{name}.parquet", _writer(frame), mode=0o600)


def table_of_predictions(ws: Workspace, found: Iterable[dict[str, Any]]) -> pl.DataFrame:
    import polars as pl  # the command line starts without it

    rows = [record.from_json(Prediction, value) for value in found]
    columns = _columns(ws)
    data: dict[str, pl.Series] = {
        "id": pl.Series([row.id for row in rows], dtype=pl.String),
        "at": _instants([row.at for row in rows]),
        "release": pl.Series([row.release for row in rows], dtype=pl.String),
        "role": pl.Series([row.role for row in rows], dtype=pl.String),
        "via": pl.Series([row.via for row in rows], dtype=pl.String),
        "time": _instants([row.time for row in rows]),
        "key": pl.Series([row.key for row in rows], dtype=pl.String),
        "decision": pl.Series([_json(row.decision) for row in rows], dtype=pl.String),
        "warnings": pl.Series([list(row.warnings) for row in rows], dtype=pl.List(pl.String)),
        "latency_us": pl.Series([row.latency_us for row in rows], dtype=pl.Int64),
        "sampling": pl.Series([row.sampling for row in rows], dtype=pl.Float64),
    }
    for column in columns:
        data[f"{INPUT}{column.name}"] = _inputs([row.inputs.get(column.name) for row in rows], column)
    for field in dict.fromkeys([*ws.task.fields(()), *(field for row in rows for field in row.outputs)]):
        data[f"{OUTPUT}{field}"] = pl.Series([row.outputs.get(field) for row in rows], dtype=pl.Float64)
    return pl.DataFrame(data)


def _private(ws: Workspace, found: list[dict[str, Any]]) -> pl.DataFrame | None:
    """What is kept apart, row by row beside the predictions: the subject's token and the private columns."""
    import polars as pl  # the command line starts without it

    known = _schema(ws)
    columns = [column for column in known.private if "subject" not in column.uses] if known else []
    if known is None or not known.private:
        return None
    data = {"subject": pl.Series([value.get("subject") for value in found], dtype=pl.String)}
    data |= {column.name: _inputs([value["private"].get(column.name) for value in found], column) for column in columns}
    return pl.DataFrame(data)


def table_of_labels(ws: Workspace, found: Iterable[dict[str, Any]]) -> pl.DataFrame:
    import polars as pl  # the command line starts without it

    rows = [record.from_json(Label, value) for value in found]
    text = {
        name: pl.Series([getattr(row, name) for row in rows], dtype=pl.String)
        for name in ("prediction", "key", "name", "source", "by", "supersedes")
    }
    return pl.DataFrame(
        {
            **text,
            "value": pl.Series([_json(row.value) for row in rows], dtype=pl.String),
            "observed_at": _instants([row.observed_at for row in rows]),
            "received_at": _instants([row.received_at for row in rows]),
        }
    )


def folder_of(ws: Workspace, kind: str) -> Path:
    return ws.home / "tables" / kind


def decoded(found: Iterable[bytes]) -> Iterable[dict[str, Any]]:
    for payload in found:
        yield msgspec.json.decode(payload)


def _writer(frame: pl.DataFrame) -> Callable[[Path], None]:
    return lambda path: write_parquet(frame, path)


def _columns(ws: Workspace) -> list[Column]:
    """The columns that a request's inputs may have: those of the newest schema."""
    known = _schema(ws)
    if known is None:
        return []
    return [column for column in known.public if not {"target", "later"} & set(column.uses)]


def _schema(ws: Workspace) -> Schema | None:
    entries = [entry for entry in ws.ledger.entries(kind="snapshot") if entry.body["origin"] != "log"]
    return ws.artifacts.get_record(Schema, entries[-1].body["artifacts"]["schema"]) if entries else None


def _inputs(values: list[Any], column: Column) -> pl.Series:
    import polars as pl  # the command line starts without it

    if column.dtype == "instant":
        return _instants([None if value is None else parse(value) for value in values])
    dtype: Mapping[str, Any] = {"int": pl.Int64, "float": pl.Float64, "float32": pl.Float32, "bool": pl.Boolean, "text": pl.String}
    if column.dtype == "int":
        values = [None if value is None else int(value) for value in values]
    return pl.Series(values, dtype=dtype[column.dtype])


def _instants(values: list[datetime | None]) -> pl.Series:
    import polars as pl  # the command line starts without it

    return pl.Series(values, dtype=pl.Datetime("us", "UTC"))


def _json(value: object) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()
