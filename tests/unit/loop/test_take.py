from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from keepfit.errors import BadTime, EmptyTable, Faults, RepeatedKey, SchemaBroken, UnknownColumn, UnreadableTable
from keepfit.loop.keys import row_keys
from keepfit.loop.take import take
from keepfit.prediction import subject_token
from keepfit.schema import Schema
from keepfit.table import normal, plain_part

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
NOW = BEGIN + timedelta(days=5)


def table(ws, taken):
    return ws.tables.read(taken.snapshot, list(taken.schema.columns))


def test_rows_of_the_future_are_left_for_later(project):
    ws = project()
    taken = take(ws, now=NOW)
    assert table(ws, taken)["at"].max() == NOW
    assert taken.snapshot.rows == 21


def test_what_is_known_later_is_empty_until_the_label_delay_has_passed(project):
    ws = project()
    taken = take(ws, now=NOW)
    due = table(ws, taken)["at"] <= NOW - timedelta(days=1)
    for name in ("bad", "refund"):
        assert table(ws, taken)[name].is_not_null().to_list() == due.to_list()
    assert taken.snapshot.known == due.sum() == 17
    assert table(ws, take(ws, now=NOW + timedelta(days=60)))["bad"].null_count() == 0


def test_personal_and_ignored_columns_are_dropped_before_anything_is_written(project):
    ws = project()
    taken = take(ws, now=NOW)
    assert taken.schema.dropped == ("email", "notes")
    assert "email" not in table(ws, taken).columns
    written = b"".join(path.read_bytes() for path in ws.home.rglob("*") if path.is_file())
    assert b"secret" not in written
    frames = [pl.read_parquet(path) for path in ws.home.rglob("*.parquet")]
    assert not any("email" in frame.columns or "notes" in frame.columns for frame in frames)


def test_a_subject_is_kept_as_a_keyed_hash(project):
    ws = project()
    members = table(ws, take(ws, now=NOW))["member"].to_list()
    assert members == [subject_token(ws.secret("subjects"), f"m{number % 7}") for number in range(21)]
    assert (ws.home / "secrets" / "subjects").stat().st_mode & 0o777 == 0o600
    assert (ws.home / "secrets").stat().st_mode & 0o777 == 0o700


def test_subject_protected_and_kept_personal_columns_are_private_and_no_features(project):
    known = take(project(), now=NOW).schema
    assert [column.name for column in known.private] == ["member", "gender", "town"]
    assert [column.name for column in known.features] == ["at", "amount"]


def test_the_same_take_again_is_the_same_snapshot_and_no_new_entry(project):
    ws = project()
    first = take(ws, now=NOW)
    again = take(ws, now=NOW)
    assert (again.digest, again.entry) == (first.digest, first.entry)
    assert again.new == ()
    assert ws.ledger.head().seq == 1


def test_a_later_take_adds_parts_and_says_which(project):
    ws = project()
    take(ws, now=NOW)
    later = take(ws, now=NOW + timedelta(days=1))
    assert later.entry.body["new_parts"] == len(later.new) > 0
    assert {part.name for part in later.new} == {"2024-01-05", "2024-01-06", "2024-01-07"}  # two got labels, one is new


def test_a_key_that_names_several_rows_is_refused_by_row_and_without_values(project, orders):
    ws = project(pl.concat([orders, orders.slice(3, 1)]))
    with pytest.raises(RepeatedKey, match="rows 4") as caught:
        take(ws, now=NOW)
    assert caught.value.exit_code == 3


def test_a_row_without_a_time_is_refused(project, orders):
    ws = project(orders.with_columns(at=pl.when(pl.col("order") == 2).then(None).otherwise("at")))
    with pytest.raises(BadTime, match="row 3"):
        take(ws, now=NOW)


def test_a_time_column_that_holds_no_times_is_refused(project, orders):
    with pytest.raises(BadTime):
        take(project(orders.with_columns(at=pl.col("order"))), now=NOW)


def test_times_written_as_text_are_times_and_one_that_is_none_is_named_by_its_row(project, orders):
    text = orders.with_columns(at=pl.col("at").dt.strftime("%Y-%m-%d %H:%M"))
    assert take(project(text), now=NOW).snapshot.rows == 21
    with pytest.raises(BadTime, match="1 row without a time that can be read: row 3") as caught:
        take(project(text.with_columns(at=pl.when(pl.col("order") == 2).then(pl.lit("soon")).otherwise("at"))), now=NOW)
    assert "soon" not in str(caught.value)


