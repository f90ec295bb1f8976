"""What writers that were killed left behind: files that were never renamed into place, segments that nobody writes."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["leftovers", "orphans"]

#: The ends of names under which files are written before they are renamed into place.
_ENDS = (".part", ".new", ".probe")


def leftovers(home: Path, *, before: float) -> list[Path]:
    """Files and folders that were being written when their writer was killed, none changed since `before`.

    Parameters
    ----------
    before : seconds since 1970; what is newer may belong to a writer at work
    """
    return sorted(path for path in _unfinished(home) if _changed(path) < before)


def _unfinished(home: Path) -> Iterator[Path]:
    for path in home.rglob(".*"):
        if path.suffix in _ENDS and path.is_file():
            yield path
    for path in (home / "releases").glob(".*"):  # a release's folder is made beside its place
        if path.is_dir():
            yield path


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # its writer finished
        return float("inf")


def orphans(segments: Path) -> list[Path]:
    """Open segments whose writers are gone; the next fold takes them in."""
    found = []
    for path in sorted((segments / "open").glob("*.seg")):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            found.append(path)
        except BlockingIOError:
            continue
        finally:
            os.close(descriptor)
    return found
