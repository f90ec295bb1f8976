from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from keepfit.errors import CannotRead
from keepfit.schema import Column, Schema
from keepfit.snapshot import Snapshot
from keepfit.stores.tables import Tables

BEGIN = datetime(2013, 1, 30, tzinfo=UTC)
NOW = datetime(2013, 3, 2, tzinfo=UTC)
TIMED = Schema(
    (
        Column("when", "moment", "instant", ("time", "key"), False),
        Column("amount", "number", "float", ("feature",), True),
        Column("member", "category", "text", ("subject",), True),
        Column("gender", "category", "text", ("protected",), True),
        Column("bad", "number", "bool", ("target",), True),
    ),
    "bad",
    "when",
    ("when",),
)
TIMELESS = Schema(tuple(column for column in TIMED.columns if column.name != "when"), "bad", None, ())


def frame_of(rows, *, hours=12, seed=1):
    draw = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "when": [BEGIN + timedelta(hours=hours * number) for number in range(rows)],
            "amount": [None if number % 5 == 0 else float(value) for number, value in enumerate(draw.normal(size=rows))],
            "member": [f"m{number % 7}" for number in range(rows)],
            "gender": [None if number % 3 == 0 else "fm"[number % 2] for number in range(rows)],
            "bad": (draw.random(rows) < 0.4).tolist(),
        },
        schema_overrides={"when": pl.Datetime("us", "UTC")},
    )


@pytest.fixture
def tables(tmp_path):
    return Tables(tmp_path / "snapshots")


def keep(tables, frame, schema=TIMED, older=None, now=NOW):
    parts = tables.write(frame, schema, now=now, older=older)
    return Snapshot("s", "b3:0", parts, frame.height, frame.height)


def whole(tables, snapshot, schema=TIMED):
    return tables.read(snapshot, list(schema.columns))


def test_a_table_comes_back_with_every_column_row_by_row(tables):
    frame = frame_of(60)
    assert_frame_equal(whole(tables, keep(tables, frame)), frame)
    assert_frame_equal(
        whole(tables, keep(tables, frame.drop("when"), TIMELESS), TIMELESS).sort(pl.all()), frame.drop("when").sort(pl.all())
    )


def test_equal_rows_give_equal_bytes_whatever_their_order_and_place(tables, tmp_path):
    frame = frame_of(60)
    first = keep(tables, frame)
    again = keep(Tables(tmp_path / "elsewhere"), frame.sample(fraction=1.0, shuffle=True, seed=3).rechunk())
    assert first.parts == again.parts
    pieces = pl.concat([frame.head(7), frame.slice(7, 30), frame.tail(23)], rechunk=False)
    assert keep(Tables(tmp_path / "third"), pieces).parts == first.parts


def test_a_table_that_grew_by_a_day_stores_only_the_new_part(tables):
    frame = frame_of(62)
    first = keep(tables, frame.head(60))
    before = set(tables.folder.iterdir())
    second = keep(tables, frame, older=first)
    assert [part.name for part in second.new_since(first)] == ["2013-03-01"]
    assert {path.name for path in set(tables.folder.iterdir()) - before} == {
        name for part in second.new_since(first) for name in (part.file, part.private_file)
    }
    assert_frame_equal(whole(tables, second), frame)
    assert_frame_equal(whole(tables, first), frame.head(60))


def test_small_days_are_joined_when_their_month_is_over_and_large_ones_never(tables):
    frame = frame_of(40)
    assert {part.name for part in keep(tables, frame).parts} == {"2013-01", "2013-02"}
    current = keep(tables, frame, now=datetime(2013, 2, 20, tzinfo=UTC))
    assert {len(part.name) for part in current.parts if part.name > "2013-02"} == {len("2013-02-01")}
    large = frame_of(10_000 + 3, hours=24 / 10_000)
    assert [(part.name, part.rows) for part in keep(tables, large).parts] == [("2013-01", 3), ("2013-01-30", 10_000)]


