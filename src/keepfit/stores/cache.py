"""What is known of files by looking at them, not into them: a cache that can be deleted and is never the truth."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from keepfit import digest

__all__ = ["Cache"]

#: A file that changed this short a time ago may change again within the grain of its clock, so it is read again.
_FRESH_NS = 2_000_000_000


class Cache:
    """Texts by key in a SQLite file. Whatever goes wrong with it counts as not knowing."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, key: str) -> str | None:
        """What was put under a key."""
        with contextlib.suppress(sqlite3.Error), contextlib.closing(self._open()) as connection:
            found = connection.execute("SELECT value FROM known WHERE key = ?", (key,)).fetchone()
            return str(found[0]) if found else None
        return None

    def put(self, key: str, value: str) -> None:
        """Keep a text under a key, in place of what was there."""
        with contextlib.suppress(sqlite3.Error), contextlib.closing(self._open()) as connection, connection:
            connection.execute("INSERT OR REPLACE INTO known (key, value) VALUES (?, ?)", (key, value))

    def digest_of(self, path: Path) -> str:
        """The digest of a file, read only when its size, time of change or place on the disk is another than before.

        A file whose bytes changed while its size and its time of change were set back is not seen, as with Git.
        """
        return self._digests([path], [path.stat()])[0]

    def digest_of_all(self, paths: Sequence[Path]) -> str:
        """The digest of the digests of files, in their order: of thousands that look as before one look-up."""
        looks = [path.stat() for path in paths]
        key = digest.of_bytes("\n".join(_look(path, seen) for path, seen in zip(paths, looks, strict=True)).encode())
        if (known := self.get(key)) is not None:
            return known
        found = digest.of_value(self._digests(paths, looks))
        if not any(map(_fresh, looks)):
            self.put(key, found)
        return found

    def told_of(self, paths: Sequence[Path], what: str, tell: Callable[[Path], Any]) -> list[Any]:
        """What `tell` says of each file, as JSON's own types; it is asked of those alone that look other than before.

        Parameters
        ----------
        what : names the question; whoever changes what `tell` answers changes the name
        """
        looks = [path.stat() for path in paths]
        keys = [digest.of_bytes(f"{what}\0{_look(path, seen)}".encode()) for path, seen in zip(paths, looks, strict=True)]
        known = self._get_all(keys)
        new = {key: json.dumps(tell(path)) for path, key in zip(paths, keys, strict=True) if key not in known}
        self._put_all([(key, new[key]) for key, seen in zip(keys, looks, strict=True) if key in new and not _fresh(seen)])
        return [json.loads(known.get(key) or new[key]) for key in keys]

    def _digests(self, paths: Sequence[Path], looks: Sequence[os.stat_result]) -> list[str]:
        # A digest, since a path may hold what the project file names by ${NAME} alone.
        keys = [digest.of_bytes(_look(path, seen).encode()) for path, seen in zip(paths, looks, strict=True)]
        known = self._get_all(keys)
        new = {key: digest.of_file(path) for path, key in zip(paths, keys, strict=True) if key not in known}
        self._put_all([(key, new[key]) for key, seen in zip(keys, looks, strict=True) if key in new and not _fresh(seen)])
        return [known.get(key) or new[key] for key in keys]

    def _get_all(self, keys: Sequence[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        with contextlib.suppress(sqlite3.Error), contextlib.closing(self._open()) as connection:
            for key in keys:
                found.update(connection.execute("SELECT key, value FROM known WHERE key = ?", (key,)).fetchall())
        return found

    def _put_all(self, pairs: Sequence[tuple[str, str]]) -> None:
        if pairs:
            with contextlib.suppress(sqlite3.Error), contextlib.closing(self._open()) as connection, connection:
                connection.executemany("INSERT OR REPLACE INTO known (key, value) VALUES (?, ?)", pairs)

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=5.0)
        try:
            connection.execute("CREATE TABLE IF NOT EXISTS known (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID")
        except sqlite3.Error:
            connection.close()
            raise
        return connection


def _look(path: Path, seen: os.stat_result) -> str:
    """What a file looks like from outside."""
    return f"{path}\0{seen.st_dev} {seen.st_ino} {seen.st_size} {seen.st_mtime_ns} {seen.st_ctime_ns}"


def _fresh(seen: os.stat_result) -> bool:
    """Whether a file changed so shortly ago that it may change again unseen."""
    return time.time_ns() - max(seen.st_mtime_ns, seen.st_ctime_ns) <= _FRESH_NS
