from __future__ import annotations

import functools
import os
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from keepfit import chain
from keepfit.errors import BrokenChain, CannotWrite, LedgerUnreachable, NewerFormat
from keepfit.ledger import Draft, Head
from keepfit.stores.sqlite import SqliteLedger
from keepfit.testing import LedgerConformance

AT = datetime(2013, 3, 1, tzinfo=UTC)


def draft(key, **body):
    return Draft("fit", key, body, AT, "tester")


class TestSqliteLedger(LedgerConformance):
    @pytest.fixture
    def open_ledger(self, tmp_path):
        return functools.partial(SqliteLedger, tmp_path / "ledger.sqlite")


@pytest.fixture
def path(tmp_path):
    """A ledger of five entries, closed."""
    path = tmp_path / "ledger.sqlite"
    ledger = SqliteLedger(path, "p")
    ledger.append([draft(f"k{number}", number=number) for number in range(5)])
    ledger.close()
    return path


def tampered(path, *statements):
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
    ledger = SqliteLedger(path, "p")
    found = chain.verify(ledger.texts(), project="p", heads=[Head(5, "not looked at here")]).findings
    ledger.close()
    return [(one.kind, one.seq) for one in found if "known as the head" not in one.explanation]


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        (["UPDATE entries SET text = replace(text, '\"number\":2', '\"number\":7') WHERE seq = 3"], [("altered", 3)]),
        (["UPDATE entries SET text = CAST(x'ff' AS TEXT) WHERE seq = 3"], [("altered", 3)]),
        (["UPDATE entries SET text = '[]', hash = x'ff' WHERE seq = 3"], [("altered", 3)]),
        (["DELETE FROM entries WHERE seq IN (2, 3)"], [("removed", 2)]),
        (["DELETE FROM entries WHERE seq = 5"], [("cut", 5)]),
        (
            [f"UPDATE entries SET seq = {new} WHERE seq = {old}" for old, new in ((2, 99), (3, 2), (99, 3))],
            [("reordered", 2), ("reordered", 3)],
        ),
    ],
)
def test_changes_made_behind_the_stores_back_are_found(path, statements, expected):
    assert tampered(path, *statements) == expected


def test_an_entry_that_cannot_be_read_says_how_to_look_into_it(path):
    connection = sqlite3.connect(path)
    connection.execute("UPDATE entries SET text = '{}' WHERE seq = 2")
    connection.commit()
    connection.close()
    ledger = SqliteLedger(path, "p")
    with pytest.raises(BrokenChain, match="keepfit ledger verify"):
        list(ledger.entries())
    ledger.close()


def test_a_database_of_a_newer_format_is_refused(path):
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 2")
    connection.close()
    with pytest.raises(NewerFormat, match="format 2"):
        SqliteLedger(path, "p").head()


def test_an_entry_of_a_newer_version_is_refused(path):
    connection = sqlite3.connect(path)
    connection.execute("UPDATE entries SET text = replace(text, '\"version\":1', '\"version\":2')")
    connection.commit()
    connection.close()
    ledger = SqliteLedger(path, "p")
    with pytest.raises(NewerFormat, match="version 2"):
        ledger.find("k1")
    ledger.close()


def test_the_database_is_durable_and_written_ahead(path):
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()
    ledger = SqliteLedger(path, "p")
    ledger.head()
    assert ledger._connection.execute("PRAGMA synchronous").fetchone() == (2,)
    ledger.close()


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(LedgerUnreachable, match="cannot be opened"):
        SqliteLedger(tmp_path / "none" / "ledger.sqlite", "p").head()


def test_a_file_that_is_no_database_is_named(tmp_path):
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"this is no database, and long enough to be read as one" * 50)
    with pytest.raises(LedgerUnreachable, match="damaged or no SQLite database"):
        SqliteLedger(path, "p").append([draft("k")])


def test_a_full_disk_keeps_what_is_there(path):
    ledger = SqliteLedger(path, "p")
    ledger.head()
    pages = ledger._connection.execute("PRAGMA page_count").fetchone()[0]
    ledger._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(CannotWrite, match="disk is full"):
        ledger.append([draft("small"), draft("big", filler="x" * 100_000)])
    assert ledger.head().seq == 5
    assert ledger.find("small") is None
    ledger._connection.execute("PRAGMA max_page_count = 100000")
    assert ledger.append([draft("big", filler="x" * 100_000)])[0].seq == 6
    ledger.close()


def test_a_read_only_database_is_named(path):
    ledger = SqliteLedger(path, "p")
    ledger.head()
    ledger._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(CannotWrite, match="read-only"):
        ledger.append([draft("new")])
    ledger.close()


def test_the_stores_module_is_light():
    script = "import sys, keepfit.stores.sqlite; print(sorted({'numpy', 'polars', 'pydantic', 'psycopg', 'sklearn'} & set(sys.modules)))"
    source = Path(chain.__file__).parents[1]
    environment = os.environ | {"PYTHONPATH": str(source)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
