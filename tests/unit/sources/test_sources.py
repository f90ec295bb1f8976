from __future__ import annotations

import sys
from datetime import datetime

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from keepfit.errors import BadSource, EmptyTable, MissingSource, UnreadableTable
from keepfit.source import Address, kind_of
from keepfit.sources.csv import CsvSource
from keepfit.sources.function import FunctionSource
from keepfit.sources.parquet import ParquetSource

FRAME = pl.DataFrame({"when": [datetime(2013, 3, 1, 5), datetime(2013, 3, 1, 6)], "Größe": [1.5, None], "origin": ["EWR", "JFK"]})  # noqa: DTZ001


@pytest.fixture
def csv(tmp_path):
    """Reads a csv file of these bytes."""

    def read(content, name="t.csv", **options):
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return CsvSource(Address(name, tmp_path, **options)).read()

    return read


@pytest.fixture
def parquet(tmp_path):
    """Reads a folder of Parquet files: name -> table."""

    def read(**tables):
        for name, table in tables.items():
            path = tmp_path / "many" / f"{name.replace('__', '/').replace('_is_', '=')}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            pl.DataFrame(table).write_parquet(path)
        return ParquetSource(Address("many", tmp_path)).read()

    return read


def test_types_of_a_csv_file_follow_from_all_its_rows(csv):
    assert csv("n\n" + "1\n" * 20_000 + "1.5\n").schema == {"n": pl.Float64}
    assert csv("a,b\n1,2\nx,3\n").to_dict(as_series=False) == {"a": ["1", "x"], "b": [2, 3]}


def test_a_byte_order_mark_is_no_part_of_a_name(csv):
    assert csv(b"\xef\xbb\xbfa,b\r\n1,x\r\n").to_dicts() == [{"a": 1, "b": "x"}]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_header_line_shows_what_stands_between_the_values(csv, separator):
    text = separator.join(["a", '"b, c;d"', "e"]) + "\n" + separator.join(["1", '"x, y"', "2"]) + "\n"
    assert csv(text, "t.tsv").to_dicts() == [{"a": 1, "b, c;d": "x, y", "e": 2}]


def test_lines_without_a_value_are_no_rows(csv):
    assert csv("a,b\n1,2\n\n,\n3,4\n\n\n").to_dicts() == [{"a": 1, "b": 2}, {"a": 3, "b": 4}]


def test_texts_that_stand_for_no_value_are_said_in_the_project_file(csv):
    assert csv("a,b\n1,NA\n?,x\n", missing=("NA", "?")).to_dict(as_series=False) == {"a": [1, None], "b": [None, "x"]}


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        ('a,b\n"x",1\n"secret,2\n3,4\n', 4, "broken quoting"),
        ('a,b\n"x",1\n"secret"y,2\n', 3, "broken quoting"),
        ("a,b\n1,2\n3,4,secret\n", 3, "3 values in a line, and 2 columns in the header"),
        ("a,b\n1,2\nMüller,secret\n".encode("latin-1"), 3, "not UTF-8"),
    ],
)
def test_a_line_that_is_no_row_is_named_and_not_shown(csv, content, line, what):
    with pytest.raises(UnreadableTable, match=what) as caught:
        csv(content)
    assert caught.value.at.endswith(f"t.csv: line {line}")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "what"), [("a,b\n1,2\n".encode("utf-16"), "not UTF-8"), ("a,b,a\n1,2,3\n", "several columns named 'a'")]
)
def test_a_header_that_names_no_columns_is_said_so(csv, content, what):
    with pytest.raises(UnreadableTable, match=what):
        csv(content)


def test_csv_files_together_have_the_types_of_all_their_rows(tmp_path):
    (tmp_path / "1.csv").write_text("zip,x\n01234,1\n")
    (tmp_path / "2.csv").write_text("x,zip,new\n2.5,A1,7\n")
    found = CsvSource(Address("*.csv", tmp_path)).read()
    assert found.to_dict(as_series=False) == {"zip": ["01234", "A1"], "x": [1.0, 2.5], "new": [None, 7]}


@pytest.mark.parametrize(
    ("second", "what"), [("x\n1\n", "'2.csv' lacks the column 'zip' that '1.csv' has"), ("zip;x\n1;2\n", "separators")]
)
def test_csv_files_that_do_not_go_together_are_named(tmp_path, second, what):
    (tmp_path / "1.csv").write_text("zip,x\n1,1\n")
    (tmp_path / "2.csv").write_text(second)
    with pytest.raises(UnreadableTable, match=what):
        CsvSource(Address("*.csv", tmp_path)).read()


def test_a_later_parquet_file_may_bring_a_column_or_a_wider_number(parquet):
    found = parquet(a={"n": pl.Series([1], dtype=pl.Int32)}, b={"n": [2.5], "s": ["x"]}, c={"s": ["y"], "n": [3.0]})
    assert found.to_dict(as_series=False) == {"n": [1.0, 2.5, 3.0], "s": [None, "x", "y"]}


