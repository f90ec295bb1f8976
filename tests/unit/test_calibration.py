from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, special

from keepfit.calibration import Calibration
from keepfit.measures.platt import platt

SCORES = st.floats(0, 1) | st.sampled_from([0.0, 1.0, 5e-324, 1e-15, 0.5])
LINES = st.builds(Calibration, st.floats(-50, 50), st.floats(-50, 50))


@given(LINES, SCORES)
def test_one_score_is_the_logistic_function_of_the_line_through_its_log_odds(line, score):
    kept = min(1 - 1e-15, max(1e-15, score))
    expected = special.expit(line.slope * special.logit(kept) + line.intercept)
    assert line.one(score) == pytest.approx(expected, abs=1e-12)
    assert 0 <= line.one(score) <= 1


@given(LINES, st.lists(SCORES, max_size=20))
def test_many_scores_are_the_same_bits_as_one_by_one(line, scores):
    assert line.many(np.array(scores)).tolist() == [line.one(score) for score in scores]


@given(st.floats(0.01, 50), st.floats(-5, 5), SCORES, SCORES)
def test_a_rising_line_keeps_the_order_of_rows(slope, intercept, first, second):
    line = Calibration(slope, intercept)
    if first <= second:
        assert line.one(first) <= line.one(second)


@pytest.mark.parametrize("seed", range(3))
def test_the_line_is_the_most_likely_one_under_its_prior(seed):
    rng = np.random.default_rng(seed)
    odds = rng.normal(0, 2, 500)
    truth = (rng.random(500) < special.expit(0.6 * odds - 0.4)).astype(float)

    def badness(line):
        value = line[0] * odds + line[1]
        return float((np.logaddexp(0, value) - truth * value).sum() + ((line - [1, 0]) ** 2).sum() / 2)

    best = optimize.minimize(badness, np.array([1.0, 0.0]), tol=1e-12).x
    assert platt(truth, special.expit(odds)) == pytest.approx(best, abs=1e-4)


@given(st.lists(st.tuples(st.sampled_from([0.0, 1.0]), SCORES), min_size=1, max_size=50))
def test_the_line_is_finite_whatever_the_rows(rows):
    truth, score = (np.array(column) for column in zip(*rows, strict=True))
    assert np.isfinite(platt(truth, score)).all()
