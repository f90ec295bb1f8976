from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from keepfit import record
from keepfit.errors import BrokenFile
from keepfit.evaluation import Clusters, Gain, evaluate
from keepfit.measures import quality
from keepfit.task import Scored
from keepfit.tasks.binary import Binary

TASK = Binary()
DAYS = 20


def drawn(seed, rows=400):
    rng = np.random.default_rng(seed)
    truth = (rng.random(rows) < 0.3).astype(float)
    return truth, rng.integers(0, DAYS, rows), lambda noise: np.clip(0.2 + 0.3 * truth + rng.normal(0, noise, rows), 0.01, 0.99)


def evaluated(truth, score, of_row, *, value=None, name="c1", rows="b3:r"):
    scored = Scored(truth, {"score": score}, TASK.decide({"score": score}, 0.5), value)
    return evaluate(name, TASK, scored, Clusters("day", of_row, DAYS), rows=rows, threshold=0.5)


def half_of_mean(values, of_row):
    """Half the width of a mean's interval by leaving out one day at a time."""
    without = np.array([values[of_row != day].mean() for day in range(DAYS)])
    error = math.sqrt((DAYS - 1) / DAYS * ((without - values.mean()) ** 2).sum())
    shares = np.bincount(of_row, minlength=DAYS) / of_row.size
    return stats.t.ppf(0.975, 1 / (shares**2).sum() - 1) * error


def test_an_evaluation_holds_every_metric_with_its_interval():
    truth, of_row, score_of = drawn(1)
    score = score_of(0.2)
    found = evaluated(truth, score, of_row, value={"true_positive": 12, "false_positive": -3})
    assert set(found.metrics) == set(TASK.metrics)
    assert found["accuracy"].value == pytest.approx(metrics.accuracy_score(truth, score >= 0.5))
    assert found["log_loss"].value == pytest.approx(metrics.log_loss(truth, score))
    matrix = metrics.confusion_matrix(truth, score >= 0.5)
    assert found.counts == {
        "true_negative": matrix[0, 0], "false_positive": matrix[0, 1], "false_negative": matrix[1, 0], "true_positive": matrix[1, 1],
    }  # fmt: skip
    assert found["value"].value == pytest.approx(1000 * (12 * matrix[1, 1] - 3 * matrix[0, 1]) / truth.size)
    assert (found.count, found.clusters, found.unit) == (400, DAYS, "day")
    assert (found.expected, found.happened) == (pytest.approx(score.mean()), truth.mean())
    for metric in found.metrics.values():
        assert metric.low <= metric.value <= metric.high
        assert len(metric.sums) == DAYS


def test_the_interval_of_a_mean_is_that_of_its_days():
    truth, of_row, score_of = drawn(2)
    score = score_of(0.2)
    found = evaluated(truth, score, of_row)["log_loss"]
    losses = quality.log_losses(truth, score)
    assert found.high - found.value == pytest.approx(half_of_mean(losses, of_row))


def test_an_interval_stays_inside_the_range_of_its_metric():
    truth = np.array([1.0, 0.0] * 10)
    found = evaluated(truth, np.where(truth == 1, 0.6, 0.4), np.arange(20))
    assert found["roc_auc"].high == 1.0
    found = evaluated(truth, np.where(np.arange(20) < 19, truth, 0.5), np.arange(20))
    assert found["brier"].low == 0.0


def test_metrics_that_the_rows_do_not_allow_are_left_out():
    found = evaluated(np.zeros(10), np.full(10, 0.2), np.arange(10))
    assert "roc_auc" not in found.metrics
    assert "value" not in found.metrics
    assert "log_loss" in found.metrics


def test_why_a_metric_could_not_be_measured_is_kept():
    found = evaluated(np.zeros(10), np.full(10, 0.2), np.arange(10))
    assert found.left_out["roc_auc"] == "roc_auc needs rows of both classes"
    assert set(found.left_out) | set(found.metrics) == set(TASK.metrics) - {"value"}
    truth = np.array([0.0, 1.0] * 20)
    broken = np.where(np.arange(40) == 7, np.nan, 0.3)
    found = evaluated(truth, broken, np.arange(40) % DAYS)
    assert found.left_out["log_loss"] == "an output is not a number"
    assert (found.expected, found.happened) == (None, None)
    assert record.from_json(type(found), record.to_json(found)) == found


def test_where_every_row_says_the_same_nothing_is_known_of_the_variation():
    truth, of_row, _ = drawn(7)
    found = evaluated(truth, np.full(400, 0.5), of_row)
    assert (found["roc_auc"].value, found["roc_auc"].low, found["roc_auc"].high) == (0.5, None, None)
    assert (found["log_loss"].low, found["log_loss"].high) == (None, None)
    assert found["brier"].low is None


