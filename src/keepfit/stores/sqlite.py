"""The ledger in a SQLite file: the default, for one machine and any number of processes."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from keepfit.errors import CannotWrite, LedgerUnreachable, NewerFormat, StoreFault
from keepfit.ledger import Draft, Entry, Head, check_newest, place, read_entry

__all__ = ["SqliteLedger"]

#: Of the tables below, kept in the database as `user_version`.
FORMAT = 1
#: Seconds to wait for other processes that are writing.
PATIENCE = 60.0

_TABLES = (
    "CREATE TABLE IF NOT EXISTS entries ("
    " project TEXT NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL,"
    " text TEXT NOT NULL, hash TEXT NOT NULL,"
    " UNIQUE (project, seq), UNIQUE (project, key))",
    "CREATE INDEX IF NOT EXISTS entries_by_kind ON entries (project, kind, seq)",
    f"PRAGMA user_version = {FORMAT}",
)
_INSERT = "INSERT INTO entries (project, seq, kind, key, text, hash) VALUES (?, ?, ?, ?, ?, ?)"
_HEAD = "SELECT seq, hash FROM entries WHERE project = ? ORDER BY seq DESC LIMIT 1"
_BY_KEY = "SELECT text, hash FROM entries WHERE project = ? AND key = ?"
_LAST = "SELECT text, hash FROM entries WHERE project = ? AND kind = ? ORDER BY seq DESC LIMIT 1"
_PLACE = "SELECT max(seq) FROM entries WHERE project = ? AND kind = ?"
_PAGE = "SELECT seq, text, hash FROM entries WHERE project = ? AND seq > ? ORDER BY seq LIMIT ?"
_PAGE_OF_KIND = "SELECT seq, text, hash FROM entries WHERE project = ? AND seq > ? AND kind = ? ORDER BY seq LIMIT ?"
# Bytes, so that text which is no longer UTF-8 is shown by verification instead of ending it.
_RAW_PAGE = "SELECT seq, CAST(text AS BLOB), CAST(hash AS BLOB) FROM entries WHERE project = ? AND seq > ? ORDER BY seq LIMIT ?"
#: Reads fetch whole pages: an open cursor would hold back the log's clean-up, and an append while reading would fail.
_ROWS = 500
_KEYS_AT_ONCE = 500

_WAITED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_UNREADABLE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

T = TypeVar("T")


class SqliteLedger:
    """One project's entries in a SQLite file, which is made at the first use.

    A handle may be used by several threads; each process opens its own, after it was forked.
    Every append is on the disk when the call returns (write-ahead log, `synchronous = FULL`).

    Parameters
    ----------
    path : the file; its folder must be there
    project : whose chain; one file may hold several
    """

    def __init__(self, path: Path | str, project: str) -> None:
        self.project = project
        self._path = Path(path)
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.RLock()

    def append(
        self, drafts: Sequence[Draft], *, recorded_at: datetime | None = None, newest: Mapping[str, int] | None = None
    ) -> list[Entry]:
        if not drafts:
            return []
        with self._turn() as connection:
            self._patiently(lambda: connection.execute("BEGIN IMMEDIATE"))
            try:
                there = self._there(connection, [draft.key for draft in drafts])
                if newest and any(draft.key not in there for draft in drafts):
                    check_newest(self.project, newest, lambda kind: connection.execute(_PLACE, (self.project, kind)).fetchone()[0] or 0)
                head = Head(*(connection.execute(_HEAD, (self.project,)).fetchone() or ()))
                answers, new = place(self.project, head, drafts, there, recorded_at or datetime.now(UTC))
                rows = [(entry.project, entry.seq, entry.kind, entry.key, text, entry.hash) for entry, text in new]
                connection.executemany(_INSERT, rows)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        return answers

    def _there(self, connection: sqlite3.Connection, keys: Sequence[str]) -> dict[str, Entry]:
        found: dict[str, Entry] = {}
        for begin in range(0, len(keys), _KEYS_AT_ONCE):
            some = keys[begin : begin + _KEYS_AT_ONCE]
            marks = ", ".join("?" * len(some))
            rows = connection.execute(f"SELECT key, text, hash FROM entries WHERE project = ? AND key IN ({marks})", (self.project, *some))  # noqa: S608
            found.update((key, read_entry(text, hash_)) for key, text, hash_ in rows)
        return found

    def entries(self, *, kind: str | None = None, after: int = 0) -> Iterator[Entry]:
        while True:
            if kind is None:
                rows = self._rows(_PAGE, (self.project, after, _ROWS))
            else:
                rows = self._rows(_PAGE_OF_KIND, (self.project, after, kind, _ROWS))
            for _, text, hash_ in rows:
                yield read_entry(text, hash_)
            if len(rows) < _ROWS:
                return
            after = rows[-1][0]

    def find(self, key: str) -> Entry | None:
        rows = self._rows(_BY_KEY, (self.project, key))
        return read_entry(*rows[0]) if rows else None

    def last(self, kind: str) -> Entry | None:
        rows = self._rows(_LAST, (self.project, kind))
        return read_entry(*rows[0]) if rows else None

    def head(self) -> Head:
        rows = self._rows(_HEAD, (self.project,))
        return Head(*rows[0]) if rows else Head()

    def texts(self, *, after: int = 0) -> Iterator[tuple[int, str, str]]:
        while rows := self._rows(_RAW_PAGE, (self.project, after, _ROWS)):
            for seq, text, hash_ in rows:
                yield seq, text.decode(errors="replace"), hash_.decode(errors="replace")
            after = rows[-1][0]

    def probe(self) -> None:
        with self._turn() as connection:
            self._patiently(lambda: connection.execute("BEGIN IMMEDIATE"))
            try:
                connection.execute(_INSERT, (self.project, 0, "probe", "probe", "", ""))
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _rows(self, statement: str, arguments: tuple[object, ...]) -> list[Any]:
        with self._turn() as connection:
            return self._patiently(lambda: connection.execute(statement, arguments).fetchall())

    @contextlib.contextmanager
    def _turn(self) -> Iterator[sqlite3.Connection]:
        """The connection, for one thread at a time; what SQLite refuses becomes an error that says what to do."""
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._open()
                    weakref.finalize(self, self._connection.close)  # where nobody closes the ledger
                yield self._connection
            except sqlite3.Error as error:
                raise self._fault(error) from error

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._address(), uri=True, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA synchronous = FULL")
            written = self._patiently(lambda: connection.execute("PRAGMA user_version").fetchone()[0])
            if written > FORMAT:
                fix = "install the keepfit that wrote it, or a later one"
                raise NewerFormat(f"the ledger has format {written}; this keepfit reads up to {FORMAT}", at=str(self._path), fix=fix)
            if written == 0:
                self._make_tables(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _address(self) -> str:
        """Where a folder cannot be written, a file without a write-ahead log can still be read: nobody else changes it."""
        address = f"{self._path.absolute().as_uri()}"
        wal = self._path.with_name(f"{self._path.name}-wal")
        still = self._path.exists() and not os.access(self._path.parent, os.W_OK) and not (wal.exists() and wal.stat().st_size)
        return f"{address}?mode=ro&immutable=1" if still else address

    def _make_tables(self, connection: sqlite3.Connection) -> None:
        self._patiently(lambda: connection.execute("PRAGMA journal_mode = WAL"))
        self._patiently(lambda: connection.execute("BEGIN IMMEDIATE"))
        try:
            for statement in _TABLES:
                connection.execute(statement)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _patiently(self, act: Callable[[], T]) -> T:
        """Do what SQLite's own waiting does not cover: changing to the write-ahead log, and recovery after a crash."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return act()
            except sqlite3.OperationalError as error:
                if _code(error) not in _WAITED or time.monotonic() >= until:
                    raise
            time.sleep(0.005)

    def _fault(self, error: sqlite3.Error) -> StoreFault:
        code, at = _code(error), str(self._path)
        if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _no_room(self._path.parent)):
            return CannotWrite("the ledger cannot be written: the disk is full", at=at, fix="free some space and run this again")
        if code == sqlite3.SQLITE_READONLY:
            fix = "change the rights of the file and its folder, or move the project to a folder that can be written"
            return CannotWrite("the ledger cannot be written: the file or its folder is read-only", at=at, fix=fix)
        if code == sqlite3.SQLITE_CANTOPEN:
            fix = "see that its folder is there and that this user may read and write it"
            return LedgerUnreachable("the ledger's file cannot be opened", at=at, fix=fix)
        if code in _UNREADABLE:
            fix = "put back a copy of the file, with its -wal file if there is one; `keepfit ledger verify` then shows what is missing"
            return LedgerUnreachable("the ledger's file is damaged or no SQLite database", at=at, fix=fix)
        if code in _WAITED:
            fix = "end the process that holds it, then run this again"
            return LedgerUnreachable(f"another process held the ledger for {PATIENCE:.0f} seconds", at=at, fix=fix)
        return LedgerUnreachable(f"the ledger did not answer: {error}", at=at, fix="see the message of SQLite")


def _no_room(folder: Path) -> bool:
    """SQLite calls it an I/O error when the index of its log does not fit, which is made in pieces of 32 KiB."""
    return shutil.disk_usage(folder).free < 1 << 16


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary result code; 0 for an error of the Python module."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
