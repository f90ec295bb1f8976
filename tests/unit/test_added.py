from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from pydantic import ValidationError

from keepfit import record
from keepfit.added import Added, add, prove, row_adder
from keepfit.errors import BadFeatures, BadRequest
from keepfit.schema import Column
from keepfit.spec.features import FeaturesSpec
from keepfit.workspace import column_kinds

KINDS = column_kinds()
INPUTS = [
    Column("miles", "number", "float", ("feature",), True),
    Column("seats", "number", "int", ("feature",), False),
    Column("small", "number", "float32", ("feature",), True),
    Column("carrier", "category", "text", ("feature",), True),
    Column("night", "boolean", "bool", ("feature",), True),
    Column("at", "moment", "instant", ("time", "feature"), False),
]
ROWS = 500
FRAME = pl.DataFrame(
    {
        "miles": [None if n % 11 == 0 else float("nan") if n % 13 == 0 else n * 1.1 for n in range(ROWS)],
        "seats": [n % 7 * 30 for n in range(ROWS)],
        "small": [n / 3 for n in range(ROWS)],
        "carrier": [None if n % 17 == 0 else ["UA", "AA", "B6"][n % 3] for n in range(ROWS)],
        "night": [None if n % 19 == 0 else n % 2 == 0 for n in range(ROWS)],
        "at": [datetime(2013, 1, 1, tzinfo=UTC) + timedelta(hours=n) for n in range(ROWS)],
        "late": [n % 5 == 0 for n in range(ROWS)],
    },
    schema_overrides={"small": pl.Float32, "at": pl.Datetime("us", "UTC")},
)
REQUEST = {"miles": 110, "seats": 60.0, "small": 0.1, "carrier": "UA", "night": True, "at": "2013-07-01T19:00+02:00"}


def by_row(row):
    return {
        "per_seat": row["miles"] / row["seats"] if row["miles"] is not None and row["seats"] else None,
        "hour": row["at"].hour,
        "carrier_by_night": f"{row['carrier']} {row['night']}",
        "far": None if row["miles"] is None else row["miles"] > 300,
        "begun": row["at"].replace(minute=0),
    }


