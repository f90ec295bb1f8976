from __future__ import annotations

import functools
import importlib
import itertools
import socket
import sys
import time
import traceback
from datetime import UTC, datetime

import pytest

from keepfit import chain
from keepfit.errors import CannotWrite, ExtraNeeded, LedgerUnreachable, NewerFormat
from keepfit.ledger import Draft
from keepfit.stores.postgres import PostgresLedger
from keepfit.testing import LedgerConformance

AT = datetime(2013, 3, 1, tzinfo=UTC)
NUMBERS = itertools.count()
SECRETS = ("pa ss", "pa%20ss", "w@rd", "w%40rd", "rd:%", "rd%3A", "hunter2")


def draft(key, **body):
    return Draft("fit", key, body, AT, "tester")


@pytest.fixture
def schema():
    return f"t{next(NUMBERS)}"


@pytest.fixture
def url(postgres, schema):
    return postgres.url_of_schema(schema)


@pytest.fixture
def unused_port():
    """A port that nobody else can take meanwhile, and where nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.fixture
def ledger(url):
    """A ledger of five entries."""
    ledger = PostgresLedger(url, "p")
    ledger.append([draft(f"k{number}", number=number) for number in range(5)])
    yield ledger
    ledger.close()


class TestPostgresLedger(LedgerConformance):
    @pytest.fixture
    def open_ledger(self, url):
        return functools.partial(PostgresLedger, url)

    @pytest.fixture
    def ledger(self, open_ledger):
        ledger = open_ledger("p")
        yield ledger
        ledger.close()


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("UPDATE {} SET text = replace(text, '\"number\":2', '\"number\":7') WHERE seq = 3", [("altered", 3)]),
        ("DELETE FROM {} WHERE seq IN (2, 3)", [("removed", 2)]),
        ("DELETE FROM {} WHERE seq = 5", [("cut", 5)]),
        (
            "UPDATE {} SET seq = 99 WHERE seq = 2; UPDATE {} SET seq = 2 WHERE seq = 3; UPDATE {} SET seq = 3 WHERE seq = 99",
            [("reordered", 2), ("reordered", 3)],
        ),
    ],
)
def test_changes_made_behind_the_stores_back_are_found(postgres, ledger, schema, statement, expected):
    head = ledger.head()
    postgres.run(statement.replace("{}", f"{schema}.keepfit_entries"))
    found = chain.verify(ledger.texts(), project="p", heads=[head]).findings
    assert [(one.kind, one.seq) for one in found] == expected


def test_the_text_is_kept_as_text(postgres, ledger, schema):
    kinds = postgres.run(f"SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = '{schema}'")
    assert ("text", "text") in kinds
    assert not [kind for _, kind in kinds if "json" in kind]


def test_a_unix_socket_serves_as_well(postgres, ledger, schema):
    other = PostgresLedger(f"{postgres.socket_url}&options=-csearch_path%3D{schema}", "p")
    assert other.head() == ledger.head()
    other.close()


def end_sessions(postgres):
    postgres.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'keepfit'")
    until = time.monotonic() + 30
    while postgres.run("SELECT 1 FROM pg_stat_activity WHERE application_name = 'keepfit'"):
        assert time.monotonic() < until, "the server did not end the sessions"


def test_a_dropped_connection_is_opened_again(postgres, ledger):
    end_sessions(postgres)
    assert ledger.append([draft("new")])[0].seq == 6
    end_sessions(postgres)
    assert ledger.head().seq == 6
    assert chain.verify(ledger.texts(), project="p").whole


def test_a_newer_format_is_refused(postgres, ledger, url, schema):
    postgres.run(f"UPDATE {schema}.keepfit_format SET version = 2")
    with pytest.raises(NewerFormat, match="format 2"):
        PostgresLedger(url, "p").head()


def test_a_database_that_may_not_be_written_is_named(ledger, url):
    other = PostgresLedger(url.replace("options=", "options=-cdefault_transaction_read_only%3Don%20"), "p")
    assert other.head().seq == 5
    with pytest.raises(CannotWrite, match="read-only transaction"):
        other.append([draft("new")])
    other.close()


def test_a_writer_that_holds_the_ledger_for_too_long_is_named(ledger, url, monkeypatch):
    monkeypatch.setattr("keepfit.stores.postgres._SESSION", "-c statement_timeout=50ms")
    monkeypatch.setattr("keepfit.stores.postgres._HEAD", "SELECT seq, hash FROM keepfit_entries WHERE project = %s AND pg_sleep(5) IS NULL")
    other = PostgresLedger(url, "p")
    with pytest.raises(LedgerUnreachable, match="did not answer"):
        other.append([draft("new")])
    other.close()


def test_a_database_that_cannot_hold_every_text_is_refused(postgres):
    postgres.run("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1'")
    with pytest.raises(LedgerUnreachable, match="LATIN1"):
        PostgresLedger(postgres.url.replace("/postgres", "/latin"), "p").head()


def test_a_server_that_is_not_there_is_named(postgres, unused_port):
    with pytest.raises(LedgerUnreachable, match="refused"):
        PostgresLedger(postgres.url.replace(str(postgres.port), str(unused_port)), "p").head()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("/postgres", "/nowhere"), "does not exist"),
        (("%251%3F", "hunter2"), "password authentication failed"),
        (("@127.0.0.1:", "@127.0.0.1:hunter2"), "cannot be read"),
        (("%251%3F@", "%zz@"), "cannot be read"),
        (("%40", "@"), "cannot be read"),
        (("%2F", "/"), "cannot be read"),
        (("@127.0.0.1:", "@/hunter2@127.0.0.1:"), "cannot be read"),
    ],
)
def test_no_error_prints_the_password(postgres, change, expected):
    url = postgres.url.replace(*change)
    with pytest.raises(LedgerUnreachable, match=expected) as caught:
        PostgresLedger(url, "p").head()
    shown = "".join(traceback.format_exception(caught.value, chain=True)) + repr(caught.value.to_json())
    for secret in SECRETS:
        assert secret not in shown
    assert "fix:" in str(caught.value)


def test_without_psycopg_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "keepfit.stores.postgres")
    with pytest.raises(ExtraNeeded, match=r"keepfit\[postgres\]"):
        importlib.import_module("keepfit.stores.postgres")