@pytest.mark.parametrize(
    ("second", "what"),
    [
        ({"n": [1]}, "'b.parquet' lacks the column 's' that 'a.parquet' has"),
        ({"n": ["1"], "s": ["x"]}, "'n' holds Int64 in 'a.parquet' and String"),
    ],
)
def test_a_later_parquet_file_may_not_lose_a_column_or_hold_another_kind_of_value(parquet, second, what):
    with pytest.raises(UnreadableTable, match=what):
        parquet(a={"n": [1], "s": ["x"]}, b=second)


def test_folders_named_column_is_value_are_columns(parquet):
    found = parquet(year_is_2023__a={"n": [1]}, year_is_2024__a={"n": [2]})
    assert found.sort("n").to_dict(as_series=False) == {"n": [1, 2], "year": [2023, 2024]}


def test_a_folder_with_tables_of_two_kinds_is_refused(tmp_path):
    (tmp_path / "d").mkdir()
    FRAME.write_parquet(tmp_path / "d" / "t.parquet")
    FRAME.write_csv(tmp_path / "d" / "t.csv")
    kind = {"csv": CsvSource, "parquet": ParquetSource}[kind_of(Address("d", tmp_path))]
    with pytest.raises(UnreadableTable, match="csv and parquet"):
        kind(Address("d", tmp_path)).read()


@pytest.mark.parametrize("name", ["t[1].csv", "t*.csv", "t?.csv"])
def test_a_name_that_is_there_is_a_name_and_no_pattern(tmp_path, name):
    (tmp_path / name).write_text("a\n1\n")
    (tmp_path / "t1.csv").write_text("a\n2\n")
    assert CsvSource(Address(name, tmp_path)).read().to_dicts() == [{"a": 1}]


def test_a_path_may_be_absolute(tmp_path):
    FRAME.write_parquet(tmp_path / "t.parquet")
    for url in ("t.parquet", "*.parquet"):
        assert_frame_equal(ParquetSource(Address(str(tmp_path / url), tmp_path / "project")).read(), FRAME)


@pytest.mark.parametrize("source", [CsvSource, ParquetSource])
def test_what_is_not_there_or_empty_is_said_so(tmp_path, source):
    with pytest.raises(MissingSource):
        source(Address("none", tmp_path)).read()
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(EmptyTable):
        source(Address("empty", tmp_path)).read()


@pytest.mark.parametrize("content", [b"no parquet at all", b"PAR1" * 4])
def test_what_is_no_parquet_is_said_so(tmp_path, content):
    (tmp_path / "t").write_bytes(content)
    with pytest.raises(UnreadableTable) as caught:
        ParquetSource(Address("t", tmp_path)).read()
    assert caught.value.exit_code == 3


@pytest.fixture
def function(tmp_path, monkeypatch):
    """Reads what a function of these lines gives."""
    monkeypatch.setattr(sys, "path", [*sys.path])

    def read(body):
        name = f"source_{abs(hash(body))}"
        lines = "\n".join(f"    {line}" for line in body.splitlines())
        (tmp_path / f"{name}.py").write_text(f"import polars as pl\nimport pandas as pd\n\ndef rows():\n{lines}\n")
        return FunctionSource(Address(f"{name}:rows", tmp_path)).read()

    return read


@pytest.mark.parametrize("given", ["pl.DataFrame({'a': [1, 2]})", "pl.LazyFrame({'a': [1, 2]})", "pd.DataFrame({'a': [1, 2]})"])
def test_a_function_gives_a_frame(function, given):
    assert function(f"return {given}").to_dicts() == [{"a": 1}, {"a": 2}]


def test_a_function_gives_whatever_hands_its_columns_over_by_arrow(function):
    body = """\
class Table:
    def __arrow_c_stream__(self, schema=None):
        return pl.DataFrame({'a': [1]}).__arrow_c_stream__(schema)
return Table()"""
    assert function(body).to_dicts() == [{"a": 1}]


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("secret = 'hunter2'\nraise ValueError(secret)", "raised ValueError in source_.*.py, line 6"),
        ("return [1, 2]", "gave list, which is no table"),
        ("return pl.Series([1])", "gave Series, which is no table"),
        ("return None", "gave NoneType, which is no table"),
    ],
)
def test_a_function_that_fails_or_gives_no_table_is_said_so(function, body, what):
    with pytest.raises(BadSource, match=what) as caught:
        function(body)
    assert "hunter2" not in str(caught.value)


def test_what_is_no_function_is_said_so(tmp_path):
    with pytest.raises(BadSource, match="no function"):
        FunctionSource(Address("keepfit:__doc__", tmp_path)).read()
