from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from keepfit.moved import Limits, moved
from keepfit.ordinary import learn
from keepfit.profile import profile
from keepfit.recent import Recent, carried, shares
from keepfit.reference import counted, in_blocks
from keepfit.schema import Column
from keepfit.workspace import column_kinds

KINDS = column_kinds()
COLUMNS = [
    Column("amount", "number", "float", ("feature",), True),
    Column("items", "number", "int", ("feature",), True),
    Column("shop", "category", "text", ("feature",), True),
    Column("gift", "boolean", "bool", ("feature",), True),
]
LIMITS = Limits(0.05, 0.1)
ROWS = 2000


def table(rows, seed):
    draw = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "amount": np.where(draw.random(rows) < 0.05, np.nan, draw.lognormal(size=rows)),
            "items": draw.poisson(2, rows),
            "shop": draw.choice(["north", "south", "west"], rows, p=[0.5, 0.3, 0.2]),
            "gift": draw.random(rows) < 0.2,
        }
    )


@pytest.fixture(scope="module")
def reference():
    block = np.arange(20 * ROWS) // ROWS
    return in_blocks(table(20 * ROWS, 0), [(column, "feature") for column in COLUMNS], KINDS, block, 20, windows=True)


def seen(reference, frame):
    made = profile(frame, COLUMNS, KINDS, like=reference.profile)
    counts = {
        name: counted(held, KINDS[held.kind], reference.profile.columns[name], made.columns[name])
        for name, held in reference.columns.items()
        if name in made.columns
    }
    return Recent(1, {name: one for name, count in counts.items() if (one := shares(*count))}, {})


def judged(reference, frame, importance=None, before=None):
    now = seen(reference, frame)
    return moved(learn(reference), now.features, carried(before, now).features, importance or {}, LIMITS)


def test_a_window_like_the_reference_has_not_moved(reference):
    alarms = [judged(reference, table(ROWS, seed))[0].moved for seed in range(1, 31)]
    assert sum(alarms) <= 5


@pytest.mark.parametrize(
    ("column", "statistic", "effect", "change"),
    [
        ("amount", "location", 0.3, pl.col("amount") * np.exp(0.3)),
        ("amount", "scale", 0.4, pl.col("amount") ** 1.5),
        ("amount", "missing", 0.2, pl.when(pl.int_range(pl.len()) % 5 > 0).then(pl.col("amount"))),
        ("items", "location", 0.6, pl.col("items") + 1),
        (
            "shop",
            "categories",
            0.2,
            pl.when((pl.col("shop") == "north") & (pl.int_range(pl.len()) % 5 < 2)).then(pl.lit("west")).otherwise("shop"),
        ),
        ("shop", "unseen", 0.25, pl.when(pl.int_range(pl.len()) % 4 == 0).then(pl.lit("east")).otherwise("shop")),
        ("gift", "categories", 0.16, pl.when(pl.int_range(pl.len()) % 5 == 0).then(True).otherwise("gift")),
    ],
)
def test_a_change_is_found_where_it_is_with_about_its_effect(reference, column, statistic, effect, change):
    found = judged(reference, table(ROWS, 99).with_columns(change.alias(column)))
    [one] = [one for one in found if (one.column, one.statistic) == (column, statistic)]
    assert one.moved
    assert one.matters
    assert one.effect == pytest.approx(effect, rel=0.35)
    others = [answer for answer in found if answer.column != column]
    assert not any(answer.matters for answer in others)
    assert [answer.adjusted for answer in found] == sorted(answer.adjusted for answer in found)


def test_an_effect_below_the_least_moves_and_does_not_matter(reference):
    frame = table(ROWS, 40).with_columns(pl.col("amount") * np.exp(0.2))
    now = seen(reference, frame)
    for least, matters in ((0.5, False), (0.05, True)):
        found = moved(learn(reference), now.features, now.features, {}, Limits(0.05, least))
        [one] = [one for one in found if (one.column, one.statistic) == ("amount", "location")]
        assert (one.moved, one.matters) == (True, matters)


def test_what_the_model_does_without_never_matters(reference):
    frame = table(ROWS, 7).with_columns(pl.col("amount") * np.exp(0.3))

    def location(importance):
        return next(one for one in judged(reference, frame, importance) if (one.column, one.statistic) == ("amount", "location"))

    assert location({"amount": 0.0, "items": 1.0}).moved
    assert not location({"amount": 0.0, "items": 1.0}).matters
    assert location({"amount": 0.7, "items": 0.1, "shop": 0.1, "gift": 0.1}).matters
    assert not location({"amount": 0.04, "items": 0.3, "shop": 0.3, "gift": 0.36}).matters  # a sixth of the average
    assert location({"amount": 0.7, "items": 0.3}).importance == 0.7


def test_a_small_change_that_stays_is_found_over_the_windows_of_late(reference):
    before, found = None, []
    for seed in range(100, 125):
        frame = table(300, seed).with_columns(pl.col("amount") * np.exp(0.12))
        answers = judged(reference, frame, before=before)
        before = carried(before, seen(reference, frame))
        found.append(next(one for one in answers if (one.column, one.statistic) == ("amount", "location")))
    assert found[-1].moved
    assert any(one.moved and one.over == "recent" for one in found[-5:])
    assert sum(one.moved for one in found[:5]) <= 2


@pytest.mark.parametrize("rows", [1, 2, 40])
def test_a_window_of_few_rows_is_judged_and_raises_no_alarm(reference, rows):
    assert not any(judged(reference, table(rows, seed))[0].moved for seed in range(3))


def test_a_column_that_disappears_is_missing_throughout(reference):
    found = judged(reference, table(ROWS, 3).with_columns(amount=pl.lit(None, dtype=pl.Float64)))
    assert [(one.column, one.statistic, one.moved, one.matters) for one in found[:1]] == [("amount", "missing", True, True)]
    assert found[0].effect == pytest.approx(0.95, abs=0.01)
    without = judged(reference, table(ROWS, 3).drop("amount"))
    assert {one.column for one in without} == {"items", "shop", "gift"}


def test_rows_that_stay_together_do_not_raise_alarms_of_their_own():
    def wandering(rows, seed):
        draw = np.random.default_rng(seed)
        return table(rows, seed).with_columns(amount=np.exp(np.repeat(draw.normal(size=rows // 100 + 1), 100)[:rows]))

    block = np.arange(20 * ROWS) // ROWS
    held = in_blocks(wandering(20 * ROWS, 0), [(column, "feature") for column in COLUMNS], KINDS, block, 20, windows=True)
    assert sum(judged(held, wandering(ROWS, seed))[0].moved for seed in range(1, 21)) <= 4
