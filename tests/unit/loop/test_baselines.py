from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepfit.instant import Duration
from keepfit.loop.baselines import Past, baselines, last_known
from keepfit.tasks.binary import Binary
from keepfit.tasks.multiclass import Multiclass
from keepfit.tasks.regression import Regression

DAY = Duration.parse("1d")
HOUR = 3_600_000_000


def past(times, truth):
    return Past(None if times is None else np.array(times, dtype=np.int64), np.array(truth, dtype=float))


def test_the_last_known_truth_is_as_old_as_the_label_delay():
    known = past(np.array([0, 10, 30, 60]) * HOUR, [1, 0, 1, 0])
    found = last_known(known, past(np.array([23, 24, 33, 34, 54, 100]) * HOUR, [0] * 6), DAY)
    assert np.array_equal(found, [np.nan, 1.0, 1.0, 0.0, 1.0, 0.0], equal_nan=True)


ROWS = st.lists(st.tuples(st.integers(0, 50), st.floats(-5, 5), st.integers(0, 3)), min_size=1, max_size=40)


@given(ROWS, st.integers(0, 9), st.booleans())
def test_no_row_is_told_what_is_not_known_yet(rows, delay, of_key):
    times, truth = np.array([time for time, _, _ in rows], dtype=np.int64), np.array([value for _, value, _ in rows])
    key = np.array([key for *_, key in rows], dtype=np.uint64)
    known = Past(times, truth, key)
    for at, own, said in zip(times, key, last_known(known, known, Duration(delay), of_key=of_key), strict=True):
        there = [(time, place) for place, time in enumerate(times) if time + max(1, delay) <= at and (not of_key or key[place] == own)]
        assert np.isnan(said) if not there else said == truth[max(there)[1]]


def test_where_keys_come_again_the_last_label_of_each_is_a_baseline_of_its_own():
    shops, days = 4, 30
    times = np.repeat(np.arange(days) * 48 * HOUR, shops)
    key, truth = np.tile(np.arange(shops), days).astype(np.uint64), np.tile([10.0, 20.0, 30.0, 40.0], days)
    known = Past(times, truth, key)
    learned, asked = (Past(times[part], truth[part], key[part]) for part in (slice(0, 80), slice(80, 120)))
    found = baselines(Regression(), (), learned, known, asked, DAY)
    assert set(found) == {"constant", "last_label", "last_label_of_key"}
    assert np.array_equal(found["last_label_of_key"]["prediction"], truth[80:])
    seldom = Past(times, truth, np.arange(times.size).astype(np.uint64))
    assert set(baselines(Regression(), (), seldom, seldom, asked, DAY)) == {"constant", "last_label"}


def test_without_time_there_is_only_the_constant_answer():
    learned, asked = past(None, [0, 0, 0, 1]), past(None, [1, 0])
    found = baselines(Binary(), (False, True), learned, asked, asked, DAY)
    assert {name: one["score"].tolist() for name, one in found.items()} == {"constant": [0.25, 0.25]}


def test_where_nothing_was_known_yet_the_last_label_answers_nothing():
    asked = past([5 * HOUR], [1])
    assert set(baselines(Binary(), (False, True), past([0], [0.0]), asked, asked, DAY)) == {"constant"}


@pytest.mark.parametrize(
    ("task", "classes", "truth"),
    [
        (Binary(), (False, True), [0, 0, 1, 1, 1, 0]),
        (Multiclass(), ("a", "b", "c"), [0, 0, 1, 1, 2, 2]),
        (Regression(), (), [1.0, 1.5, 2.0, 2.5, 3.0, 3.5]),
    ],
)
def test_every_task_has_both_baselines_with_all_its_fields(task, classes, truth):
    times = [48 * HOUR * day for day in range(6)]
    learned, known = past(times[:4], truth[:4]), past(times, truth)
    found = baselines(task, classes, learned, known, past(times[4:], truth[4:]), DAY)
    assert set(found) == {"constant", "last_label"}
    for outputs in found.values():
        assert tuple(outputs) == task.fields(classes)
        assert all(values.shape == (2,) and np.isfinite(values).all() for values in outputs.values())


def test_a_magnitude_is_repeated_as_it_was():
    times = [48 * HOUR * day for day in range(6)]
    known = past(times, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    found = baselines(Regression(), (), past(times[:4], known.truth[:4]), known, past(times[4:], known.truth[4:]), DAY)
    assert found["last_label"]["prediction"].tolist() == [4.0, 5.0]
