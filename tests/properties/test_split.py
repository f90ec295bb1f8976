from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from keepfit import split
from keepfit.errors import TooFewRows
from keepfit.instant import EPOCH, Duration

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
    places = split.Places(boundaries, times=times)
    develop, test = places.development, places.test
    assert test.any()
    assert develop.any()
    assert not (develop & test).any()
    assert times[develop].max() + gap.microseconds < times[test].min()
    # The newest rows are the test, about a fifth, more only where instants are equal.
    assert test.sum() >= int(times.size * 0.2)
    assert (times[test].min() > times[~test].max()) if (~test).any() else True
    checked = np.zeros(times.size, dtype=int)
    for number in range(places.folds):
        fit, check = places.fold(number)
        assert fit.any()
        assert check.any()
        assert develop[fit | check].all()
        # What a fold validates on lies after all that its model learned from, and the gap.
        assert times[fit].max() + gap.microseconds < times[check].min()
        checked += check
    assert checked.max() <= 1


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
    alone = split.Places(boundaries, shares=np.array(shares))
    together = split.Places(split.by_key(200 + len(more)), shares=np.array(shares + more))
    assert together.test[: len(shares)].tolist() == alone.test.tolist()
    assert (alone.development == ~alone.test).all()
    for number in range(alone.folds):
        for mine, whole in zip(alone.fold(number), together.fold(number), strict=True):
            assert whole[: len(shares)].tolist() == mine.tolist()


def test_shares_by_key_are_a_fifth_for_the_test_and_equal_parts_of_the_rest_for_the_folds():
    places = split.Places(split.by_key(10_000), shares=np.arange(10_000) / 10_000)
    assert places.test.mean() == pytest.approx(0.2, abs=2e-4)
    folds = [places.fold(number) for number in range(places.folds)]
    assert [check.mean() for _, check in folds] == pytest.approx([0.8 / 3] * 3, abs=2e-4)
    assert sum(check.astype(int) for _, check in folds).tolist() == places.development.astype(int).tolist()
    assert all(not (fit & check).any() and (fit | check).sum() == places.development.sum() for fit, check in folds)


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
    assert split.Places(boundaries, times=times).test.sum() == split.MOST_TEST_ROWS
    assert boundaries.test_begin == EPOCH + Duration(int(times[-split.MOST_TEST_ROWS])).delta


@given(times_and_gaps())
def test_without_a_test_every_row_is_developed_on_and_folds_still_look_ahead(given_times):
    times, gap = given_times
    try:
        boundaries = split.by_time(times, gap, tested=False)
    except TooFewRows:
        return
    places = split.Places(boundaries, times=times, tested=False)
    assert places.development.all()
    assert not places.test.any()
    for number in range(places.folds):
        fit, check = places.fold(number)
        assert times[fit].max() + gap.microseconds < times[check].min()
    assert not places.folds or places.fold(places.folds - 1)[1][times.argmax()]


def test_without_a_test_the_folds_by_key_share_all_rows():
    places = split.Places(split.by_key(10_000), shares=np.arange(10_000) / 10_000, tested=False)
    assert places.development.all()
    assert [places.fold(number)[1].mean() for number in range(places.folds)] == pytest.approx([1 / 3] * 3, abs=2e-4)
