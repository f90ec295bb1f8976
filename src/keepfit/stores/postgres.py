"""The ledger in PostgreSQL: for several machines."""

from __future__ import annotations

import hashlib
import re
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote

from keepfit.errors import CannotWrite, ExtraNeeded, LedgerUnreachable, NewerFormat, StoreFault
from keepfit.ledger import Draft, Entry, Head, check_newest, place, read_entry

try:
    import psycopg
    from psycopg import conninfo, errors
except ImportError as missing:
    raise ExtraNeeded("a ledger in PostgreSQL needs psycopg", fix="pip install 'keepfit[postgres]'") from missing

__all__ = ["PostgresLedger"]

#: Of the tables below, kept in the table `keepfit_format`.
FORMAT = 1
#: Seconds for a statement, waiting for other writers included.
PATIENCE = 60

_SETUP = (
    "CREATE TABLE keepfit_entries ("
    ' project text COLLATE "C" NOT NULL, seq bigint NOT NULL, kind text COLLATE "C" NOT NULL, key text COLLATE "C" NOT NULL,'
    ' "text" text NOT NULL, hash text COLLATE "C" NOT NULL,'
    " PRIMARY KEY (project, seq), UNIQUE (project, key))",
    "CREATE INDEX keepfit_entries_by_kind ON keepfit_entries (project, kind, seq)",
    "CREATE TABLE keepfit_format (version integer NOT NULL)",
)
_INSERT = 'INSERT INTO keepfit_entries (project, seq, kind, key, "text", hash) VALUES (%s, %s, %s, %s, %s, %s)'
_HEAD = "SELECT seq, hash FROM keepfit_entries WHERE project = %s ORDER BY seq DESC LIMIT 1"
_BY_KEY = 'SELECT "text", hash FROM keepfit_entries WHERE project = %s AND key = %s'
_BY_KEYS = 'SELECT key, "text", hash FROM keepfit_entries WHERE project = %s AND key = ANY(%s)'
_LAST = 'SELECT "text", hash FROM keepfit_entries WHERE project = %s AND kind = %s ORDER BY seq DESC LIMIT 1'
_PLACE = "SELECT coalesce(max(seq), 0) FROM keepfit_entries WHERE project = %s AND kind = %s"
_PAGE = 'SELECT seq, "text", hash FROM keepfit_entries WHERE project = %s AND seq > %s ORDER BY seq LIMIT %s'
_PAGE_OF_KIND = 'SELECT seq, "text", hash FROM keepfit_entries WHERE project = %s AND seq > %s AND kind = %s ORDER BY seq LIMIT %s'
_ROWS = 500

_SESSION = f"-c statement_timeout={PATIENCE}s -c idle_in_transaction_session_timeout={PATIENCE}s"
_DEFAULTS: dict[str, str | int] = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
    "application_name": "keepfit",
}
#: A password with a bare "@", "/" or ":" is split in the wrong place; the rest would be shown as host, port or database.
_SOUND_URL = re.compile(r"postgres(?:ql)?://(?:[^@/]*@)?[^@?]*(?:\?.*)?", re.DOTALL)
_SOUND_PORT = re.compile(r"[0-9,]*")
#: The classes of SQLSTATE that speak of the connection: lost, not authorised, no such database, too many, shutting down.
_NO_CONNECTION = ("08", "28", "3D", "53", "57")
_REFUSED = (errors.ReadOnlySqlTransaction, errors.InsufficientPrivilege)

Connection = psycopg.Connection[tuple[Any, ...]]
T = TypeVar("T")