@pytest.mark.parametrize("unit", ["day", "key"])
def test_a_rate_that_all_of_a_few_rows_reach_is_not_certain(unit):
    truth = np.array([1.0] * 3 + [0.0] * 397)
    score = np.where(truth == 1, 0.9, 0.1)
    scored = Scored(truth, {"score": score}, score > 0.5, None)
    found = evaluate("c1", TASK, scored, Clusters(unit, np.arange(400) % DAYS, DAYS), rows="b3:r", threshold=0.5)
    for name in ("recall", "precision", "roc_auc"):
        assert found[name].value == 1.0
        assert (found[name].low, found[name].high) == (pytest.approx(1 / (1 + 1.96**2 / 3), abs=1e-3), 1.0), name
    assert 0.98 < found["accuracy"].low < 1.0


def test_an_interval_over_days_is_never_narrower_than_the_one_of_rows_that_stand_alone():
    truth, _, score_of = drawn(8)
    score = score_of(0.3)
    order = np.argsort(score)
    balanced = np.empty(400, dtype=np.int64)
    balanced[order] = np.arange(400) % DAYS  # each day has the same scores: days differ less than chance would have it
    scored = Scored(truth, {"score": score}, score > 0.5, None)
    by_day, alone = (
        evaluate("c1", TASK, scored, Clusters(unit, clusters, DAYS), rows="b3:r", threshold=0.5)
        for unit, clusters in (("day", balanced), ("key", balanced))
    )
    for name in ("roc_auc", "accuracy", "precision", "recall"):
        assert by_day[name].low <= alone[name].low < alone[name].high <= by_day[name].high


def test_of_one_day_no_interval_is_known():
    truth, _, score_of = drawn(3)
    scored = Scored(truth, {"score": score_of(0.2)}, truth == 1, None)
    found = evaluate("c1", TASK, scored, Clusters("day", np.zeros(400, dtype=np.int64), 1), rows="b3:r", threshold=0.5)
    assert (found["log_loss"].low, found["log_loss"].high) == (None, None)


def test_the_gain_over_another_is_that_of_the_paired_rows():
    truth, of_row, score_of = drawn(4)
    good, bad = score_of(0.1), score_of(0.3)
    ours, theirs = evaluated(truth, good, of_row), evaluated(truth, bad, of_row, name="c2")
    gain = ours.gain_over(theirs, "log_loss")
    ahead = quality.log_losses(truth, bad) - quality.log_losses(truth, good)
    half = half_of_mean(ahead, of_row)
    assert (gain.value, gain.low, gain.high) == pytest.approx((ahead.mean(), ahead.mean() - half, ahead.mean() + half))
    back = theirs.gain_over(ours, "log_loss")
    assert (back.value, back.low, back.high) == pytest.approx((-gain.value, -gain.high, -gain.low))
    assert ours.gain_over(theirs, "roc_auc").value == pytest.approx(metrics.roc_auc_score(truth, good) - metrics.roc_auc_score(truth, bad))
    nothing = ours.gain_over(ours, "roc_auc")
    assert (nothing.value, nothing.low, nothing.high) == (0, 0, 0)


def test_a_paired_interval_is_narrower_than_two_apart():
    truth, of_row, score_of = drawn(5)
    score = score_of(0.2)
    ours, theirs = evaluated(truth, score, of_row), evaluated(truth, np.clip(score + 0.02, 0, 0.99), of_row)
    gain = ours.gain_over(theirs, "log_loss")
    assert gain.high - gain.low < (ours["log_loss"].high - ours["log_loss"].low) / 2


def test_evaluations_of_different_rows_are_not_compared():
    truth, of_row, score_of = drawn(6)
    with pytest.raises(BrokenFile):
        evaluated(truth, score_of(0.1), of_row).gain_over(evaluated(truth, score_of(0.1), of_row, rows="b3:other"), "log_loss")


def test_of_one_day_no_gain_is_known_and_none_is_written_down():
    truth, _, score_of = drawn(9)
    one_day = Clusters("day", np.zeros(400, dtype=np.int64), 1)
    both = [
        evaluate(name, TASK, Scored(truth, {"score": score}, score > 0.5, None), one_day, rows="b3:r", threshold=0.5)
        for name, score in (("c1", score_of(0.1)), ("c2", score_of(0.3)))
    ]
    gain = both[0].gain_over(both[1], "log_loss")
    assert (gain.low, gain.high) == (-math.inf, math.inf)
    assert str(gain) == f"{gain.value:+.4f}"
    assert both[0].known_gain_over(both[1], "log_loss") is None
    assert both[0].known_gain_over(both[1], "unheard of") is None


def test_a_gain_is_shown_with_as_many_digits_as_tell_something():
    shown = [str(Gain(*bounds)) for bounds in ((0.0479, 0.0179, 0.0778), (0.0, 0.0, 0.0), (12.345, -3.1, 20.0), (1234.5, 1000.0, 2000.0))]
    assert shown[:2] == ["+0.0479 [+0.0179, +0.0778]", "+0.0000 [+0.0000, +0.0000]"]
    assert shown[2:] == ["+12.3 [-3.1, +20.0]", "+1234 [+1000, +2000]"]
    assert str(Gain(0.00001, -0.000002, 0.00003)) == "+0.0000100 [-0.0000020, +0.0000300]"
