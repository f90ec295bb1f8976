"""Diagnosis: whether this machine and this project are fit to work, each thing found by trying it."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from keepfit import errors
from keepfit.errors import KeepfitError
from keepfit.ledger import Head
from keepfit.reports import environment
from keepfit.reports.environment import Check
from keepfit.spec.load import expand
from keepfit.stores.leftovers import leftovers, orphans
from keepfit.workspace import FORMAT, Workspace, format_of

__all__ = ["Diagnosis", "diagnose"]

#: What a writer did not finish for so many seconds, it never will.
STALE = 3600.0


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Everything that was looked at; `project` is None where there is none."""

    record: ClassVar[str] = "diagnosis"
    version: ClassVar[int] = 1

    project: str | None
    checks: tuple[Check, ...]

    @property
    def exit_code(self) -> int:
        """0 where nothing is bad, 4 where a store or the machine is, 3 where only the project file or the installation is."""
        return max((check.exit_code for check in self.checks if check.status == "bad"), default=0)


def diagnose(open_workspace: Callable[[], Workspace], folder: Path) -> Diagnosis:
    """Look at the machine, and at the project where there is one.

    Parameters
    ----------
    open_workspace : opens the project; its errors are findings
    folder : where the project is, or would be
    """
    checks = [*environment.python(), *environment.libraries(), *environment.extras()]
    try:
        ws = open_workspace()
    except errors.NoProject:
        checks += [*environment.file_system(folder, sqlite=True), *environment.disk(folder)]
        return Diagnosis(None, (*checks, Check("project", "warning", "no keepfit.toml here or above", "begin with: keepfit init TABLE")))
    except KeepfitError as error:
        checks += [*environment.file_system(folder, sqlite=True), *environment.disk(folder)]
        return Diagnosis(None, (*checks, _said("project file", error)))
    checks += environment.file_system(ws.folder, sqlite=ws.spec.stores.ledger == "sqlite")
    checks += environment.disk(ws.folder)
    checks += _project(ws)
    return Diagnosis(ws.project, tuple(checks))


def _said(name: str, error: KeepfitError) -> Check:
    """An error as a finding."""
    first, *more = error.faults
    rest = f", and {len(more)} more faults: keepfit check shows them" if more else ""
    return Check(name, "bad", f"{first.code}: {first.message} ({first.at}){rest}", first.fix, error.exit_code)


def _project(ws: Workspace) -> Iterator[Check]:
    yield from _tried("project file", ws.check, "keepfit.toml holds")
    yield _format(ws)
    if not ws.home.exists():
        yield Check("project", "good", "nothing has run here yet")
        return
    yield from _ledger(ws)
    yield _at_work(ws)
    yield _secrets(ws.home / "secrets")
    yield _unfinished(ws)


def _tried(name: str, act: Callable[[], object], good: str) -> Iterator[Check]:
    try:
        act()
    except KeepfitError as error:
        yield _said(name, error)
    else:
        yield Check(name, "good", good)


def _format(ws: Workspace) -> Check:
    try:
        written = format_of(ws.home)
    except KeepfitError as error:
        return _said("format", error)
    if written is not None and written < FORMAT:
        return Check("format", "warning", f".keepfit has format {written}, this keepfit writes {FORMAT}", "keepfit upgrade")
    return Check("format", "good", f"{FORMAT}")


def _ledger(ws: Workspace) -> Iterator[Check]:
    """The ledger: reached, writable, not ahead of the clock, and the one that keepfit.lock speaks of."""
    url = ws.spec.stores.ledger
    try:
        expand(url, at=ws.place("stores", "ledger"))
        head = ws.ledger.head()
        ws.ledger.probe()
        newest = next(iter(ws.ledger.entries(after=head.seq - 1)), None) if head.seq else None
    except KeepfitError as error:
        yield _said("ledger", error)
        return
    kind = "SQLite" if url == "sqlite" else url.partition("://")[0]
    yield Check("ledger", "good", f"{head.seq:,} entries in {kind}, and it can be written")
    if newest is not None and newest.recorded_at.timestamp() > time.time() + 300:
        ahead = f"entry {head.seq} was written at {newest.recorded_at:%Y-%m-%dT%H:%MZ}, later than this machine's clock says"
        yield Check("ledger's clock", "warning", ahead, "set the clocks of all machines of this project by a time server")
    yield _lock(ws, head)


def _lock(ws: Workspace, head: Head) -> Check:
    """Whether the chain holds the head that `keepfit.lock` names."""
    try:
        lock = ws.read_lock()
    except KeepfitError as error:
        return _said("keepfit.lock", error)
    if lock is None or lock.head == head:
        return Check("keepfit.lock", "good", "not written yet" if lock is None else f"at entry {lock.head.seq}, as the ledger")
    held = next((hash_ for seq, _, hash_ in ws.ledger.texts(after=lock.head.seq - 1) if seq == lock.head.seq), None)
    if lock.head.seq and held != lock.head.hash:
        fix = "keepfit ledger verify says more; restore the ledger, or where the chain is right, delete keepfit.lock"
        return Check("keepfit.lock", "bad", f"the ledger does not hold entry {lock.head.seq} that it names", fix, 4)
    behind = f"at entry {lock.head.seq}, the ledger at {head.seq}: a command was stopped in between"
    return Check("keepfit.lock", "warning", behind, "the next command moves it: keepfit turn")


def _at_work(ws: Workspace) -> Check:
    """Whether another command holds the project now; a lock lasts only as long as its process."""
    path = ws.home / "run" / "loop.lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return Check("at work", "good", "no other command")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        since = datetime.fromtimestamp(path.stat().st_atime, UTC)
        return Check("at work", "warning", f"another command holds the project (last seen {since:%H:%M}Z)", "wait, or end that process")
    finally:
        os.close(descriptor)
    return Check("at work", "good", "no other command")


def _secrets(folder: Path) -> Check:
    """Whether only this user may read the project's keys."""
    paths = [folder, *folder.glob("*")] if folder.exists() else []
    open_to_others = [path.name for path in paths if path.stat().st_mode & 0o077]
    if open_to_others:
        return Check("secrets", "bad", f"others may read {', '.join(open_to_others)}", f"chmod -R go-rwx {folder}")
    return Check("secrets", "good", f"{max(0, len(paths) - 1)} keys, for this user alone" if paths else "none yet")


def _unfinished(ws: Workspace) -> Check:
    """What killed writers left behind."""
    left = leftovers(ws.home, before=time.time() - STALE)
    waiting = orphans(ws.segments)
    found = [*([f"{len(left)} unfinished files ({_size(left)})"] if left else []), *([f"{len(waiting)} segments"] if waiting else [])]
    if not found:
        return Check("leftovers", "good", "no writer was killed at work")
    fix = "keepfit gc removes the files; the next keepfit serve, turn or watch takes the segments in"
    return Check("leftovers", "warning", f"killed writers left {' and '.join(found)}", fix)


def _size(paths: Iterable[Path]) -> str:
    size = sum(path.stat().st_size for path in paths if path.is_file())
    return f"{size / 1e6:.1f} MB"
