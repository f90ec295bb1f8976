"""Segments on disk: open ones belong to a living process, sealed ones wait to be folded into the table."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from keepfit import files, segment
from keepfit.files import writable

__all__ = ["ROLL_AFTER", "SegmentWriter", "payloads", "seal_orphans", "waiting", "write_sealed"]

#: Seconds after which an open segment is sealed.
ROLL_AFTER = 600.0


class SegmentWriter:
    """One process's open segment of one kind; sealed when it is closed, has grown large, or is old.

    The process holds a lock on the file while it lives, so that a segment whose writer was killed can be
    told from one in use. Names follow each other in time, also where the clock jumps back.
    """

    def __init__(self, folder: Path, kind: str, *, roll_at: int = 64 << 20, roll_after: float = ROLL_AFTER) -> None:
        self._folder, self._kind, self._roll_at, self._roll_after = folder, kind, roll_at, roll_after
        self._descriptor = -1
        self._path = folder
        self._size = 0
        self._named = 0
        self._opened = 0.0

    def append(self, payloads: Sequence[bytes]) -> None:
        """Write payloads with one call, so that after a kill each is there whole or not at all.

        Raises
        ------
        CannotWrite
            The disk is full or may not be written; what was written of it is cut off again.
        """
        if self._descriptor < 0:
            self._open()
        data = segment.frame(payloads[0]) if len(payloads) == 1 else b"".join(map(segment.frame, payloads))
        try:
            written = os.write(self._descriptor, data)
            while written < len(data):
                written += os.write(self._descriptor, data[written:])
        except OSError as error:
            with writable(self._path):
                self._cut_back()
                raise error
        self._size += len(data)
        if self._size >= self._roll_at:
            self.close()

    def _cut_back(self) -> None:
        """Leave out what was written of a frame; where even that fails the segment ends here, as after a kill."""
        try:
            os.ftruncate(self._descriptor, self._size)
        except OSError:
            os.close(self._descriptor)
            self._descriptor = -1

    def _open(self) -> None:
        folder = self._folder / "open"
        with writable(folder):
            folder.mkdir(parents=True, exist_ok=True)
            while self._descriptor < 0:
                self._named = max(self._named + 1, time.time_ns())
                self._path = folder / f"{self._kind}-{self._named}-{os.getpid()}.seg"
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
                self._descriptor = os.open(self._path, flags, 0o600)
                fcntl.flock(self._descriptor, fcntl.LOCK_EX)
                if not self._path.exists():  # sealed as an orphan before it was locked
                    os.close(self._descriptor)
                    self._descriptor = -1
            try:
                self._size = os.write(self._descriptor, segment.MAGIC)
            except OSError:
                os.close(self._descriptor)
                self._descriptor = -1
                self._path.unlink(missing_ok=True)
                raise
        self._opened = time.monotonic()

    def syncing(self) -> Callable[[], None] | None:
        """What puts on the disk all that was appended until now; another thread may do it. None when nothing is open."""
        if self._descriptor < 0:
            return None
        descriptor = os.dup(self._descriptor)  # the segment may be sealed meanwhile

        def sync() -> None:
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

        return sync

    def seal_if_old(self) -> None:
        """Seal a segment that has been open for `roll_after` seconds."""
        if self._descriptor >= 0 and time.monotonic() - self._opened >= self._roll_after:
            self.close()

    def writable(self) -> bool:
        """Whether a page can be written beside the segment now."""
        beside = self._folder / "open" / f".{self._kind}-{os.getpid()}.probe"
        try:
            beside.write_bytes(bytes(4096))
        except OSError:
            return False
        finally:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)
        return True

    def close(self) -> None:
        """Sync and seal the segment."""
        if self._descriptor < 0:
            return
        descriptor, self._descriptor = self._descriptor, -1
        try:
            with writable(self._path):
                os.fsync(descriptor)
                _seal(self._path, self._folder)
        finally:
            os.close(descriptor)


def _seal(path: Path, folder: Path) -> None:
    sealed = folder / "sealed"
    sealed.mkdir(parents=True, exist_ok=True)
    path.rename(sealed / path.name)
    files.sync_folder(sealed)


def seal_orphans(folder: Path) -> None:
    """Seal the open segments whose writers are gone."""
    for path in sorted((folder / "open").glob("*.seg")):
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _seal(path, folder)
        except (BlockingIOError, FileNotFoundError):
            continue
        finally:
            os.close(descriptor)


def write_sealed(folder: Path, name: str, payloads: Sequence[bytes]) -> Path:
    """Write a whole segment at once, under a name of its content: writing it again changes nothing."""
    data = segment.MAGIC + b"".join(map(segment.frame, payloads))
    return files.write_new(folder / "sealed" / f"{name}.seg", data, mode=0o600)


def waiting(folder: Path, kind: str) -> list[Path]:
    """The segments of a kind that are not folded yet, in the order of their making."""
    found = {path.name: path for where in ("open", "sealed") for path in (folder / where).glob(f"{kind}-*.seg")}
    return [found[name] for name in sorted(found)]


def payloads(path: Path) -> Iterator[bytes]:
    """The payloads of a segment file; of one that was sealed or folded in between, from its new place or none."""
    for place in (path, path.parent.parent / "sealed" / path.name):
        try:
            data = place.read_bytes()
        except FileNotFoundError:
            continue
        yield from segment.frames(data, at=str(place))
        return