def test_a_table_of_the_future_has_no_row_yet(project):
    with pytest.raises(EmptyTable):
        take(project(), now=BEGIN - timedelta(seconds=1))


def test_columns_that_are_not_there_are_named_all_at_once(project, orders):
    with pytest.raises(Faults) as caught:
        take(project(orders.drop("bad", "gender").rename({"amount": "ammount"})), now=NOW)
    assert [type(fault) for fault in caught.value.faults] == [UnknownColumn, UnknownColumn]


@pytest.mark.parametrize("change", [lambda f: f.drop("amount"), lambda f: f.with_columns(amount=pl.lit("much"))])
def test_a_source_whose_columns_vanished_or_changed_type_is_refused(project, orders, change):
    take(project(), now=NOW)
    with pytest.raises(Faults) as caught:
        take(project(change(orders)), now=NOW)
    assert [type(fault) for fault in caught.value.faults] == [SchemaBroken]


@pytest.mark.parametrize(
    ("dtype", "values", "stored"),
    [
        (pl.Int8, [1, None], pl.Int64),
        (pl.UInt32, [1, 2**32 - 1], pl.Int64),
        (pl.Float32, [0.1, None], pl.Float32),
        (pl.Decimal(10, 2), [1, 2], pl.Float64),
        (pl.Boolean, [True, None], pl.Boolean),
        (pl.Categorical, ["a", None], pl.String),
        (pl.Enum(["a", "b"]), ["a", "b"], pl.String),
        (pl.Null, [None, None], pl.String),
        (pl.Date, [date(2024, 1, 1), None], pl.Datetime("us", "UTC")),
        (pl.Datetime("ms"), [datetime(2024, 1, 1), None], pl.Datetime("us", "UTC")),  # noqa: DTZ001
        (pl.Datetime("ns", "Asia/Tokyo"), [BEGIN, None], pl.Datetime("us", "UTC")),
    ],
)
def test_columns_are_brought_to_the_stored_types(dtype, values, stored):
    found = normal(pl.DataFrame({"c": pl.Series(values, dtype=dtype)}), "UTC")["c"]
    assert found.dtype == stored
    assert found.null_count() == values.count(None)


@pytest.mark.parametrize(
    ("dtype", "values"),
    [(pl.List(pl.Int64), [[1]]), (pl.Struct({"a": pl.Int64}), [{"a": 1}]), (pl.Duration, [timedelta(1)]), (pl.UInt64, [2**64 - 1])],
)
def test_a_column_that_holds_no_plain_values_is_refused_by_name(dtype, values):
    with pytest.raises(UnreadableTable) as caught:
        normal(pl.DataFrame({"odd": pl.Series(values, dtype=dtype)}), "UTC")
    assert "odd" in str(caught.value)


def test_columns_that_hold_no_plain_values_are_all_named_at_once():
    frame = pl.DataFrame({"a": [1], "list": [[1]], "span": [timedelta(1)]})
    with pytest.raises(Faults) as caught:
        normal(frame, "UTC")
    assert [fault.at for fault in caught.value.faults] == ["column list", "column span"]
    kept, odd = plain_part(frame, "UTC")
    assert (kept.columns, list(odd)) == (["a"], ["list", "span"])


def test_a_time_without_an_offset_lies_in_the_zone_that_the_project_names():
    local = pl.DataFrame({"c": [datetime(2024, 7, 1, 12), datetime(2024, 3, 31, 2, 30), datetime(2024, 10, 27, 2, 30)]})  # noqa: DTZ001
    found = normal(local, "Europe/Berlin")["c"].to_list()
    assert found[0] == datetime(2024, 7, 1, 10, tzinfo=UTC)
    assert found[1] is None  # this time never was
    assert found[2] == datetime(2024, 10, 27, 0, 30, tzinfo=UTC)  # of two, the earlier


def test_a_row_s_key_is_its_canonical_json():
    frame = pl.DataFrame({"at": [BEGIN], "n": [1], "x": [2.0], "s": ["ü"], "b": [None]})
    assert row_keys(frame, Schema((), "t", None, ("s", "n", "at", "x", "b"))) == ['["ü",1,"2024-01-01T00:00:00Z",2.0,null]']
