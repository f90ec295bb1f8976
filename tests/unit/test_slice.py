from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from keepfit.metric import Clusters
from keepfit.schema import Column
from keepfit.slice import Condition, confirm, inside, suspect, words
from keepfit.task import Scored
from keepfit.tasks.binary import Binary
from keepfit.tasks.regression import Regression

ROWS = 6000
COLUMNS = (
    Column("shop", "category", "text", ("feature",), True),
    Column("open", "boolean", "bool", ("feature",), False),
    Column("age", "number", "float", ("feature",), True),
    Column("weight", "number", "float", ("feature",), False),
    Column("when", "moment", "instant", ("feature",), False),
    Column("note", "text", "text", ("feature",), False),
)


@pytest.fixture
def table():
    draw = np.random.default_rng(11)
    age = draw.uniform(18, 80, ROWS)
    return pl.DataFrame(
        {
            "shop": draw.choice(["north", "south", "west", "east"], ROWS),
            "open": draw.random(ROWS) < 0.5,
            "age": pl.Series(age).to_frame("age").select(pl.when(pl.Series(draw.random(ROWS) > 0.1)).then(pl.col("age"))).to_series(),
            "weight": draw.normal(size=ROWS),
            "when": [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=37 * number) for number in range(ROWS)],
            "note": ["some words"] * ROWS,
        }
    )


def alone(rows=ROWS):
    return Clusters("key", np.arange(rows) % 1000, 1000)


def found(table, weak):
    """The slices that are suspected when the rows in `weak` lose more."""
    losses = np.random.default_rng(5).exponential(0.4, table.height)
    losses[weak] += 0.4
    return suspect(table, COLUMNS, losses, alone(table.height))


@pytest.mark.parametrize(
    ("weak", "conditions"),
    [
        (pl.col("shop") == "west", {Condition("shop", name="west")}),
        (pl.col("open"), {Condition("open", name="true")}),
        (pl.col("age").is_null(), {Condition("age", missing=True)}),
        (pl.col("when").dt.hour().is_between(8, 11), {Condition("when", "hour", low=8.0, high=12.0)}),
        (pl.col("when").dt.weekday() == 6, {Condition("when", "weekday", low=6.0, high=7.0)}),
        ((pl.col("shop") == "west") & pl.col("open"), {Condition("shop", name="west"), Condition("open", name="true")}),
    ],
)
def test_a_slice_that_loses_more_is_suspected_first(table, weak, conditions):
    mask = table.select(weak.fill_null(False)).to_series().to_numpy()
    slices = found(table, mask)
    assert set(slices[0]) == conditions, words(slices[0])
    assert np.array_equal(inside(table, slices[0]), mask)


def test_a_range_of_numbers_that_loses_more_is_suspected(table):
    mask = (table["age"] < 25).fill_null(False).to_numpy()
    first = found(table, mask)[0]
    assert [one.column for one in first] == ["age"]
    assert inside(table, first)[mask].mean() > 0.85


def test_where_no_slice_loses_more_few_are_suspected_and_none_is_confirmed(table):
    half = np.arange(ROWS) % 2 == 0
    confirmed = 0
    for seed in range(5):
        draw = np.random.default_rng(seed)
        score = draw.uniform(0.1, 0.9, ROWS)
        truth = (draw.random(ROWS) < score).astype(float)
        losses = Binary().losses(truth, {"score": score})
        suspects = suspect(table.filter(pl.Series(half)), COLUMNS, losses[half], alone(ROWS // 2))
        rest = table.filter(pl.Series(~half))
        scored = Scored(truth[~half], {"score": score[~half]}, score[~half] > 0.5, None)
        slices = confirm(Binary(), scored, alone(ROWS // 2), {one: inside(rest, one) for one in suspects})
        confirmed += sum(one.behind.low > 0 for one in slices)
    assert confirmed == 0


def test_a_slice_of_few_rows_is_not_looked_for(table):
    weak = np.arange(ROWS) < 60
    marked = table.with_columns(shop=pl.when(pl.Series(weak)).then(pl.lit("new")).otherwise("shop"))
    assert all(Condition("shop", name="new") not in one for one in found(marked, weak))


def test_how_far_a_slice_is_behind_is_the_difference_of_the_metric_within_and_beside(table):
    draw = np.random.default_rng(2)
    truth, said = draw.normal(size=ROWS), draw.normal(size=ROWS) * 0.1
    outputs = {"prediction": said, "low": said - 1, "high": said + 1}
    west = (table["shop"] == "west").to_numpy()
    truth[west] *= 2
    scored = Scored(truth, outputs, said, None)
    (one,) = confirm(Regression(), scored, alone(), {(Condition("shop", name="west"),): west})
    rmse = [np.sqrt(np.mean((truth - said)[mask] ** 2)) for mask in (west, ~west)]
    assert one.behind.value == pytest.approx(rmse[0] - rmse[1])
    assert 0 < one.behind.low < one.behind.value < one.behind.high
    assert (one.where, one.metric, one.count) == ("shop is west", "rmse", int(west.sum()))
    (other,) = confirm(Regression(), scored, alone(), {(Condition("shop", name="west"),): west}, metric="r2")
    assert other.metric == "r2"


def test_the_intervals_of_several_slices_hold_together(table):
    draw = np.random.default_rng(2)
    score = draw.uniform(0.1, 0.9, ROWS)
    scored = Scored((draw.random(ROWS) < score).astype(float), {"score": score}, score > 0.5, None)
    masks = {(Condition("shop", name=name),): (table["shop"] == name).to_numpy() for name in ("west", "east", "north")}
    together = confirm(Binary(), scored, alone(), masks)
    first = next(iter(masks))
    (single,) = confirm(Binary(), scored, alone(), {first: masks[first]})
    same = next(one for one in together if one.conditions == first)
    assert same.behind.value == single.behind.value
    assert same.behind.high - same.behind.low > 1.1 * (single.behind.high - single.behind.low)


def test_conditions_pick_the_same_rows_of_another_table_and_none_of_one_without_the_column(table):
    other = table.head(100).with_columns(weight=float("nan"))
    assert inside(other, (Condition("weight", missing=True),)).all()
    assert not inside(other, (Condition("weight", low=0.0),)).any()
    assert not inside(other.drop("shop"), (Condition("shop", missing=True),)).any()
    assert not inside(other.drop("shop"), (Condition("open", name="true"), Condition("shop", name="west"))).any()


def test_slices_are_said_in_words():
    assert words((Condition("age", missing=True),)) == "age is missing"
    assert words((Condition("age", low=65.0), Condition("age", high=18.5))) == "age is 65 or more and age is below 18.5"
    assert words((Condition("when", "hour", low=8.0, high=12.0),)) == "when is from 8:00 to below 12:00"
    assert words((Condition("when", "weekday", low=7.0, high=8.0),)) == "when is on a Sunday"
