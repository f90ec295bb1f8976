"""What the source holds now: its columns, what changed, what does not fit, what is suspected."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from keepfit import errors, files
from keepfit.inspection import Inspection
from keepfit.loop.check import ROW, before, check
from keepfit.loop.take import take_cause, taken_before
from keepfit.profile import Profile, profile
from keepfit.schema import Dtype, Schema, Use
from keepfit.workspace import Workspace

__all__ = ["Described", "Description", "describe"]


@dataclass(frozen=True, slots=True)
class Described:
    """One column: what it is, what it is for, in how many rows it is missing, and what it looks like in words.

    Of a column that is kept apart nothing is said of its values.
    """

    name: str
    kind: str
    dtype: Dtype
    uses: tuple[Use, ...]
    missing: int | None
    says: str


@dataclass(frozen=True, slots=True)
class Description:
    """A table as it is known at a moment.

    `taken` is the entry of the snapshot that holds it, None where it was not taken yet. `refused` says that it would not be.
    """

    record: ClassVar[str] = "description"
    version: ClassVar[int] = 1

    origin: str
    at: datetime
    taken: int | None
    refused: bool
    columns: tuple[Described, ...]
    dropped: tuple[str, ...]
    inspection: Inspection


def describe(ws: Workspace, *, now: datetime, violations: Path | None = None) -> Description:
    """Look at the source, and write nothing down.

    Parameters
    ----------
    violations : a `.csv` or `.parquet` file to write: a line for each row that does not fit, with the check and the column

    Raises
    ------
    UsageFault
        The table is not there, empty, or no table of this project.
    """
    writer = _writer(violations) if violations else None
    cause = take_cause(ws) if writer is None else None
    kept = taken_before(ws, cause, now) if cause is not None else None
    if kept is not None and kept.inspection is not None and (last := before(ws, ws.spec.data.origin)) and last.profile:
        columns = _described(ws, kept.schema, last.profile)
        return Description(ws.spec.data.origin, now, kept.entry.seq, False, columns, kept.schema.dropped, kept.inspection)
    checked = check(ws, now=now)
    if violations is not None and writer is not None:
        lines = checked.broken.rename({ROW: "row"})
        files.write_whole(violations, lambda path: getattr(lines, writer)(path))
    columns = _described(ws, checked.known, profile(checked.frame, checked.known.public, ws.kinds))
    return Description(ws.spec.data.origin, now, None, bool(checked.refused), columns, checked.known.dropped, checked.inspection)


def _writer(path: Path) -> str:
    writer = {".csv": "write_csv", ".parquet": "write_parquet"}.get(path.suffix)
    if writer is None:
        fix = "name a file that ends in one of these"
        raise errors.BadArgument(f"'{path.name}' is neither .csv nor .parquet", at="--violations", fix=fix)
    return writer


def _described(ws: Workspace, known: Schema, looks: Profile) -> tuple[Described, ...]:
    found = []
    for column in known.columns:
        sketches = looks.columns.get(column.name)
        missing = sketches["count"]["missing"] if sketches else None
        says = ws.kinds[column.kind].says(sketches) if sketches else "kept apart"
        found.append(Described(column.name, column.kind, column.dtype, column.uses, missing, says))
    return tuple(found)
