from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from keepfit.instant import WEEKS_BEGIN, Duration, from_micros
from keepfit.window import Interval, containing, filled, numbered, uncovered

INSTANTS = st.datetimes(datetime(1800, 1, 1), datetime(2300, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
LENGTHS = st.sampled_from(["1h", "6h", "1d", "7d", "10d", "4w", "90m"]).map(Duration.parse)


@given(INSTANTS, LENGTHS)
def test_every_instant_lies_in_one_window(when, length):
    window = containing(when, length)
    assert window.begin <= when < window.end
    assert window.end - window.begin == length.delta
    assert (window.begin - WEEKS_BEGIN) % length.delta == timedelta(0)
    assert containing(window.begin, length) == window
    assert containing(window.end, length).begin == window.end
    assert containing(window.begin - timedelta(microseconds=1), length).end == window.begin


@given(INSTANTS)
def test_windows_of_a_week_begin_on_mondays_at_midnight(when):
    begin = containing(when, Duration.parse("7d")).begin
    assert (begin.weekday(), begin.hour, begin.minute, begin.second, begin.microsecond) == (0, 0, 0, 0, 0)


@given(INSTANTS, LENGTHS)
def test_windows_are_numbered_from_the_first_monday_on(when, length):
    number = (when - WEEKS_BEGIN) // length.delta
    assert numbered(number, length) == containing(when, length)


@given(st.lists(st.integers(0, 40), max_size=60).map(sorted), st.integers(1, 9), st.booleans())
def test_filled_windows_hold_every_row_once_and_at_least_so_many(times, rows, begun):
    since = from_micros(-5) if begun else None
    found = list(filled(np.array(times, dtype=np.int64), rows, since))
    held = [sum(window.begin <= from_micros(time) < window.end for time in times) for window in found]
    assert all(count >= rows for count in held)
    assert all(before.end == after.begin for before, after in pairwise(found))
    left = [time for time in times if not found or from_micros(time) >= found[-1].end]
    assert sum(held) + len(left) == len(times)
    assert len(left) < rows


@given(st.lists(st.integers(0, 30), min_size=2, max_size=8, unique=True).map(sorted), st.integers(0, 30), st.integers(1, 10))
def test_what_is_left_of_a_window_overlaps_nothing_that_is_sealed(edges, begin, length):
    day = timedelta(days=1)
    sealed = {Interval(WEEKS_BEGIN + a * day, WEEKS_BEGIN + b * day): [] for a, b in pairwise(edges)}
    window = Interval(WEEKS_BEGIN + begin * day, WEEKS_BEGIN + (begin + length) * day)
    left = uncovered(window, sealed)
    assert left is None or (left.end == window.end and left.begin >= window.begin)
    assert left is None or not any(one.begin < left.end and one.end > left.begin for one in sealed)
    assert left is not None or any(one.end >= window.end for one in sealed)
