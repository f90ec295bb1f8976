"""Folding: segments become Parquet files, each exactly once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from keepfit import files, record
from keepfit.instant import micros, parse
from keepfit.label import Label
from keepfit.prediction import Prediction
from keepfit.schema import Column, Schema
from keepfit.stores.segments import payloads, seal_orphans
from keepfit.stores.tables import write_parquet
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import polars as pl

__all__ = [
    "INPUT",
    "OUTPUT",
    "Folded",
    "about",
    "columns_of",
    "decoded",
    "fold",
    "folder_of",
    "keep_batch",
    "keep_played",
    "table_of_labels",
    "table_of_predictions",
]

INPUT, OUTPUT = "input.", "output."


@dataclass(frozen=True, slots=True)
class Folded:
    """What a fold did: segments that became tables; predictions whose id was there before, and how many of those said otherwise."""

    segments: int = 0
    repeated: int = 0
    disagreed: int = 0


def fold(ws: Workspace) -> Folded:
    """Turn sealed segments into Parquet files of the same name, and remove them.

    The first record of each id is kept: a client that asks again under the same id, of another worker or after a
    release took over, is in the log twice and in the table once. Cut off at any point, it is simply done again: a file
    that is there is not written twice.
    """
    if not ws.segments.exists():
        return Folded()
    with files.lock(ws.home / "run" / "fold.lock", wait=60.0):
        seal_orphans(ws.segments)
        done = Folded()
        for path in sorted((ws.segments / "sealed").glob("predictions-*.seg")):
            repeated, disagreed = _fold_predictions(ws, path)
            done = Folded(done.segments + 1, done.repeated + repeated, done.disagreed + disagreed)
        for path in sorted((ws.segments / "sealed").glob("labels-*.seg")):
            target = folder_of(ws, "labels") / f"{path.stem}.parquet"
            if not target.exists():
                files.write_whole(target, _writer(table_of_labels(ws, list(decoded(payloads(path))))), mode=0o600)
            path.unlink(missing_ok=True)
            done = replace(done, segments=done.segments + 1)
        return done


def _fold_predictions(ws: Workspace, path: Path) -> tuple[int, int]:
    """Fold one segment; how many of its predictions were there before, and how many of those said otherwise."""
    target = folder_of(ws, "predictions") / f"{path.stem}.parquet"
    repeated = disagreed = 0
    if not target.exists():
        found = list(decoded(payloads(path)))
        table, apart = table_of_predictions(ws, found), _private(ws, found)
        first, repeated, disagreed = _first_of_each(ws, table)
        if apart is not None:
            files.write_whole(target.with_suffix(".private.parquet"), _writer(apart.filter(first)), mode=0o600)
        left_out = {"keepfit.repeated": str(repeated), "keepfit.disagreed": str(disagreed)}
        files.write_whole(target, _writer(table.filter(first), left_out), mode=0o600)
    path.unlink(missing_ok=True)
    return repeated, disagreed


def _first_of_each(ws: Workspace, table: pl.DataFrame) -> tuple[pl.Series, int, int]:
    """Which rows are the first of their id, here and in what was folded before, and how many are not, and say otherwise."""
    import polars as pl  # the command line starts without it

    numbered = table.with_row_index("_row").with_columns(_about=about())
    before = _folded_before(ws, numbered)
    together = pl.concat([before.with_columns(_row=pl.lit(None, pl.UInt32)), numbered], how="diagonal_relaxed")
    outputs = [name for name in table.columns if name.startswith(OUTPUT)]
    said = pl.struct("release", "decision", *outputs)
    judged = together.with_columns(
        _first=pl.int_range(pl.len()).over("id", "_about") == 0, _same=(said == said.first().over("id", "_about")).fill_null(True)
    ).filter(pl.col("_row").is_not_null())
    again = judged.filter(~pl.col("_first"))
    return judged["_first"], again.height, again.filter(~pl.col("_same")).height


def _folded_before(ws: Workspace, numbered: pl.DataFrame) -> pl.DataFrame:
    """The predictions of earlier files whose ids stand here too; files whose ids all lie elsewhere are not read."""
    import polars as pl  # the command line starts without it

    paths = [path for path in folder_of(ws, "predictions").glob("*.parquet") if not path.stem.endswith(".private")]
    empty = numbered.drop("_row").clear()
    if not paths or numbered.is_empty():
        return empty
    ids = numbered["id"]
    wanted = pl.DataFrame({"id": ids.unique()})
    held = (
        pl.scan_parquet(paths, glob=False, extra_columns="ignore", schema={"id": pl.String()}, include_file_paths="_path")
        .filter(pl.col("id").is_between(pl.lit(ids.min()), pl.lit(ids.max())))
        .join(wanted.lazy(), on="id", how="semi")
        .select("_path")
        .unique()
        .collect()
    )
    found = [pl.read_parquet(path, glob=False).join(wanted, on="id", how="semi", maintain_order="left") for path in sorted(held["_path"])]
    return pl.concat([empty, *(one.with_columns(_about=about()) for one in found)], how="diagonal_relaxed")


def about() -> pl.Expr:
    """What an id stands for once: an answer; and beside it what each release in the shadow would have said."""
    import polars as pl  # the command line starts without it

    return pl.when(pl.col("role") == "shadow").then(pl.col("release")).otherwise(pl.lit(""))


def keep_batch(ws: Workspace, name: str, frame: pl.DataFrame, apart: pl.DataFrame | None = None) -> None:
    """Keep predictions that were made as a table; the same name again changes nothing.

    `apart` is what is kept beside them, row by row: the subject's token and the private columns.
    """
    target = folder_of(ws, "predictions") / f"predictions-{name}.parquet"
    if apart is not None:
        files.write_new(target.with_suffix(".private.parquet"), lambda path: write_parquet(apart, path, fast=True), mode=0o600)
    files.write_new(target, lambda path: write_parquet(frame, path, fast=True), mode=0o600)


def keep_played(ws: Workspace, kind: Literal["predictions", "labels"], frame: pl.DataFrame, *, at: datetime) -> None:
    """Keep predictions or labels of a past that is played; the file is as old as its last row, so that nothing seems to have come late."""
    target = folder_of(ws, kind) / f"{kind}-replay-{micros(at):020d}.parquet"
    files.write_new(target, lambda path: write_parquet(frame, path, fast=True), mode=0o600)
    os.utime(target, (at.timestamp(), at.timestamp()))


def table_of_predictions(ws: Workspace, found: Iterable[dict[str, Any]]) -> pl.DataFrame:
    import polars as pl  # the command line starts without it

    rows = [record.from_json(Prediction, value) for value in found]
    columns = columns_of(ws)
    data: dict[str, pl.Series] = {
        "id": pl.Series([row.id for row in rows], dtype=pl.String),
        "at": _instants([row.at for row in rows]),
        "release": pl.Series([row.release for row in rows], dtype=pl.String),
        "role": pl.Series([row.role for row in rows], dtype=pl.String),
        "via": pl.Series([row.via for row in rows], dtype=pl.String),
        "time": _instants([row.time for row in rows]),
        "key": pl.Series([row.key for row in rows], dtype=pl.String),
        "decision": pl.Series([_json(row.decision) for row in rows], dtype=pl.String),
        "warnings": _lists([row.warnings for row in rows]),
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
    if not (known and known.private) and not any(value.get("subject") for value in found):
        return None
    data = {"subject": pl.Series([value.get("subject") for value in found], dtype=pl.String)}
    data |= {column.name: _inputs([value.get("private", {}).get(column.name) for value in found], column) for column in columns}
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


def _writer(frame: pl.DataFrame, metadata: dict[str, str] | None = None) -> Callable[[Path], None]:
    return lambda path: write_parquet(frame, path, metadata)


def columns_of(ws: Workspace) -> list[Column]:
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


def _lists(values: list[tuple[str, ...]]) -> pl.Series:
    """Lists of texts; a list of each of many rows is slow to make, and most rows have the same one."""
    import polars as pl  # the command line starts without it

    places = {one: place for place, one in enumerate(dict.fromkeys(values))}
    known = pl.Series([list(one) for one in places], dtype=pl.List(pl.String))
    return known.gather(pl.Series([places[one] for one in values], dtype=pl.UInt32))


def _instants(values: list[datetime | None]) -> pl.Series:
    import polars as pl  # the command line starts without it

    return pl.Series(values, dtype=pl.Datetime("us", "UTC"))


def _json(value: object) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()
