"""Label: late truth from a table, kept as if it had come over HTTP."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from keepfit import digest, errors, record
from keepfit.instant import micros
from keepfit.label import Label
from keepfit.loop import log
from keepfit.loop.keys import row_keys
from keepfit.loop.models import champion_candidate
from keepfit.schema import Schema
from keepfit.stores.segments import write_sealed
from keepfit.table import normal
from keepfit.workspace import Workspace, open_source

if TYPE_CHECKING:
    import polars as pl

__all__ = ["label"]


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
    told, by_id = _told(ws, known, table)
    names = told["prediction"].cast(str).to_list() if by_id else row_keys(told, known)
    values = told[known.target].to_list()
    _check_values(ws, values, known.target, table)
    before = _known(ws, known.target, by_id, now)
    kept = [
        record.text(
            Label(name if by_id else None, None if by_id else name, known.target, value, "system", f"table {table.name}", None, now)
        ).encode()
        for name, value in zip(names, values, strict=True)
        if before.get(name) != msgspec.json.encode(value).decode()
    ]
    if kept:
        write_sealed(ws.segments, f"labels-{micros(now):020d}-{digest.of_value([payload.decode() for payload in kept])[3:35]}", kept)
    return len(values), len(kept)


def _told(ws: Workspace, known: Schema, table: Path) -> tuple[pl.DataFrame, bool]:
    """The rows of a table that say something, and whether they name predictions rather than keys."""
    source = open_source(str(table), folder=ws.folder, at=table.name)
    try:
        frame = normal(source.read(), ws.spec.data.timezone)
    except errors.UsageFault as error:
        raise type(error)(error.message, at=table.name, fix="name a csv or Parquet file with a header and rows") from error
    by_id = "prediction" in frame.columns
    needed = [known.target, *(["prediction"] if by_id else known.key)]
    missing = [name for name in needed if name not in frame.columns]
    if missing or (not by_id and not known.key):
        fix = f"the table holds '{known.target}', and a column 'prediction' or the key ({', '.join(known.key) or 'none is stated'})"
        raise errors.UnknownColumn(f"the table lacks {', '.join(missing) or 'the column prediction'}", at=table.name, fix=fix)
    return frame.filter(frame[known.target].is_not_null()), by_id


def _check_values(ws: Workspace, values: list[Any], target: str, table: Path) -> None:
    champion = champion_candidate(ws, ws.roles())
    classes = champion.classes if champion else ()
    for row, value in enumerate(values, 1):
        if classes and not any(type(one) is type(value) and one == value for one in classes):
            fix = f"the target's values are {', '.join(map(repr, classes))}; mend the table, nothing of it was taken"
            raise errors.BadTarget(f"a value of '{target}' is none that the target has", at=f"{table.name}: label {row}", fix=fix)


def _known(ws: Workspace, target: str, by_id: bool, now: datetime) -> dict[str, str]:
    """What is known by now of each prediction or key: the newest value, as JSON text."""
    found = log.labels(ws, now=now).filter(name=target).sort("received_at", maintain_order=True)
    names = found["prediction" if by_id else "key"].to_list()
    return {name: value for name, value in zip(names, found["value"].to_list(), strict=True) if name is not None}


def _schema(ws: Workspace) -> Schema:
    entries = [entry for entry in ws.ledger.entries(kind="snapshot") if entry.body["origin"] != "log"]
    if not entries:
        raise errors.NoChampion("this project has taken no data yet", at=ws.project, fix="keepfit run")
    return ws.artifacts.get_record(Schema, entries[-1].body["artifacts"]["schema"])
