from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, special

from keepfit.calibration import Calibration
from keepfit.measures.platt import platt
from keepfit.measures.temperature import sharpened, temperature
from keepfit.tasks.binary import Binary
from keepfit.tasks.multiclass import Multiclass
from keepfit.tasks.regression import Regression

SCORES = st.floats(0, 1) | st.sampled_from([0.0, 1.0, 5e-324, 1e-15, 0.5])
LINES = st.builds(Calibration, st.floats(-50, 50), st.floats(-50, 50))


@given(LINES, SCORES)
def test_one_score_is_the_logistic_function_of_the_line_through_its_log_odds(line, score):
    kept = min(1 - 1e-15, max(1e-15, score))
    expected = special.expit(line.slope * special.logit(kept) + line.intercept)
    assert line.one(score) == pytest.approx(expected, abs=1e-12)
    assert 0 <= line.one(score) <= 1


@given(LINES, st.lists(SCORES, max_size=20))
def test_many_scores_are_calibrated_as_one_by_one(line, scores):
    assert line.many(np.array(scores)).tolist() == pytest.approx([line.one(score) for score in scores], abs=1e-12)


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


OUTPUTS = {
    "binary": {"score": np.array([0.1, 0.5, 0.9999])},
    "multiclass": {"p0": np.array([0.1, 0.0, 1.0]), "p1": np.array([0.6, 1e-9, 0.0]), "p2": np.array([0.3, 1 - 1e-9, 0.0])},
    "regression": {"prediction": np.array([5.0, -1e9, 0.0]), "low": np.array([1.0, -2e9, 0.0]), "high": np.array([5.0, -1e9, 0.0])},
}


@pytest.mark.parametrize("task", [Binary(), Multiclass(), Regression()], ids=lambda task: task.kind)
@given(st.floats(0.05, 20), st.floats(-5, 5), st.floats(-9, 9), st.floats(-9, 9))
def test_many_rows_and_one_are_calibrated_alike(task, slope, intercept, below, above):
    made, outputs = Calibration(slope, intercept, below, above), OUTPUTS[task.kind]
    together = task.calibrate(outputs, made)
    for row in range(3):
        alone = task.calibrate_row({field: float(values[row]) for field, values in outputs.items()}, made)
        assert alone == pytest.approx({field: float(values[row]) for field, values in together.items()}, abs=1e-12, rel=1e-12)
        assert task.kind != "multiclass" or sum(alone.values()) == pytest.approx(1.0)
        assert task.kind != "regression" or alone["low"] <= alone["prediction"] <= alone["high"]


@pytest.mark.parametrize("power", [0.3, 1.0, 2.5])
def test_the_power_that_made_probabilities_overconfident_is_found_and_taken_back(power):
    rng = np.random.default_rng(4)
    chances = special.softmax(rng.normal(size=(20_000, 4)) * 2, axis=1)
    truth = (rng.random(20_000)[:, None] > chances.cumsum(axis=1)).sum(axis=1).clip(0, 3).astype(float)
    assert 1 / temperature(truth, sharpened(chances, power)) == pytest.approx(power, rel=0.05)
    assert sharpened(sharpened(chances, power), 1 / power) == pytest.approx(chances, abs=1e-9)


@pytest.mark.parametrize("rows", [0, 1, 18, 19, 500])
def test_bounds_are_moved_until_nine_of_ten_rows_lie_between_them(rows):
    rng = np.random.default_rng(rows)
    truth = rng.normal(size=rows)
    outputs = {"prediction": np.zeros(rows), "low": np.full(rows, -0.1), "high": np.full(rows, 9.0)}
    made = Regression().learn_calibration(truth, outputs)
    if rows < 19:
        assert made is None
        return
    moved = Regression().calibrate(outputs, made)
    assert (truth >= moved["low"]).mean() >= 0.95
    assert (truth <= moved["high"]).mean() >= 0.95
    fresh = rng.normal(size=100_000)
    if rows == 500:
        assert ((fresh >= moved["low"][0]) & (fresh <= moved["high"][0])).mean() == pytest.approx(0.9, abs=0.03)
