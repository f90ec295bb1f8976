from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from keepfit.errors import BadTarget, OneClass
from keepfit.tasks.binary import Binary

TASK = Binary()


def test_the_value_to_find_stands_last():
    assert TASK.classes(pl.Series("t", [True, False, None]), None) == (False, True)
    assert TASK.classes(pl.Series("t", ["no", "no", "yes"]), None) == ("no", "yes")
    assert TASK.classes(pl.Series("t", ["no", "no", "yes"]), "no") == ("yes", "no")
    assert TASK.classes(pl.Series("t", [0, 1, 1]), 1) == (0, 1)


@pytest.mark.parametrize(
    ("values", "positive", "error"),
    [
        ([True, True, None], None, OneClass),
        ([None, None], None, OneClass),
        (["a", "b", "c"], None, BadTarget),
        ([0, 1], True, BadTarget),
        ([True, False], 1, BadTarget),
        (["a", "b"], "c", BadTarget),
    ],
)
def test_a_target_that_does_not_fit_is_refused(values, positive, error):
    with pytest.raises(error):
        TASK.classes(pl.Series("t", values), positive)


def test_truth_is_one_for_the_value_to_find_and_unknown_where_it_is():
    assert np.array_equal(TASK.truth(pl.Series(["yes", "no", None]), ("no", "yes")), [1.0, 0.0, np.nan], equal_nan=True)


@pytest.mark.parametrize(
    ("value", "threshold"),
    [
        (None, 0.5),
        ({"true_positive": 12, "false_positive": -3}, 0.2),
        ({"true_positive": 1, "false_positive": -1, "true_negative": 1, "false_negative": -1}, 0.5),
        ({"false_negative": -9, "false_positive": -1}, 0.1),
        ({}, 0.5),
        ({"true_positive": 1, "false_positive": 1}, 0.0),
        ({"true_positive": 2, "false_positive": 0}, 0.0),
        ({"false_positive": -2}, 1.0),
    ],
)
def test_the_threshold_is_where_acting_begins_to_pay(value, threshold):
    assert TASK.threshold(value) == pytest.approx(threshold)


def test_one_row_and_many_are_decided_alike():
    scores = np.array([0.0, 0.19999999999999998, 0.2, 0.5, 1.0])
    many = TASK.decide({"score": scores}, 0.2)
    assert [TASK.answer({"score": float(score)}, ("no", "yes"), 0.2) for score in scores] == [
        ("yes" if acts else "no", bool(acts)) for acts in many
    ]
    assert many.tolist() == [False, False, True, True, True]
