"""Begin: from a table that nobody has described to a project file that runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from keepfit import errors, files, hints
from keepfit.loop.draft import text_of
from keepfit.proposal import Answers, Proposal, propose
from keepfit.spec.load import FILE, literal_password
from keepfit.survey import Survey, survey
from keepfit.suspicion import suspect
from keepfit.table import dtype_of, plain_part
from keepfit.workspace import Workspace, column_kinds, open_source

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Table", "begin", "decide", "find_table", "look", "suggest"]

#: What `init` looks for when no table is named.
_TABLES: tuple[str, ...] = ("*.parquet", "*.pq", "*.csv")


#: Suspicions for which a column is taken to be known only later.
_LATER = ("leak", "missing", "after")


@dataclass(frozen=True, slots=True)
class Table:
    """A table in its stored types, what it looks like, and how a project file in its folder names it.

    `odd` are columns that hold no plain values, and what they hold: they are not in the frame.
    """

    frame: pl.DataFrame
    seen: Survey
    source: str
    odd: Mapping[str, str] = field(default_factory=dict)


def find_table(folder: Path) -> Path:
    """The one table in a folder.

    Raises
    ------
    Undecided
        There is none, or more than one.
    """
    found = sorted({path.name for pattern in _TABLES for path in folder.glob(pattern) if path.is_file()})
    if len(found) == 1:
        return folder / found[0]
    if found:
        more = ", …" if len(found) > 5 else ""
        fix = f"name one: keepfit init {found[0]}"
        raise errors.Undecided(f"there are {len(found)} tables here: {', '.join(found[:5])}{more}", at=str(folder), fix=fix)
    raise errors.Undecided("there is no table here", at=str(folder), fix="name one: keepfit init TABLE (csv or parquet)")


def look(table: str, folder: Path) -> Table:
    """Read a table and look at every column; a path is taken from where the command stands.

    Raises
    ------
    LiteralPassword, UsageFault
        The URL holds a password; or it is no table that can be read.
    """
    if literal_password(table):
        fix = "write ${NAME} in its place, in quotes, and set NAME in the environment"
        raise errors.LiteralPassword("the URL holds a password", at="TABLE", fix=fix)
    source = table if "://" in table else _from(folder, table)
    frame, odd = plain_part(open_source(source, folder=folder, at="TABLE").read(), "UTC")
    dtypes = {name: dtype_of(dtype) for name, dtype in frame.schema.items()}
    return Table(frame, survey(frame, dtypes, column_kinds()), source, {name: fault.message for name, fault in odd.items()})


def _from(folder: Path, table: str) -> str:
    """A path as the project file names it: relative to the project where it was given so, or lies inside."""
    path = Path(table).absolute()
    if Path(table).is_absolute() and not path.is_relative_to(folder):
        return table
    return Path(os.path.relpath(path, folder)).as_posix()


def suggest(table: Table, said: Answers) -> Proposal:
    """What a project file of this table might say, by what was said so far; raises as `propose` does."""
    return _without(table, propose(table.frame, table.seen, said, source=table.source, later={}))


def _without(table: Table, proposal: Proposal) -> Proposal:
    """A proposal that leaves out the columns that no model can take, such as lists."""
    settings = {**proposal.settings, **{name: {"ignore": True} for name in table.odd}}
    reasons = {**proposal.reasons, **{f"columns.{name}": why for name, why in table.odd.items()}}
    return replace(proposal, columns=proposal.columns + len(table.odd), settings=settings, reasons=reasons)


def decide(table: Table, said: Answers) -> Proposal:
    """What the project file is to say, with what is suspected of the table once target and time are known."""
    first = suggest(table, said)
    skip = [name for name, setting in first.settings.items() if "kind" not in setting and name not in table.odd]
    found = suspect(table.frame, target=first.target, time=first.time, key=first.key, delay=first.label_delay, skip=skip)
    later = {one.column: one.because for one in reversed(found) if one.kind in _LATER and one.column}
    decided = _without(table, propose(table.frame, table.seen, said, source=table.source, later=later))
    passed_over = {*_LATER, "constant", *([] if hints.has_classes(decided.task) else ["balance"])}
    more = [f"{one.column}: {one.because}" if one.column else one.because for one in found if one.kind not in passed_over]
    return replace(decided, notes=(*decided.notes, *more))


def begin(folder: Path, table: Table, proposal: Proposal, *, replace: bool = False) -> tuple[Path, int]:
    """Write the project file; give its path and its lines. One that was there is kept beside it.

    Raises
    ------
    AlreadyThere
        There is one, and it is not to be replaced.
    Faults
        What is proposed does not hold, by what the owner said.
    """
    path = folder / FILE
    refuse_another(folder, replace=replace)
    text = text_of(proposal, timezone=any(column.kind == "moment" for column in table.seen.columns))
    before = path.read_bytes() if path.exists() else None
    files.write_whole(path, text.encode())
    try:
        Workspace(folder).check()
    except errors.KeepfitError:
        path.unlink()
        if before is not None:
            files.write_whole(path, before)
        raise
    if before is not None:
        files.write_whole(path.with_suffix(".toml.before"), before)
    return path, text.count("\n")


def refuse_another(folder: Path, *, replace: bool) -> None:
    """Raise where a project file would be lost."""
    if (folder / FILE).exists() and not replace:
        fix = "change that file, or write another with --force: the old one stays as keepfit.toml.before"
        raise errors.AlreadyThere(f"there is a {FILE} here already", at=str(folder), fix=fix)
