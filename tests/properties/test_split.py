from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from keepfit import split
from keepfit.errors import TooFewRows
from keepfit.instant import EPOCH, Duration, micros

DAY = 86_400_000_000


@st.composite
def times_and_gaps(draw):
    """At least a hundred instants, many of them equal, over some days or years; and a label delay."""
    seed, span = draw(st.integers(0, 2**32 - 1)), draw(st.sampled_from([1, DAY, 30 * DAY, 3000 * DAY]))
    rows, instants = draw(st.integers(100, 600)), draw(st.sampled_from([2, 30, 10_000]))
    rng = np.random.default_rng(seed)
    pool = rng.integers(-span, span, instants)
    return rng.choice(pool, rows), Duration(draw(st.sampled_from([0, 1, DAY, 7 * DAY])))


@given(times_and_gaps())
def test_no_test_row_lies_before_a_development_row_and_the_gap(given_times):
    times, gap = given_times
    try:
        boundaries = split.by_time(times, gap)
    except TooFewRows:
        return
    place = split.places(boundaries, times, None)
    develop = split.development(boundaries, place, times)
    assert set(place) <= {"fit", "choice", "test", ""}
    assert (place == "test").any()
    assert develop.any()
    assert not (develop & (place == "test")).any()
    assert times[develop].max() + gap.microseconds < times[place == "test"].min()
    fit, choice = times[place == "fit"], times[place == "choice"]
    assert develop[(place == "fit") | (place == "choice")].all()
    if fit.size and choice.size:
        assert fit.max() + gap.microseconds < choice.min()
    if choice.size:
        assert micros(boundaries.choice_begin) == choice.min()
    # The newest rows are the test, about a fifth, more only where instants are equal.
    assert (place == "test").sum() >= int(times.size * 0.2)
    assert (times[place == "test"].min() > times[place != "test"].max()) if (place != "test").any() else True


@given(times_and_gaps(), st.integers(0, 2**32 - 1))
def test_a_split_by_time_does_not_ask_for_the_order_of_rows(given_times, seed):
    times, gap = given_times
    mixed = np.random.default_rng(seed).permutation(times)
    try:
        boundaries = split.by_time(times, gap)
    except TooFewRows:
        assume(False)
    assert split.by_time(mixed, gap) == boundaries


@given(st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=50), st.lists(st.floats(0, 1, exclude_max=True), max_size=50))
def test_a_row_s_place_by_key_stays_whatever_else_the_table_holds(shares, more):
    boundaries = split.by_key(100 + len(shares))
    alone = split.places(boundaries, None, np.array(shares))
    together = split.places(split.by_key(200 + len(more)), None, np.array(shares + more))
    assert together[: len(shares)].tolist() == alone.tolist()
    assert set(alone) <= {"fit", "choice", "test"}
    assert (split.development(boundaries, alone, None) == (alone != "test")).all()


def test_shares_by_key_are_a_fifth_for_the_test_and_a_fifth_of_the_rest_for_the_choice():
    place = split.places(split.by_key(10_000), None, np.arange(10_000) / 10_000)
    assert [(place == name).mean() for name in ("test", "choice", "fit")] == pytest.approx([0.2, 0.16, 0.64], abs=2e-4)


def test_too_few_rows_cannot_be_split():
    for make in (
        lambda: split.by_key(99),
        lambda: split.by_time(np.arange(99), Duration(0)),
        lambda: split.by_time(np.zeros(500), Duration(0)),
    ):
        with pytest.raises(TooFewRows):
            make()


def test_a_large_table_is_tested_on_its_newest_rows_only():
    times = np.arange(1_000_000) * 1_000_000
    boundaries = split.by_time(times, Duration(0))
    assert (split.places(boundaries, times, None) == "test").sum() == split.MOST_TEST_ROWS
    assert boundaries.test_begin == EPOCH + Duration(int(times[-split.MOST_TEST_ROWS])).delta