class PostgresLedger:
    """One project's entries in a PostgreSQL database, whose tables are made at the first use.

    A handle may be used by several threads; each process opens its own, after it was forked. Appends
    to one project wait for each other on an advisory lock, so the chain has no gaps. A connection
    that dropped is opened again once: appending is safe to repeat, since keys are unique.

    Parameters
    ----------
    url : `postgresql://user:password@host:port/database`; the password is never printed
    project : whose chain; one database may hold several
    """

    def __init__(self, url: str, project: str) -> None:
        self.project = project
        self._url = url
        self._connection: Connection | None = None
        self._lock = threading.RLock()

    def append(
        self, drafts: Sequence[Draft], *, recorded_at: datetime | None = None, newest: Mapping[str, int] | None = None
    ) -> list[Entry]:
        if not drafts:
            return []
        keys = [draft.key for draft in drafts]

        def work(connection: Connection) -> list[Entry]:
            with connection.transaction(), connection.cursor() as cursor:
                # One statement before the first read: under READ COMMITTED the next one sees all that the lock waited for.
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_lock_number(self.project),))
                rows = cursor.execute(_BY_KEYS, (self.project, keys)).fetchall()
                there = {key: read_entry(text, hash_) for key, text, hash_ in rows}
                if newest and any(key not in there for key in keys):
                    check_newest(self.project, newest, lambda kind: _place(cursor, self.project, kind))
                head = Head(*(cursor.execute(_HEAD, (self.project,)).fetchone() or ()))
                answers, new = place(self.project, head, drafts, there, recorded_at or datetime.now(UTC))
                cursor.executemany(_INSERT, [(e.project, e.seq, e.kind, e.key, text, e.hash) for e, text in new])
            return answers

        return self._ask(work)

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
        while rows := self._rows(_PAGE, (self.project, after, _ROWS)):
            yield from rows
            after = rows[-1][0]

    def probe(self) -> None:
        def work(connection: Connection) -> None:
            with connection.transaction(force_rollback=True):
                connection.execute(_INSERT, (self.project, 0, "probe", "probe", "", ""))

        self._ask(work)

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _rows(self, statement: str, arguments: tuple[object, ...]) -> list[Any]:
        return self._ask(lambda connection: connection.execute(statement, arguments).fetchall())

    def _ask(self, work: Callable[[Connection], T]) -> T:
        with self._lock:
            try:
                if self._connection is not None:
                    try:
                        return work(self._connection)
                    except psycopg.OperationalError:
                        if not self._connection.closed:
                            raise
                self._connection = self._open()
                weakref.finalize(self, self._connection.close)  # where nobody closes the ledger
                return work(self._connection)
            except psycopg.Error as error:
                raise self._fault(error) from None  # the driver's own message may hold what must not be printed

    def _open(self) -> Connection:
        given = self._given()
        if given is None:
            fix = "write it as postgresql://user:${PASSWORD}@host:5432/database, with special characters of the password as %XX"
            raise LedgerUnreachable("the URL of the ledger's database cannot be read", at=self._at(), fix=fix)
        options = f"{given.pop('options', None) or ''} {_SESSION}".strip()
        connection = psycopg.connect(**(_DEFAULTS | given), options=options, client_encoding="utf8", autocommit=True)
        try:
            connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
            encoding = connection.info.parameter_status("server_encoding")
            if encoding != "UTF8":
                fix = "make the database with ENCODING 'UTF8'"
                raise LedgerUnreachable(f"the database keeps text as {encoding}, which cannot hold every entry", at=self._at(), fix=fix)
            self._make_tables(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _make_tables(self, connection: Connection) -> None:
        with connection.transaction():
            if not _has_tables(connection):
                connection.execute("SELECT pg_advisory_xact_lock(%s)", (_lock_number(""),))
                if not _has_tables(connection):
                    for statement in _SETUP:
                        connection.execute(statement)
                    connection.execute("INSERT INTO keepfit_format (version) VALUES (%s)", (FORMAT,))
            written = connection.execute("SELECT max(version) FROM keepfit_format").fetchone()
        if written is None or written[0] is None or written[0] > FORMAT:
            found = written[0] if written else None
            fix = "install the keepfit that wrote it, or a later one"
            raise NewerFormat(f"the ledger has format {found}; this keepfit reads up to {FORMAT}", at=self._at(), fix=fix)

    def _given(self) -> dict[str, Any] | None:
        """The URL's parts, where it can be read as it was meant."""
        try:
            given = conninfo.conninfo_to_dict(self._url)
        except psycopg.Error:
            return None
        sound = _SOUND_URL.fullmatch(self._url) and _SOUND_PORT.fullmatch(str(given.get("port") or ""))
        return dict(given) if sound else None

    def _at(self) -> str:
        """The URL without password and options."""
        given = self._given()
        if given is None:
            return "[stores] ledger"
        user = f"{quote(str(given['user']))}@" if given.get("user") else ""
        port = f":{given['port']}" if given.get("port") else ""
        return f"postgresql://{user}{given.get('host') or ''}{port}/{given.get('dbname') or ''}"

    def _fault(self, error: psycopg.Error) -> StoreFault:
        at = self._at()
        if isinstance(error, errors.DiskFull):
            return CannotWrite("the ledger cannot be written: the database's disk is full", at=at, fix="free some space and run this again")
        if isinstance(error, _REFUSED):
            fix = "use a primary server, and a user who may create and write the tables keepfit_entries and keepfit_format"
            return CannotWrite(f"the ledger cannot be written: {self._said(error)}", at=at, fix=fix)
        if isinstance(error, errors.QueryCanceled):
            fix = "see what holds the database, then run this again"
            return LedgerUnreachable(f"the ledger's database did not answer within {PATIENCE} seconds", at=at, fix=fix)
        if error.sqlstate is not None and not error.sqlstate.startswith(_NO_CONNECTION):
            fix = "see the message of PostgreSQL"
            return LedgerUnreachable(f"the ledger's database refused: {self._said(error)}", at=at, fix=fix)
        fix = "see that the server runs, and that host, port, user, password and database are right"
        return LedgerUnreachable(f"the ledger's database cannot be reached: {self._said(error)}", at=at, fix=fix)

    def _said(self, error: psycopg.Error) -> str:
        """The first line of the server's message, with the password blotted out should it appear."""
        lines = str(error).strip().splitlines()
        said = lines[0] if lines else type(error).__name__
        for secret in self._secrets():
            said = said.replace(secret, "***")
        return said

    def _secrets(self) -> list[str]:
        secret = str((self._given() or {}).get("password") or "")
        return [quote(secret, safe=""), secret] if secret else []


def _has_tables(connection: Connection) -> bool:
    # From the catalogue's rows, not by `to_regclass`: within a transaction that goes on answering that there is no such table.
    found = connection.execute("SELECT 1 FROM pg_catalog.pg_class WHERE relname = 'keepfit_format' AND pg_table_is_visible(oid)")
    return found.fetchone() is not None


def _place(cursor: psycopg.Cursor[tuple[Any, ...]], project: str, kind: str) -> int:
    found = cursor.execute(_PLACE, (project, kind)).fetchone()
    return int(found[0]) if found else 0


def _lock_number(project: str) -> int:
    """A number for the server's advisory locks: the same in every process."""
    return int.from_bytes(hashlib.sha256(f"keepfit ledger {project}".encode()).digest()[:8], signed=True)
