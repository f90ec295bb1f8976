"""Label: late truth from a table, kept as if it had come over HTTP."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from keepfit import digest, errors, plugin, record
from keepfit.label import Label
from keepfit.loop.take import normal, row_keys
from keepfit.schema import Schema
from keepfit.source import Source
from keepfit.stores.segments import write_sealed
from keepfit.workspace import Workspace

__all__ = ["label"]


def label(ws: Workspace, table: Path, *, now: datetime) -> int:
    """Take the labels of a table; give how many. The same table again changes nothing.

    The table holds the target, and the key's columns or a column `prediction` with ids. Rows whose target is
    empty are left out.

    Raises
    ------
    MissingSource, UnreadableTable, UnknownColumn
        The table is not there, or lacks a column.
    """
    known = _schema(ws)
    suffix = table.suffix.lstrip(".").lower()
    source: Source = plugin.find("sources", suffix, at=str(table))(str(table), ws.folder)
    frame = normal(source.read(), ws.spec.data.timezone)
    by_id = "prediction" in frame.columns
    needed = [known.target, *(["prediction"] if by_id else known.key)]
    missing = [name for name in needed if name not in frame.columns]
    if missing or (not by_id and not known.key):
        fix = f"the table holds '{known.target}', and a column 'prediction' or the key ({', '.join(known.key) or 'none is stated'})"
        raise errors.UnknownColumn(f"the table lacks {', '.join(missing) or 'the column prediction'}", at=str(table.name), fix=fix)
    told = frame.filter(frame[known.target].is_not_null())
    names = told["prediction"].cast(str).to_list() if by_id else row_keys(told, known)
    kept = []
    for name, value in zip(names, told[known.target].to_list(), strict=True):
        made = Label(name if by_id else None, None if by_id else name, known.target, value, "system", f"table {table.name}", None, now)
        kept.append(record.text(made).encode())
    identity = digest.of_value([names, [str(value) for value in told[known.target].to_list()]])
    write_sealed(ws.segments, f"labels-table-{identity[3:35]}", kept)
    return len(kept)


def _schema(ws: Workspace) -> Schema:
    entry = ws.ledger.last("snapshot")
    if entry is None:
        raise errors.NoChampion("this project has taken no data yet", at=ws.project, fix="keepfit run")
    return ws.artifacts.get_record(Schema, entry.body["artifacts"]["schema"])
