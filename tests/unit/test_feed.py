"""A broken feed is told apart from a world that moved."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from keepfit.column import column_kinds
from keepfit.feed import Found, Volume, broken, collapsed, told_apart
from keepfit.profile import profile
from keepfit.reference import cut, in_blocks
from keepfit.schema import Column, Schema
from keepfit.signal import Signal
from keepfit.violation import violations

KINDS = column_kinds()
COLUMNS = [
    Column("heat", "number", "float", ("feature",), True),
    Column("shop", "category", "text", ("feature",), True),
    Column("month", "category", "text", ("feature",), True),
    Column("gap", "number", "float", ("feature",), True),
]
KNOWN = Schema(tuple(COLUMNS), "bad", None, ())
ROWS = 6000


def rows(count, seed):
    """Heat in Celsius, some shops, a month that stays the same for a stretch, and a column with a gap that comes and goes."""
    draw = np.random.default_rng(seed)
    at = np.arange(count)
    gap = np.where((at // 300) % 4 == 0, np.nan, draw.normal(size=count))
    shop = draw.choice(["north", "south", "west"], count, p=[0.5, 0.3, 0.2])
    month = pl.Series(at * 12 // ROWS % 12).cast(pl.String)
    return pl.DataFrame({"heat": draw.normal(15, 8, count), "shop": shop, "month": month, "gap": pl.Series(gap).fill_nan(None)})


BEFORE = rows(ROWS, 1)
BLOCK, COUNT, WINDOWS = cut(ROWS, np.arange(ROWS), 300)
BLOCKS = in_blocks(BEFORE, [(column, "feature") for column in COLUMNS], KINDS, BLOCK, COUNT, windows=WINDOWS)
PROFILE = profile(BEFORE, COLUMNS, KINDS)


def signals(frame, worth=None):
    checked = [Found(one.check, one.column, int(one.rows.sum()), one.because) for one in violations(frame, KNOWN, PROFILE)]
    missing = {name: frame[name].null_count() for name in frame.columns}
    return broken(checked, missing, frame.height, BLOCKS, worth or {})


def test_an_ordinary_window_breaks_nothing_though_it_holds_one_month_and_a_gap():
    for seed in range(20):
        window = rows(300, 100 + seed)
        assert window["month"].n_unique() == 1
        assert window["gap"].null_count() == 300
        assert signals(window) == []


@pytest.mark.parametrize(
    ("column", "change", "said"),
    [
        ("heat", pl.lit(None, pl.Float64), "missing in every row"),
        ("heat", pl.col("heat") * 1.8 + 32, "in Fahrenheit in place of Celsius"),
        ("heat", pl.col("heat") * 1000, "1,000 times as large"),
        ("heat", pl.lit(17.5), "one value in 100.0% of the rows"),
        ("heat", pl.when(pl.int_range(pl.len()) < 200).then(0.0).otherwise("heat"), "one value in 66.7% of the rows"),
        ("shop", pl.lit("east"), "one value in 100.0% of the rows"),
        ("shop", pl.lit(None, pl.String), "missing in every row"),
    ],
)
def test_what_breaks_a_feed_is_named(column, change, said):
    (signal,) = signals(rows(300, 7).with_columns(change.alias(column)))
    assert (signal.kind, signal.about, signal.severity) == ("data", column, "warning")
    assert said in signal.because
    assert "17.5" not in signal.because
    assert "east" not in signal.because


def test_a_world_that_moved_is_no_broken_feed():
    warmer = pl.col("heat") + 12
    swapped = pl.col("shop").replace({"north": "south", "south": "north"})
    fewer = pl.when(pl.int_range(pl.len()) % 4 == 0).then(None).otherwise("heat").alias("heat")
    for change in (warmer, pl.col("heat") * 1.3, swapped, fewer):
        assert signals(rows(300, 8).with_columns(change)) == []


def test_a_column_of_weight_is_critical_and_a_broken_rule_of_the_owner_counts_from_a_share_on():
    gone = rows(300, 9).with_columns(heat=pl.lit(None, pl.Float64))
    assert signals(gone, {"heat": 0.9, "shop": 0.05, "month": 0.05})[0].severity == "critical"
    assert signals(gone, {"heat": 0.1, "shop": 0.5, "month": 0.4})[0].severity == "warning"
    for count, severity in ((3, "info"), (30, "warning")):
        (signal,) = broken([Found("range", "heat", count, "some values above 40", stated=True)], {}, 300, BLOCKS, {})
        assert signal.severity == severity
    assert broken([Found("range", "heat", 30, "far outside of what was taken before")], {}, 300, BLOCKS, {}) == []
    assert broken([Found("flood", "heat", 20, "one value")], {"heat": 20}, 20, BLOCKS, {}) == []  # too few rows to tell


def test_traffic_that_collapses_is_seen_against_the_windows_before():
    week = timedelta(days=7)
    before = [Volume(count, week) for count in (1000, 900, 1200, 1100)]
    assert collapsed(Volume(100, week), before[:3]) is None
    signal = collapsed(Volume(100, week), before)
    assert signal is not None
    assert (signal.kind, signal.about) == ("data", "")
    assert collapsed(Volume(300, week), before) is None
    assert collapsed(Volume(100, week), [*before, Volume(150, week)]) is None  # it is seldom, and it was there before
    assert collapsed(Volume(100, week / 10), before) is None  # windows of a number of rows are of any length


def test_what_a_broken_feed_explains_opens_no_incident_of_its_own():
    feed = [Signal("data", "heat", "warning", 1.0, "gone")]
    others = [Signal(kind, "heat", "critical", 0.5, "worse") for kind in ("drift", "quality", "calibration", "prediction", "latency")]
    told = told_apart(others, feed)
    assert [one.severity for one in told] == ["warning", "info", "info", "info", "info", "critical"]
    assert told[1].because == "worse; the feed is broken: heat"
    assert told_apart(others, [Signal("data", "heat", "info", 0.0, "three values above 40")])[1:] == others
    assert BLOCKS.windows