def test_a_part_that_lost_or_changed_rows_is_rewritten_and_the_others_stay(tables):
    frame = frame_of(60)
    first = keep(tables, frame)
    for altered in (
        frame.filter(pl.col("when") != BEGIN + timedelta(hours=12)),
        frame.with_columns(amount=pl.when(pl.col("when") == BEGIN).then(7.0).otherwise("amount")),
        frame.with_columns(gender=pl.when(pl.col("when") == BEGIN).then(pl.lit("x")).otherwise("gender")),
    ):
        second = keep(tables, altered, older=first)
        assert_frame_equal(whole(tables, second), altered)
        touched = {part.name for part in second.parts} - {part.name for part in second.parts if part in first.parts}
        assert touched == {"2013-01"}


def test_private_columns_lie_in_a_file_of_their_own_that_fitting_does_not_open(tables):
    snapshot = keep(tables, frame_of(60))
    for part in snapshot.parts:
        public, private = tables.folder / part.file, tables.folder / part.private_file
        assert pl.read_parquet_schema(public).keys() == {"when", "amount", "bad"}
        assert pl.read_parquet_schema(private).keys() == {"member", "gender"}
        assert private.stat().st_mode & 0o777 == 0o600
        private.unlink()
    assert tables.read(snapshot, TIMED.public).columns == ["when", "amount", "bad"]
    with pytest.raises(CannotRead):
        whole(tables, snapshot)


def test_a_table_without_private_columns_has_no_private_file(tables):
    schema = Schema(tuple(TIMED.public), "bad", "when", ("when",))
    snapshot = keep(tables, frame_of(10).select("when", "amount", "bad"), schema)
    assert {part.private for part in snapshot.parts} == {None}
    assert not list(tables.folder.glob("*.private.*"))


def test_without_time_rows_that_are_there_stay_and_others_form_a_new_part(tables):
    frame = frame_of(60).drop("when")
    first = keep(tables, frame.head(40), TIMELESS)
    second = keep(tables, frame.sample(fraction=1.0, shuffle=True, seed=5), TIMELESS, older=first)
    assert [part.name for part in second.parts] == ["arrival-00001", "arrival-00002"]
    assert second.parts[0] == first.parts[0]
    assert second.parts[1].rows == 20
    third = keep(tables, frame, TIMELESS, older=second)
    assert third.parts == second.parts
    lost = frame.slice(1)
    fourth = keep(tables, lost, TIMELESS, older=third)
    assert fourth.parts[1] == third.parts[1]
    assert fourth.parts[0].rows == 39
    assert_frame_equal(whole(tables, fourth, TIMELESS).sort(pl.all()), lost.sort(pl.all()))


def test_without_time_equal_rows_are_counted(tables):
    frame = pl.DataFrame({"amount": [1.0, 1.0, None], "member": ["a"] * 3, "gender": ["f"] * 3, "bad": [True, True, None]})
    first = keep(tables, frame, TIMELESS)
    grown = keep(tables, pl.concat([frame, frame.head(1)]), TIMELESS, older=first)
    assert [part.rows for part in grown.parts] == [3, 1]
    shrunk = keep(tables, frame.slice(1), TIMELESS, older=grown)
    assert [part.rows for part in shrunk.parts] == [2]


def test_a_changed_target_type_without_time_starts_over(tables):
    frame = frame_of(10).drop("when")
    first = keep(tables, frame, TIMELESS)
    other = frame.with_columns(pl.col("bad").cast(pl.String))
    snapshot = keep(tables, other, TIMELESS, older=first)
    assert sum(part.rows for part in snapshot.parts) == 10
    assert_frame_equal(whole(tables, snapshot, TIMELESS).sort(pl.all()), other.sort(pl.all()))


def test_a_missing_part_says_which(tables):
    snapshot = keep(tables, frame_of(5))
    (tables.folder / snapshot.parts[0].file).unlink()
    with pytest.raises(CannotRead) as caught:
        whole(tables, snapshot)
    assert caught.value.at.endswith(snapshot.parts[0].file)


def test_nothing_half_written_stays_behind(tables):
    keep(tables, frame_of(60))
    assert not [path for path in tables.folder.iterdir() if path.name.startswith(".")]
