"""What is known of files by looking at them, not into them: a cache that can be deleted and is never the truth."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path

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
        seen = path.stat()
        # A digest, since a path may hold what the project file names by ${NAME} alone.
        key = digest.of_value(["file", str(path), seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns])
        if (known := self.get(key)) is not None:
            return known
        found = digest.of_file(path)
        if time.time_ns() - max(seen.st_mtime_ns, seen.st_ctime_ns) > _FRESH_NS:
            self.put(key, found)
        return found

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=5.0)
        try:
            connection.execute("CREATE TABLE IF NOT EXISTS known (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID")
        except sqlite3.Error:
            connection.close()
            raise
        return connection
