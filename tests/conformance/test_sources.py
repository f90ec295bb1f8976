"""The sources that come with the package pass the suite for all."""

from __future__ import annotations

import itertools
import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import adbc_driver_postgresql.dbapi as postgres_driver
import polars as pl
import pytest

from keepfit import plugin
from keepfit.errors import BadArgument, RowsRefused, SourceBroke, SourceUnreachable, UnreadableTable
from keepfit.source import Address
from keepfit.sources.csv import CsvSource
from keepfit.sources.delta import DeltaSource
from keepfit.sources.function import FunctionSource
from keepfit.sources.parquet import ParquetSource
from keepfit.sources.postgresql import PostgresSource
from keepfit.sources.sqlite import SqliteSource
from keepfit.table import normal
from keepfit.testing.source import SourceConformance

NAMES = itertools.count()


class TestParquet(SourceConformance):
    @pytest.fixture
    def write(self, tmp_path):
        def put(frame):
            frame.write_parquet(tmp_path / "t.parquet")
            return ParquetSource(Address("t.parquet", tmp_path))

        return put

    @pytest.fixture
    def nowhere(self, tmp_path):
        return ParquetSource(Address("none.parquet", tmp_path))


class TestCsv(SourceConformance):
    @pytest.fixture
    def write(self, tmp_path):
        def put(frame):
            frame.write_csv(tmp_path / "t.csv")
            return CsvSource(Address("t.csv", tmp_path))

        return put

    @pytest.fixture
    def nowhere(self, tmp_path):
        return CsvSource(Address("none.csv", tmp_path))


class TestFolder(SourceConformance):
    """A folder of Parquet files, one of them below another folder."""

    @pytest.fixture
    def write(self, tmp_path):
        def put(frame):
            (tmp_path / "days" / "z").mkdir(parents=True, exist_ok=True)
            half = frame.height // 2
            frame.head(half).write_parquet(tmp_path / "days" / "1.parquet")
            frame.slice(half).write_parquet(tmp_path / "days" / "z" / "0.pq")
            (tmp_path / "days" / "_SUCCESS.parquet").write_bytes(b"")
            return ParquetSource(Address("days", tmp_path))

        return put

    @pytest.fixture
    def nowhere(self, tmp_path):
        (tmp_path / "empty").mkdir()
        return ParquetSource(Address("empty", tmp_path))


class TestPattern(SourceConformance):
    """All csv files that fit a pattern."""

    @pytest.fixture
    def write(self, tmp_path):
        def put(frame):
            half = frame.height // 2
            frame.head(half).write_csv(tmp_path / "day-1.csv")
            frame.slice(half).write_csv(tmp_path / "day-2.csv")
            (tmp_path / "other.csv").write_text("x\n1\n")
            return CsvSource(Address("day-*.csv", tmp_path))

        return put

    @pytest.fixture
    def nowhere(self, tmp_path):
        return CsvSource(Address("night-*.csv", tmp_path))


class TestFunction(SourceConformance):
    @pytest.fixture
    def write(self, tmp_path):
        def put(frame):
            module = f"rows_{next(NAMES)}"
            frame.write_parquet(tmp_path / f"{module}.parquet")
            text = f"import polars\n\ndef today():\n    return polars.read_parquet({str(tmp_path / module) + '.parquet'!r})\n"
            (tmp_path / f"{module}.py").write_text(text)
            return FunctionSource(Address(f"{module}:today", tmp_path))

        return put

    @pytest.fixture
    def nowhere(self, tmp_path):
        return FunctionSource(Address("no_such_module_at_all:today", tmp_path))


class TestSqlite(SourceConformance):
    @pytest.fixture
    def write(self, tmp_path):
        def put(frame):
            with closing(sqlite3.connect(tmp_path / "t.db")) as connection, connection:
                names = ", ".join('"' + name.replace('"', '""') + '"' for name in frame.columns)
                types = zip(names.split(", "), ("INTEGER", "REAL", "TEXT", "TEXT", "TEXT"), strict=True)
                connection.execute("DROP TABLE IF EXISTS rows")
                connection.execute(f"CREATE TABLE rows ({', '.join(' '.join(one) for one in types)})")
                text = frame.with_columns(pl.col("when").dt.strftime("%Y-%m-%d %H:%M:%S"))
                connection.executemany("INSERT INTO rows VALUES (?, ?, ?, ?, ?)", text.rows())
            return SqliteSource(Address("sqlite:///t.db", tmp_path, table="rows"))

        return put

    @pytest.fixture
    def nowhere(self, tmp_path):
        return SqliteSource(Address("sqlite:///none.db", tmp_path, table="rows"))

    def test_a_query_may_shape_the_table(self, write, tmp_path):
        write(
            pl.DataFrame({"n": [1, 2, 3], "s": [0.5] * 3, "t": ["a"] * 3, "u": ["b"] * 3, "when": [None] * 3}).cast({"when": pl.Datetime})
        )
        source = SqliteSource(Address("sqlite:///t.db", tmp_path, query="SELECT n * 2 AS twice FROM rows WHERE n > 1;"))
        assert source.read().to_dicts() == [{"twice": 4}, {"twice": 6}]

    def test_a_query_cannot_write(self, tmp_path):
        with closing(sqlite3.connect(tmp_path / "t.db")) as connection, connection:
            connection.execute("CREATE TABLE precious AS SELECT 1 AS a")
        with pytest.raises(UnreadableTable):
            SqliteSource(Address("sqlite:///t.db", tmp_path, query="DELETE FROM precious RETURNING a")).read()
        assert SqliteSource(Address("sqlite:///t.db", tmp_path, table="precious")).read().to_dicts() == [{"a": 1}]


