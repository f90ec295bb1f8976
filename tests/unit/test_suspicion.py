from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib import resources

import numpy as np
import polars as pl
import pytest
from sklearn import datasets

from keepfit import suspicion
from keepfit.instant import Duration
from keepfit.suspicion import suspect
from keepfit.table import normal

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
ROWS = 2_000


@pytest.fixture
def orders():
    """Two thousand orders in time order; a late one is no surprise and no certainty."""
    draw = np.random.default_rng(1)
    amount = draw.normal(size=ROWS)
    late = draw.random(ROWS) < 1 / (1 + np.exp(1.5 - amount))
    return pl.DataFrame(
        {
            "at": [BEGIN + timedelta(hours=number) for number in range(ROWS)],
            "amount": amount,
            "shop": draw.choice(["north", "south", "west"], ROWS),
            "weight": draw.gamma(2.0, size=ROWS),
            "late": late,
        },
        schema_overrides={"at": pl.Datetime("us", "UTC")},
    )


def kinds(frame, **options):
    return {(one.kind, one.column) for one in suspect(frame, target="late", **options)}


def test_of_a_clean_table_nothing_is_suspected(orders):
    assert suspect(orders, target="late", time="at") == []


@pytest.mark.parametrize("name", ["breast_cancer", "wine", "diabetes", "iris"])
def test_of_tables_that_many_have_learned_from_nothing_is_suspected(name):
    frame = getattr(datasets, f"load_{name}")(as_frame=True).frame
    assert suspect(pl.DataFrame({column: frame[column].to_numpy() for column in frame.columns}), target="target") == []


def test_of_the_demo_s_flights_nothing_is_suspected_but_what_the_project_file_says():
    frame = normal(pl.read_parquet(resources.files("keepfit.demo") / "flights.parquet"), "UTC")
    found = suspect(frame, target="late", time="departure", key=("carrier", "flight", "departure"), delay=Duration.parse("1d"))
    assert [(one.kind, one.column, one.suggests) for one in found] == [("leak", "arr_delay", 'arr_delay = { known = "later" }')]


@pytest.mark.parametrize(
    "leak",
    [
        lambda f: pl.when("late").then(30.0).otherwise(0.0) + f["weight"],
        lambda f: pl.when("late").then(pl.lit("refund")).otherwise(pl.lit("paid")),
        lambda f: pl.when("late").then(f["weight"]).otherwise(None),
        lambda f: pl.when("late").then(f["weight"] + 100).otherwise(pl.when(f["weight"] > 1).then(500.0).otherwise(-500.0)),
    ],
    ids=["a number", "a name", "whether it is there", "two ranges"],
)
def test_a_column_that_tells_the_outcome_alone_is_suspected(orders, leak):
    assert ("leak", "after") in kinds(orders.with_columns(after=leak(orders)))


def test_names_that_occur_once_tell_nothing(orders):
    assert kinds(orders.with_columns(order=pl.int_range(pl.len()).cast(pl.String))) == set()


def test_a_magnitude_is_told_by_its_logarithm_and_not_by_a_noisy_relation(orders):
    frame = (
        orders.drop("late")
        .with_columns(late=pl.col("weight") * 3 + 1)
        .with_columns(log=pl.col("late").log(), noisy=pl.col("late") + pl.col("amount"))
    )
    assert kinds(frame.drop("weight")) == {("leak", "log")}


def test_a_class_is_told_by_another_name_of_it(orders):
    frame = (
        orders.drop("late").rename({"shop": "late"}).with_columns(code=pl.col("late").replace({"north": "n", "south": "s", "west": "w"}))
    )
    assert kinds(frame) == {("leak", "code")}


def test_missing_values_that_go_with_one_outcome_are_suspected_and_others_are_not(orders):
    tells = pl.when(pl.col("late") & (pl.int_range(pl.len()) % 4 == 0)).then(None).otherwise("weight")
    silent = pl.when(pl.int_range(pl.len()) % 5 == 0).then(None).otherwise("weight")
    assert kinds(orders.with_columns(returned=tells, weight=silent)) == {("missing", "returned")}


def test_a_time_after_the_decision_is_suspected_and_one_before_it_is_not(orders):
    frame = orders.with_columns(delivered=pl.col("at") + pl.duration(days=2), ordered=pl.col("at") - pl.duration(days=2))
    (found,) = suspect(frame, target="late", time="at")
    assert (found.kind, found.column, found.suggests) == ("after", "delivered", 'delivered = { known = "later" }')


