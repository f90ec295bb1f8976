"""Upgrade: rewrite a folder `.keepfit` of an older format, after a copy of it was made."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from keepfit import errors, files
from keepfit.workspace import FORMAT, Workspace, format_of, mark

__all__ = ["Change", "Upgrade", "upgrade"]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that an upgrade does, to a path below `.keepfit`."""

    path: str
    says: str


@dataclass(frozen=True, slots=True)
class Upgrade:
    """From which format to which, what that changes, whether it was done, and where the folder as it was is kept."""

    record: ClassVar[str] = "upgrade"
    version: ClassVar[int] = 1

    before: int
    after: int
    changes: tuple[Change, ...]
    done: bool
    backup: str | None = None


@dataclass(frozen=True, slots=True)
class _Step:
    """From one format to the next: what it would change, and how. Doing it again after a kill does the rest."""

    look: Callable[[Path], Iterator[Change]]
    do: Callable[[Path], None]


def upgrade(ws: Workspace, *, do: bool) -> Upgrade:
    """What an upgrade of the project's folder would change; with `do`, make a copy of it and change it.

    Raises
    ------
    NothingThere
        The project has no folder yet.
    NewerFormat, BrokenFile
        A newer keepfit wrote it; or its format cannot be read.
    """
    before = format_of(ws.home)
    if before is None:
        raise errors.NothingThere("nothing has run here yet, so there is nothing to upgrade", at=str(ws.home), fix="keepfit run")
    steps = [_STEPS[number] for number in range(before, FORMAT)]
    changes = tuple(change for step in steps for change in step.look(ws.home))
    if not do or not steps:
        return Upgrade(before, FORMAT, changes, done=False)
    with files.lock(ws.home / "run" / "loop.lock", wait=60.0):
        backup = _copied(ws.home, ws.folder / f".keepfit.format-{before}", {change.path for change in changes})
        for step in steps:
            step.do(ws.home)
    return Upgrade(before, FORMAT, changes, done=True, backup=backup.name)


def _copied(home: Path, backup: Path, changing: set[str]) -> Path:
    """The folder as it was; files that are never rewritten are linked, which takes no room. One that is there already is kept."""
    if backup.exists():
        return backup
    beside = backup.with_name(f"{backup.name}.part")
    with files.writable(beside):
        shutil.rmtree(beside, ignore_errors=True)
        for path in sorted(home.rglob("*")):
            name = path.relative_to(home)
            if name.parts[0] == "run" or path.name.endswith(("-wal", "-shm")):
                continue
            place = beside / name
            if path.is_dir():
                place.mkdir(parents=True, exist_ok=True)
                shutil.copymode(path, place)
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix == ".sqlite":
                _copy_database(path, place)
            elif name.as_posix() in changing or not _linked(path, place):
                shutil.copy2(path, place)
        (beside / ".gitignore").unlink(missing_ok=True)
        (beside / ".gitignore").write_bytes(b"*\n")
        beside.rename(backup)
        files.sync_folder(backup.parent)
    return backup


def _linked(path: Path, place: Path) -> bool:
    try:
        os.link(path, place)
    except OSError:  # the file system has no links
        return False
    return True


def _copy_database(path: Path, place: Path) -> None:
    """Copy a database with what its log holds, while others may write to it."""
    try:
        with contextlib.closing(sqlite3.connect(path)) as source, contextlib.closing(sqlite3.connect(place)) as target:
            source.backup(target)
    except sqlite3.Error as error:
        fix = "put back a copy of the file, then run this again"
        raise errors.LedgerUnreachable(f"a database cannot be copied: {error}", at=str(path), fix=fix) from error


# -- from format to format ----------------------------------------------------------------------


def _look_unmarked(home: Path) -> Iterator[Change]:
    """Format 0: a folder without its marker, as a copy by a tool that leaves out hidden files and rights gives."""
    for path in _too_open(home):
        yield Change(path.relative_to(home).as_posix(), "readable by its owner alone")
    if not (home / ".gitignore").exists():
        yield Change(".gitignore", "keeps the folder out of Git")
    yield Change("format", f"says that the folder has format {FORMAT}")


def _mark(home: Path) -> None:
    for path in _too_open(home):
        with files.writable(path):
            path.chmod(0o700 if path.is_dir() else 0o600)
    mark(home)


def _too_open(home: Path) -> list[Path]:
    """What this keepfit writes for its owner alone, and others may read: keys, private columns, the log."""
    kept = [home / "secrets", *(home / "secrets").glob("*"), *(home / "tables").rglob("*.private.parquet")]
    kept += [*(home / "tables" / "predictions").glob("*"), *(home / "tables" / "labels").glob("*"), *(home / "segments").glob("*/*.seg")]
    return sorted({path for path in kept if path.exists() and path.stat().st_mode & 0o077})


#: What leads from each older format to the next.
_STEPS: Mapping[int, _Step] = {0: _Step(_look_unmarked, _mark)}
