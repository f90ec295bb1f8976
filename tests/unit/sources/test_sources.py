from __future__ import annotations

from datetime import datetime

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from keepfit.errors import EmptyTable, MissingSource, UnreadableTable
from keepfit.sources.csv import CsvSource
from keepfit.sources.parquet import ParquetSource

FRAME = pl.DataFrame({"when": [datetime(2013, 3, 1, 5), datetime(2013, 3, 1, 6)], "Größe": [1.5, None], "origin": ["EWR", "JFK"]})  # noqa: DTZ001


def test_a_parquet_file_is_read_as_it_is(tmp_path):
    FRAME.write_parquet(tmp_path / "t.parquet")
    assert_frame_equal(ParquetSource("t.parquet", tmp_path).read(), FRAME)


def test_types_of_a_csv_file_follow_from_all_its_rows(tmp_path):
    FRAME.write_csv(tmp_path / "t.csv")
    assert_frame_equal(CsvSource("t.csv", tmp_path).read(), FRAME)
    (tmp_path / "late.csv").write_text("n\n" + "1\n" * 20_000 + "1.5\n")
    assert CsvSource("late.csv", tmp_path).read().schema == {"n": pl.Float64}
    (tmp_path / "bom.csv").write_bytes(b"\xef\xbb\xbfa,b\r\n1,x\r\n")
    assert CsvSource("bom.csv", tmp_path).read().to_dicts() == [{"a": 1, "b": "x"}]


@pytest.mark.parametrize("name", ["t[1].csv", "t*.csv", "t?.csv"])
def test_a_name_is_a_name_and_no_pattern(tmp_path, name):
    (tmp_path / name).write_text("a\n1\n")
    (tmp_path / "t1.csv").write_text("a\n2\n")
    assert CsvSource(name, tmp_path).read().to_dicts() == [{"a": 1}]


def test_a_path_may_be_absolute(tmp_path):
    FRAME.write_parquet(tmp_path / "t.parquet")
    assert ParquetSource(str(tmp_path / "t.parquet"), tmp_path / "project").read().height == 2


@pytest.mark.parametrize("source", [CsvSource, ParquetSource])
def test_what_is_not_there_or_empty_is_said_so(tmp_path, source):
    with pytest.raises(MissingSource):
        source("none", tmp_path).read()
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(EmptyTable):
        source("empty", tmp_path).read()


@pytest.mark.parametrize(
    ("source", "content"), [(ParquetSource, b"no parquet at all"), (ParquetSource, b"PAR1" * 4), (CsvSource, b"a,b\n1,2\n1,2,3,4\n")]
)
def test_what_is_no_table_is_said_so(tmp_path, source, content):
    (tmp_path / "t").write_bytes(content)
    with pytest.raises(UnreadableTable) as caught:
        source("t", tmp_path).read()
    assert caught.value.exit_code == 3