class TestPostgres(SourceConformance):
    @pytest.fixture
    def write(self, postgres):
        schema = f"rows_{next(NAMES)}"
        postgres.run(f"CREATE SCHEMA {schema}")

        def put(frame):
            with postgres_driver.connect(postgres.url) as connection, connection.cursor() as cursor:
                cursor.adbc_ingest("t", frame.rechunk(), mode="replace", db_schema_name=schema)
                connection.commit()
            return PostgresSource(Address(postgres.url, None, table=f"{schema}.t"))

        return put

    @pytest.fixture
    def nowhere(self, postgres):
        return PostgresSource(Address(postgres.url, None, table="no_such_table"))

    def test_types_of_its_own_become_plain_values(self, postgres):
        query = (
            "SELECT 1::numeric / 4 AS share, 'a1b2c3d4-0000-4000-8000-00000000000f'::uuid AS id, "
            "'{\"a\": 1}'::jsonb AS doc, '12:30'::time AS at, now() AS w, 'x'::varchar(3) AS v, 3::smallint AS n"
        )
        row = PostgresSource(Address(postgres.url, None, query=query)).read().to_dicts()[0]
        assert row["w"].tzinfo is not None
        del row["w"]
        assert row == {
            "share": 0.25,
            "id": "a1b2c3d4-0000-4000-8000-00000000000f",
            "doc": '{"a": 1}',
            "at": "12:30:00",
            "v": "x",
            "n": 3,
        }

    def test_a_column_of_a_type_that_no_table_holds_is_refused(self, postgres):
        with pytest.raises(UnreadableTable, match="a type that cannot be read"):
            PostgresSource(Address(postgres.url, None, query="SELECT interval '1 day' AS span")).read()

    @pytest.mark.parametrize("end", ["pg_terminate_backend(pg_backend_pid())::int", "1 / (i - 200000)"])
    def test_an_answer_that_breaks_off_in_the_middle_is_no_table(self, postgres, end):
        query = f"SELECT i, CASE WHEN i = 200000 THEN {end} END AS x FROM generate_series(1, 300000) AS i"
        source = PostgresSource(Address(postgres.url, None, query=query))
        for ask in (source.read, lambda: list(source.batches(1000))):
            with pytest.raises(SourceBroke, match="broke off while it was read") as caught:
                ask()
            assert caught.value.exit_code == 4

    def test_a_query_cannot_write(self, postgres):
        postgres.run("CREATE TABLE precious (a int)")
        postgres.run("INSERT INTO precious VALUES (1)")
        with pytest.raises((UnreadableTable, SourceBroke)):
            PostgresSource(Address(postgres.url, None, query="DELETE FROM precious RETURNING a")).read()
        assert postgres.run("SELECT a FROM precious") == [(1,)]

    def test_a_server_that_is_not_there_is_unreachable(self):
        source = PostgresSource(Address("postgresql://me@127.0.0.1:1/none", None, table="t"))
        with pytest.raises(SourceUnreachable) as caught:
            source.read()
        assert caught.value.exit_code == 4


ROWS = pl.DataFrame({"n": [1, 2], "x": [0.5, None], "ok": [True, False], "s": ["Größe", 'a "b"']}).with_columns(
    at=pl.lit(datetime(2024, 1, 1, tzinfo=UTC))
)


@pytest.fixture(params=["postgresql", "sqlite"])
def database(request, tmp_path):
    """A database to write to: an address by a table's name, and the source that reads it."""
    if request.param == "sqlite":
        return lambda table: SqliteSource(Address("sqlite:///w.db", tmp_path, "--output", table))
    url = request.getfixturevalue("postgres").url_of_schema(f"written_{next(NAMES)}")
    return lambda table: PostgresSource(Address(url, tmp_path, "--output", table))


def test_rows_are_written_in_batches_and_come_back(database):
    database("t").write(iter([ROWS.clear(), ROWS, ROWS]), "refuse")
    found = database("t").read()
    assert found["n"].to_list() == [1, 2, 1, 2]
    assert found["x"].to_list() == [0.5, None] * 2
    assert [bool(value) for value in found["ok"]] == [True, False] * 2
    assert normal(found, "UTC")["at"].to_list() == ROWS["at"].to_list() * 2
    assert found["s"].to_list() == ROWS["s"].to_list() * 2


def test_a_table_that_is_there_is_kept_joined_or_replaced_as_asked(database):
    database("t").write(iter([ROWS]), "refuse")
    with pytest.raises(BadArgument, match="'t' is there already"):
        database("t").write(iter([ROWS]), "refuse")
    database("t").write(iter([ROWS]), "append")
    assert database("t").read().height == 4
    with pytest.raises(RowsRefused):
        database("t").write(iter([ROWS.with_columns(more=pl.lit(1))]), "append")
    assert database("t").read().height == 4
    database("t").write(iter([ROWS.head(1)]), "replace")
    assert database("t").read().height == 1


def test_what_breaks_off_in_the_middle_leaves_the_table_as_it_was(database):
    database("t").write(iter([ROWS]), "refuse")

    def broken():
        yield ROWS
        raise KeyboardInterrupt

    for there in ("append", "replace"):
        with pytest.raises(KeyboardInterrupt):
            database("t").write(broken(), there)
        assert database("t").read().height == 2


def test_every_kind_that_is_installed_passes_the_suite():
    tested = {ParquetSource, CsvSource, DeltaSource, FunctionSource, SqliteSource, PostgresSource}
    assert {plugin.find("sources", kind) for kind in plugin.kinds("sources")} == tested
    assert all(plugin.find("sources", kind).kind == kind for kind in plugin.kinds("sources"))
