from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from keepfit.profile import profile
from keepfit.schema import Column, Schema
from keepfit.violation import Rule, violations
from keepfit.workspace import column_kinds

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
KNOWN = Schema(
    (
        Column("order", "number", "int", ("key",), False),
        Column("at", "moment", "instant", ("time", "feature"), False),
        Column("temp", "number", "float", ("feature",), True),
        Column("amount", "number", "float", ("feature",), True),
        Column("shop", "category", "text", ("feature",), True),
        Column("gift", "boolean", "bool", ("feature",), True),
        Column("late", "boolean", "bool", ("target",), True),
    ),
    "late",
    "at",
    ("order",),
)


ROW = pl.int_range(pl.len())


def week(number, rows=500):
    """The orders of one week; weeks are alike."""
    draw = np.random.default_rng(number)
    return pl.DataFrame(
        {
            "order": number * 10_000 + np.arange(rows),
            "at": [BEGIN + timedelta(weeks=number, minutes=10 * row) for row in range(rows)],
            "temp": 15 + 6 * draw.normal(size=rows),
            "amount": draw.lognormal(3, 1, rows),
            "shop": draw.choice(["north", "south", "west", "east"], rows, p=[0.5, 0.3, 0.15, 0.05]),
            "gift": draw.random(rows) < 0.2,
            "late": draw.random(rows) < 0.3,
        },
        schema_overrides={"at": pl.Datetime("us", "UTC")},
    ).with_columns(temp=pl.when(ROW % 25 == 0).then(None).otherwise("temp"))


@pytest.fixture(scope="module")
def reference():
    return profile(
        pl.concat([week(number) for number in range(4)]), [KNOWN[name] for name in ("at", "temp", "amount", "shop", "gift")], column_kinds()
    )


def found(frame, reference=None, **options):
    return {(one.check, one.column) for one in violations(frame, KNOWN, reference, **options)}


def test_an_ordinary_week_breaks_nothing(reference):
    assert [found(week(number), reference) for number in range(4, 30)] == [set()] * 26


@pytest.mark.parametrize(
    ("check", "column", "change"),
    [
        ("missing", "amount", pl.lit(None, dtype=pl.Float64)),
        ("missing", "temp", pl.when(ROW % 5 == 0).then(None).otherwise("temp")),
        ("unit", "temp", pl.col("temp") * 1.8 + 32),
        ("unit", "amount", pl.col("amount") * 1000),
        ("unit", "amount", pl.col("amount") / 1000),
        ("range", "amount", pl.when(ROW == 7).then(1e9).otherwise("amount")),
        ("range", "temp", pl.when(ROW == 7).then(float("inf")).otherwise("temp")),
        ("flood", "amount", pl.lit(20.5)),
        ("flood", "shop", pl.when(ROW % 8 > 0).then(pl.lit("east")).otherwise("shop")),
        ("flood", "gift", pl.lit(True)),
        ("values", "shop", pl.when(ROW % 20 == 0).then(pl.lit("Nord")).otherwise("shop")),
        ("range", "at", pl.when(ROW == 7).then(datetime(1899, 1, 1, tzinfo=UTC)).otherwise("at")),
    ],
)
def test_a_broken_feed_is_named_by_its_column(reference, check, column, change):
    assert (check, column) in found(week(7).with_columns(change.alias(column)), reference)


def test_a_season_is_no_change_of_unit_and_a_new_shop_no_flood(reference):
    warmer = week(7).with_columns(temp=pl.col("temp") + 14, shop=pl.when(ROW % 100 == 0).then(pl.lit("new")).otherwise("shop"))
    assert found(warmer, reference) == set()


def test_missing_values_are_listed_by_row_and_no_value_is_shown(reference):
    frame = week(7).with_columns(amount=pl.when(ROW == 7).then(123456789.0).otherwise("amount"))
    (one,) = violations(frame, KNOWN, reference)
    said = one.violation("warn")
    assert (said.check, said.policy, said.count, said.rows) == ("range", "warn", 1, (8,))
    assert "123" not in said.because
    numbered = one.violation("warn", pl.Series(range(100, 100 + frame.height)))
    assert numbered.rows == (107,)


def test_a_key_that_repeats_or_is_not_whole_and_a_row_without_time_are_found_without_a_reference():
    frame = pl.concat([week(1), week(1).head(2)]).with_columns(
        order=pl.when(ROW == 9).then(None).otherwise("order"),
        at=pl.when(ROW == 3).then(None).otherwise("at"),
    )
    said = {(one.check, one.violation("refuse").rows) for one in violations(frame, KNOWN)}
    assert said == {("time", (4,)), ("key", (10,)), ("key", (1, 2, 501, 502))}


@pytest.mark.parametrize(
    ("column", "rule", "check", "count"),
    [
        ("temp", Rule(least=0, most=40), "range", 2),
        ("temp", Rule(most=40), "range", 1),
        ("shop", Rule(values=("north", "south", "west")), "values", 25),
        ("temp", Rule(missing=0.01), "missing", 20),
        ("order", Rule(values=(1, 2)), "values", 498),
    ],
)
def test_what_the_owner_says_of_a_column_holds_for_every_row(column, rule, check, count):
    frame = week(0).with_columns(
        temp=pl.when(ROW == 1).then(99.0).when(ROW == 2).then(-5.0).otherwise(pl.col("temp").clip(1, 39)),
        shop=pl.when(ROW < 25).then(pl.lit("east")).otherwise(pl.lit("north")),
    )
    (one,) = violations(frame, KNOWN, rules={column: rule})
    assert (one.check, one.column, one.violation("warn").count) == (check, column, count)


def test_what_is_said_of_a_column_as_a_whole_looks_at_new_rows_alone(reference):
    frame = pl.concat([*(week(number) for number in range(4)), week(4, 100).with_columns(gift=pl.lit(True))])
    assert found(frame, reference) == set()
    assert found(frame, reference, fresh=pl.Series([False] * 2000 + [True] * 100)) == {("flood", "gift")}


def test_few_rows_say_nothing_of_a_column_as_a_whole(reference):
    assert found(week(5, 5).with_columns(shop=pl.lit("east")), reference) == set()


def test_a_column_that_is_not_there_is_passed_over(reference):
    assert found(week(5).drop("temp", "order", "at"), reference) == set()
    assert found(week(5).clear(), reference) == set()