def by_frame(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(
        per_seat=pl.when(pl.col("seats") > 0).then(pl.col("miles") / pl.col("seats")),
        hour=pl.col("at").dt.hour(),
        carrier_by_night=pl.format("{} {}", "carrier", "night"),
        far=pl.col("miles") > 300,
        begun=pl.col("at").dt.truncate("1h"),
    )


@pytest.mark.parametrize(("function", "how"), [(by_row, "row"), (by_frame, "frame")])
def test_a_function_adds_the_same_columns_to_a_table_and_to_a_request(function, how):
    added, whole = prove("mine:f", function, FRAME, INPUTS, KINDS)
    assert (added.function, added.by, added.inputs) == ("mine:f", how, tuple(INPUTS))
    assert [(c.name, c.kind, c.dtype, c.uses) for c in added.columns] == [
        ("per_seat", "number", "float", ("feature",)),
        ("hour", "number", "int", ("feature",)),
        ("carrier_by_night", "category", "text", ("feature",)),
        ("far", "boolean", "bool", ("feature",)),
        ("begun", "moment", "instant", ("feature",)),
    ]
    assert whole.columns == [*FRAME.columns, *(column.name for column in added.columns)]
    assert whole.height == ROWS
    assert add(added, function, FRAME).equals(whole)
    assert record.read(Added, record.text(added)) == added
    made = row_adder(added, function)(REQUEST)
    assert made == {
        "per_seat": 110 / 60,
        "hour": 17,
        "carrier_by_night": f"UA {True if how == 'row' else 'true'}",
        "far": False,
        "begun": "2013-07-01T17:00:00Z",
    }


def test_what_is_absent_not_finite_or_of_32_bits_reads_as_in_the_table():
    given = []

    def look(row):
        given.append(dict(row))
        return {"x": 1.0}

    added, _ = prove("mine:f", look, FRAME, INPUTS, KINDS)
    assert all(row["miles"] is None or row["miles"] == row["miles"] for row in given)
    assert "late" not in given[0]  # the target is never shown
    given.clear()
    row_adder(added, look)({**REQUEST, "miles": 1e400, "night": None} | {"small": 1e39})
    [row] = given
    assert (row["miles"], row["small"], row["night"], row["seats"], type(row["seats"])) == (None, None, None, 60, int)
    given.clear()
    row_adder(added, look)({"small": 0.1, "seats": 1, "at": "2013-07-01T17:00Z"})
    assert given[0]["small"] == 0.10000000149011612
    assert given[0]["carrier"] is None


def test_the_owner_may_say_how_the_function_is_called():
    added, _ = prove("mine:f", lambda frame: frame.select(twice=pl.col("seats") * 2), FRAME, INPUTS, KINDS, "frame")
    assert added.by == "frame"
    assert row_adder(added, lambda frame: frame.select(twice=pl.col("seats") * 2))(REQUEST) == {"twice": 120}


def test_whole_and_broken_numbers_together_are_broken_ones():
    added, whole = prove("mine:f", lambda row: {"x": row["seats"] or 0.5}, FRAME, INPUTS, KINDS)
    assert added.columns[0].dtype == "float"
    assert whole["x"][:2].to_list() == [0.5, 30.0]


def raises(row):
    return {"x": row["miles"] + 1}


def mutates(row):
    row["x"] = 1
    return row


def changes(row):
    row["miles"] = 0.0
    return {"x": 1}


def mutates_frame(frame: pl.DataFrame):
    frame.insert_column(0, pl.Series("x", [1] * frame.height))
    return frame


def ranks(frame: pl.DataFrame):
    return frame.select(x=pl.col("seats").rank())


def above_average(frame: pl.DataFrame):
    return frame.with_columns(x=pl.col("seats") - pl.col("seats").mean())


class Counting:
    def __init__(self):
        self.calls = 0

    def __call__(self, row):
        self.calls += 1
        return {"x": self.calls}


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (raises, "raises TypeError in line"),
        (lambda row: None, "a value of type NoneType for a row"),
        (lambda row: [1], "a value of type list for a row"),
        (lambda row: {1: 2}, "for a row"),
        (lambda row: {}, "adds no column"),
        (lambda row: {"x": 1} if row["seats"] else {"y": 1}, "different columns for different rows"),
        (lambda row: {"x": [1, 2]}, "'x' values of type List"),
        (lambda row: {"x": row["at"].replace(tzinfo=None)}, "'x' values of type Datetime"),
        (lambda row: {"x": "a" if row["seats"] else 1}, "one column values of several types"),
        (lambda row: {"miles": 1.0}, "the column 'miles' again"),
        (lambda row: {"late": 1.0}, "'late', which the table has"),
        (mutates, "changes what it is given"),
        (changes, "changes what it is given"),
        (mutates_frame, "changes what it is given"),
        (lambda row: {"x": random.random()}, "something else alone than among others"),
        (Counting(), "something else alone than among others"),
        (ranks, "something else alone than among others"),
        (above_average, "something else alone than among others"),
    ],
)
def test_a_function_that_cannot_be_trusted_is_refused(function, says):
    with pytest.raises(BadFeatures, match=says) as caught:
        prove("mine:f", function, FRAME, INPUTS, KINDS)
    assert caught.value.exit_code == 3
    assert caught.value.at == "features.from"
    assert caught.value.fix


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda frame: frame.head(3), "gives 3 rows for 500 rows"),
        (lambda frame: frame.to_dict(), "a value of type dict"),
        (lambda frame: frame.lazy(), "a value of type LazyFrame"),
        (lambda frame: frame.with_columns(pl.col("seats") + 1, x=1), "the column 'seats' other values"),
        (lambda frame: frame, "adds no column"),
        (lambda frame: frame.sort("carrier").with_columns(x=1), "other values"),
    ],
)
def test_a_frame_of_the_wrong_shape_is_refused(function, says):
    with pytest.raises(BadFeatures, match=says):
        prove("mine:f", function, FRAME, INPUTS, KINDS, "frame")


def test_a_function_that_fails_on_a_request_is_a_bad_request_that_shows_no_value():
    def careful(row):
        if row["carrier"] == "secret":
            raise ValueError(row["carrier"])
        return {"x": 1 if row["carrier"] != "odd" else "one"}

    added, _ = prove("mine:f", careful, FRAME, INPUTS, KINDS)
    for carrier in ("secret", "odd"):
        with pytest.raises(BadRequest) as caught:
            row_adder(added, careful)({**REQUEST, "carrier": carrier})
        assert carrier not in str(caught.value)
        assert caught.value.at == "mine:f"


def test_a_later_table_must_get_columns_of_the_same_types():
    added, _ = prove("mine:f", lambda row: {"x": row["seats"]}, FRAME, INPUTS, KINDS)
    assert add(added, lambda row: {"x": None}, FRAME)["x"].null_count() == ROWS
    for later in (lambda row: {"x": 0.5}, lambda row: {"x": "a"}, lambda row: {"x": True}):
        with pytest.raises(BadFeatures, match="where it gave int before"):
            add(added, later, FRAME)
    with pytest.raises(BadFeatures, match="left out the column 'x'"):
        add(added, lambda row: {"y": 1}, FRAME)


def test_the_project_file_names_a_function_and_how_it_is_called():
    spec = FeaturesSpec.model_validate({"from": "mine:delays", "by": "frame"})
    assert (spec.function, spec.by) == ("mine:delays", "frame")
    assert spec.model_dump() == {"from": "mine:delays", "by": "frame"}
    for wrong in ({}, {"from": "mine"}, {"from": "mine:f()"}, {"from": "mine:f", "by": "column"}, {"from": "mine:f", "other": 1}):
        with pytest.raises(ValidationError):
            FeaturesSpec.model_validate(wrong)