def test_a_tail_without_outcomes_suggests_a_longer_delay(orders):
    frame = orders.with_columns(late=pl.when(pl.int_range(pl.len()) < ROWS - 72).then("late"))
    (found,) = suspect(frame, target="late", time="at")
    assert (found.kind, found.column, found.suggests) == ("tail", "late", 'label_delay = "3d"')
    assert suspect(frame, target="late", time="at", delay=Duration.parse("3d")) == []


def test_a_tail_in_which_only_one_outcome_is_known_suggests_a_longer_delay(orders):
    frame = orders.with_columns(late=pl.when(pl.int_range(pl.len()) < ROWS - 96).then("late").otherwise(pl.lit(False)))
    (found,) = suspect(frame, target="late", time="at")
    assert found.kind == "tail"
    assert found.suggests in ('label_delay = "5d"', 'label_delay = "4d"')


def test_outcomes_that_come_in_long_runs_are_no_tail(orders):
    frame = orders.with_columns(late=(pl.int_range(pl.len()) // 250) % 2 == 0)
    assert {kind for kind, _ in kinds(frame, time="at")} & {"tail"} == set()


def test_constant_and_empty_columns_are_suspected(orders):
    frame = orders.with_columns(pl.lit(3).alias("the same"), empty=pl.lit(None, dtype=pl.String), part=pl.when("late").then(1))
    found = {one.column: one.suggests for one in suspicion.constant_columns(frame, frame.columns)}
    assert found == {"the same": '"the same" = { ignore = true }', "empty": "empty = { ignore = true }"}


@pytest.mark.parametrize(
    ("others", "suggests"), [(["NA", "?"], 'missing = ["NA", "?"]'), (["NA", "secret"], 'weight = { kind = "number" }')]
)
def test_numbers_among_texts_suggest_what_to_do_and_show_no_value(orders, others, suggests):
    place = pl.int_range(pl.len()) % 50
    text = pl.when(place == 0).then(pl.lit(others[0])).when(place == 1).then(pl.lit(others[1])).otherwise(pl.col("weight").cast(pl.String))
    (found,) = suspect(orders.with_columns(weight=text), target="late")
    assert (found.kind, found.column, found.suggests) == ("text", "weight", suggests)
    assert "secret" not in found.because


def test_names_that_are_numbers_all_along_are_left_alone(orders):
    assert suspicion.numbers_as_text(orders.with_columns(code=(pl.int_range(pl.len()) % 7).cast(pl.String)), ["code", "shop"]) == []


def test_few_rows_of_an_outcome_are_said(orders):
    rare = orders.with_columns(late=pl.int_range(pl.len()) % 100 == 0)
    assert kinds(rare) == {("balance", "late")}
    assert suspicion.few_of_one_outcome(orders["weight"]) == []


def test_rows_for_testing_that_an_earlier_row_equals_are_counted(orders):
    copies = orders.head(60).with_columns(at=pl.col("at") + pl.duration(days=200))
    (found,) = suspect(pl.concat([orders, copies]), target="late", time="at")
    assert found.kind == "duplicates"
    assert "60 equal an earlier one" in found.because


def test_rows_that_repeat_another_in_every_column_are_counted(orders):
    (found,) = suspicion.repeated_rows(pl.concat([orders, orders.head(14)]))
    assert found.because == "14 rows repeat another in every column"


def test_rows_of_few_possible_values_repeat_by_chance():
    draw = np.random.default_rng(2)
    frame = pl.DataFrame({name: draw.choice(["a", "b", "c"], 500) for name in "xyz"}).with_columns(late=pl.Series(draw.random(500) < 0.4))
    assert suspect(frame, target="late") == []


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_of_next_to_nothing_nothing_is_suspected_but_what_is_there_to_see(orders, rows):
    assert {kind for kind, _ in kinds(orders.head(rows), time="at")} <= {"constant", "balance"}


def test_a_wide_table_is_looked_at_in_bounded_time():
    draw = np.random.default_rng(3)
    frame = pl.DataFrame(draw.normal(size=(3_000, 300)), schema=[f"c{number}" for number in range(300)])
    frame = frame.with_columns(late=pl.col("c7") > 0)
    assert kinds(frame) == {("leak", "c7")}
