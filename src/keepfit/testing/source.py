"""What holds of every source.

Subclass `SourceConformance` in a test module, name the class `Test…`, and give it the fixtures `write` and `nowhere`:

    class TestMySource(SourceConformance):
        @pytest.fixture
        def write(self, tmp_path):
            def put(frame):
                frame.write_ipc(tmp_path / "t.arrow")
                return MySource(Address("t.arrow", tmp_path))
            return put

        @pytest.fixture
        def nowhere(self, tmp_path):
            return MySource(Address("none.arrow", tmp_path))
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from keepfit.errors import EmptyTable, KeepfitError
from keepfit.source import Source
from keepfit.table import normal

__all__ = ["SourceConformance", "Write"]

#: Stores a table where the source will look for it, and gives the source.
Write = Callable[[pl.DataFrame], Source]

_BEGIN = datetime(2024, 3, 30, 12, tzinfo=UTC)


def _table(rows: int) -> pl.DataFrame:
    """Numbers, truth values, times and text, with gaps, in columns whose names hold what SQL and TOML use themselves."""
    numbers = range(rows)
    return pl.DataFrame(
        {
            "number": list(numbers),
            "a share": [None if number % 3 == 1 else number / 8 for number in numbers],
            'say "so".x': ["Größe, 'x'\n\"y\"" if number % 2 else "ß;\t" for number in numbers],
            "select": [None if number % 4 == 2 else f"name {number}" for number in numbers],
            "when": [_BEGIN + timedelta(minutes=37 * number) for number in numbers],
        },
        schema={
            "number": pl.Int64,
            "a share": pl.Float64,
            'say "so".x': pl.String,
            "select": pl.String,
            "when": pl.Datetime("us", "UTC"),
        },
    )


class SourceConformance:
    """Tests that every source passes."""

    @pytest.fixture
    def write(self) -> Write:
        """How a table is stored for the source."""
        raise NotImplementedError("give your test class a fixture named write")

    @pytest.fixture
    def nowhere(self) -> Source:
        """A source whose table is not there."""
        raise NotImplementedError("give your test class a fixture named nowhere")

    def test_a_table_comes_back_row_by_row_in_its_order(self, write: Write) -> None:
        frame = _table(1000)
        assert_frame_equal(normal(write(frame).read(), "UTC"), frame)

    def test_batches_hold_the_same_rows_in_the_same_order(self, write: Write) -> None:
        frame = _table(1000)
        batches = list(write(frame).batches(300))
        assert all(0 < batch.height <= 300 for batch in batches)
        assert len(batches) > 1
        assert_frame_equal(normal(pl.concat(batches), "UTC"), frame)

    def test_what_is_read_is_the_table_as_it_is_now(self, write: Write) -> None:
        write(_table(10)).read()
        frame = _table(25)
        source = write(frame)
        assert_frame_equal(normal(source.read(), "UTC"), frame)
        assert_frame_equal(normal(source.read(), "UTC"), frame)

    def test_a_table_without_a_row_is_called_empty_and_gives_one_empty_batch(self, write: Write) -> None:
        source = write(_table(0))
        with pytest.raises(EmptyTable) as caught:
            source.read()
        assert caught.value.at
        batches = list(source.batches(10))
        assert [(batch.height, batch.columns) for batch in batches] == [(0, _table(0).columns)]

    def test_what_is_not_there_is_said_when_it_is_read_and_not_before(self, nowhere: Source) -> None:
        for ask in (nowhere.read, lambda: list(nowhere.batches(10))):
            with pytest.raises(KeepfitError) as caught:
                ask()
            assert caught.value.exit_code in (3, 4)
            assert caught.value.at
            assert caught.value.fix

    def test_its_files_are_there_and_change_with_the_table(self, write: Write) -> None:
        source = write(_table(10))
        before = {path: path.read_bytes() for path in source.files}
        after = {path: path.read_bytes() for path in write(_table(11)).files}
        assert not before or before != after

    def test_its_kind_is_one_word(self, write: Write) -> None:
        assert write(_table(1)).kind.isidentifier()
