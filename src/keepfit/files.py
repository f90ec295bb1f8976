"""Files that are there whole or not at all, and locks between processes of one machine."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from keepfit.errors import Busy, CannotWrite

__all__ = ["lock", "writable", "write_new", "write_whole"]

_WHY = {
    errno.ENOSPC: ("the disk is full", "free some space and run the command again: what was finished is kept"),
    errno.EDQUOT: ("the disk quota is used up", "free some space and run the command again: what was finished is kept"),
    errno.EROFS: ("the file system is read-only", "move the project to a folder that can be written"),
    errno.EACCES: ("this user may not write there", "change the folder's rights, or move the project"),
    errno.EPERM: ("this user may not write there", "change the folder's rights, or move the project"),
}


@contextlib.contextmanager
def writable(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals to write `path` into an error that says what to do."""
    try:
        yield
    except OSError as error:
        why, fix = _WHY.get(error.errno or 0, (error.strerror or str(error), "see the message of the operating system"))
        raise CannotWrite(f"cannot write: {why}", at=str(path), fix=fix) from error


def write_whole(path: Path, fill: bytes | Callable[[Path], object], *, mode: int = 0o644) -> Path:
    """Write a file so that a reader finds the old one or the new one, whole, after any crash.

    `fill` is the content, or a function that writes it to the temporary path it is given. The file is
    written beside `path`, synced, renamed into place, and the folder synced.
    """
    with writable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        beside = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                if callable(fill):
                    fill(beside)
                else:
                    file.write(fill)
                    file.flush()
                os.fchmod(file.fileno(), mode)
                os.fsync(file.fileno())
            beside.replace(path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
    return path


def write_new(path: Path, fill: bytes | Callable[[Path], object], *, mode: int = 0o644) -> Path:
    """Like `write_whole`, for a file named by its content: one that is there is left as it is."""
    return path if path.exists() else write_whole(path, fill, mode=mode)


def sync_folder(folder: Path) -> None:
    """Make renames in a folder last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def lock(path: Path, *, wait: float = 0.0, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold an exclusive lock that the operating system gives back when the process ends, however it ends.

    Parameters
    ----------
    path : the lock file, made when it is not there
    wait : seconds to wait for another holder
    waiting : called once when there is something to wait for

    Raises
    ------
    Busy
        Another process still holds it after `wait` seconds.
    """
    with writable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        until = time.monotonic() + wait
        said = False
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= until:
                    fix = "wait until it has ended, then run this again"
                    raise Busy("another keepfit command is at work in this project", at=str(path), fix=fix) from None
                if not said and waiting is not None:
                    waiting()
                    said = True
                time.sleep(0.05)
        yield
    finally:
        os.close(descriptor)
