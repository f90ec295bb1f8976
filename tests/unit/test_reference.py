from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from keepfit import record
from keepfit.instant import Duration
from keepfit.ordinary import learn
from keepfit.profile import profile
from keepfit.recent import shares
from keepfit.reference import Reference, counted, cut, in_blocks, of_profile
from keepfit.schema import Column
from keepfit.workspace import column_kinds

KINDS = column_kinds()
DAY = 86_400_000_000
MONDAY = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
COLUMNS = [
    (Column("number", "number", "float", ("feature",), True), "feature"),
    (Column("shop", "category", "text", ("feature",), True), "feature"),
    (Column("yes", "boolean", "bool", ("feature",), True), "feature"),
    (Column("at", "moment", "instant", ("feature",), True), "feature"),
]


def times(days, per_day=40):
    return MONDAY + np.sort(np.random.default_rng(1).integers(0, days * DAY, days * per_day))


def table(rows, seed=0):
    draw = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "number": np.where(draw.random(rows) < 0.1, np.nan, draw.normal(size=rows)),
            "shop": draw.choice(["a", "b", "c", *(f"rare{n}" for n in range(30))], rows, p=[0.5, 0.3, 0.17, *[0.001] * 30]),
            "yes": draw.random(rows) < 0.3,
            "at": [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=int(m)) for m in draw.integers(0, 10_000, rows)],
        },
        schema_overrides={"at": pl.Datetime("us", "UTC")},
    )


def test_a_long_past_is_cut_into_whole_windows():
    at = times(200)
    block, count, windows = cut(at.size, at, Duration.parse("7d"))
    assert windows
    assert count == 27  # the first and the last may be parts of windows
    for number in range(count):
        days = (at[block == number] - MONDAY) // DAY
        assert (days.min() // 7, days.max() // 7) == (number + 1, number + 1)
    assert (block == -1).sum() == ((at < MONDAY + 7 * DAY) | (at >= MONDAY + 28 * 7 * DAY)).sum()


def test_a_very_long_past_keeps_windows_evenly_from_the_whole():
    at = times(600, per_day=200)
    block, count, windows = cut(at.size, at, Duration.parse("1d"))
    assert windows
    assert count == 60
    kept = np.array([(at[block == number][0] - MONDAY) // DAY for number in range(count)])
    assert (kept[0], kept[-1]) == (1, 598)
    assert set(np.diff(kept)) <= {10, 11}


@pytest.mark.parametrize(("rows", "window", "expected"), [(900, 500, (18, False)), (20_000, 500, (40, True)), (3, 500, (1, False))])
def test_windows_of_rows_are_runs_of_rows_and_a_short_past_is_cut_into_equal_parts(rows, window, expected):
    block, count, windows = cut(rows, None, window)
    assert (count, windows) == expected
    assert (np.diff(block) >= 0).all()
    assert np.bincount(block).max() - np.bincount(block).min() <= 1


def test_rows_are_cut_in_the_order_of_their_time():
    at = times(20)[::-1]
    block, count, windows = cut(at.size, at, Duration.parse("7d"))
    assert not windows
    assert (np.diff(block) <= 0).all()
    assert count == 16


def test_blocks_add_up_to_their_profile_and_count_windows_alike():
    frame = table(4000)
    block, count, _ = cut(4000, None, 200)
    made = in_blocks(frame, COLUMNS, KINDS, block, count, windows=True)
    assert record.read(Reference, record.text(Reference(made))) == Reference(made)
    for name, held in made.columns.items():
        first = frame.filter(pl.Series(block == 3))
        columns = [column for column, _ in COLUMNS]
        rows, missing, unseen = counted(
            held, KINDS[held.kind], made.profile.columns[name], profile(first, columns, KINDS, like=made.profile).columns[name]
        )
        assert tuple(rows) == held.counts[3]
        assert missing == held.missing[3]
        assert unseen == 0
        assert np.sum(held.counts) + sum(held.missing) == 4000
    shop = made.columns["shop"]
    assert len(shop.counts[0]) == 4  # three names, and the rare ones together
    assert shop.unseen[0] == 200
    assert sum(shop.unseen) == 200 + sum(shop.unseen[1:]) < 400


def test_names_that_are_new_are_counted_apart():
    frame = table(1000)
    made = in_blocks(frame, COLUMNS, KINDS, np.arange(1000) // 50, 20, windows=True)
    columns = [column for column, _ in COLUMNS]
    later = profile(table(300, seed=1).with_columns(shop=pl.Series(["new"] * 10 + ["a"] * 290)), columns, KINDS, like=made.profile)
    rows, missing, unseen = counted(made.columns["shop"], KINDS["category"], made.profile.columns["shop"], later.columns["shop"])
    assert (sum(rows), missing, unseen) == (290, 0, 10)


def test_a_profile_alone_is_one_block_and_variation_is_a_stated_floor():
    frame = table(1000)
    made = of_profile(profile(frame, [column for column, _ in COLUMNS], KINDS), COLUMNS, KINDS)
    assert made.rows == (1000,)
    learned = learn(made)
    assert not any(one.learned for one in learned.values())
    numbers = learned["number"].numbers
    assert numbers.variations[0].between == pytest.approx(0.0004)
    assert learned["shop"].excess.value == pytest.approx(0.0004)


def test_a_column_without_a_value_and_a_reference_without_a_row_are_learned():
    frame = table(400).with_columns(number=pl.lit(None, dtype=pl.Float64), shop=pl.lit(None, dtype=pl.String))
    made = in_blocks(frame, COLUMNS, KINDS, np.arange(400) // 50, 8, windows=True)
    assert learn(made)["number"].counts.sum() == 0
    empty = in_blocks(frame[:0], COLUMNS, KINDS, np.empty(0, dtype=np.int64), 1, windows=False)
    assert set(learn(empty)) == {"number", "shop", "yes", "at"}
    assert shares([0, 0], 0) is None
