"""Measures of decisions, classes and magnitudes; scikit-learn is the independent source, of values and of influences.

An influence is the derivative of the measure in a row's weight, so scikit-learn's weighted metrics give it by
a finite difference.
"""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from keepfit.measures import classes, decisions, magnitudes, quality

RNG = np.random.default_rng(11)
ROWS, LITTLE = 240, 1e-6

SCORE = np.round(RNG.random(ROWS), 2)  # with ties
TRUTH = (RNG.random(ROWS) < 0.2 + 0.6 * SCORE).astype(float)
SAYS = (SCORE >= 0.6).astype(float)

CHANCES = RNG.dirichlet([2.0, 1.0, 0.7, 0.4], ROWS)
CLASS = np.array([RNG.choice(4, p=row) for row in CHANCES]).astype(float)
LIKELIEST = CHANCES.argmax(axis=1).astype(float)
HOT = (CLASS[:, None] == np.arange(4)).astype(float)

AMOUNT = RNG.normal(10, 3, ROWS)
GUESS = AMOUNT + RNG.normal(0.4, 2, ROWS)
LOW, HIGH = GUESS - 3, GUESS + 3


def pinball(weight):
    return (
        metrics.mean_pinball_loss(AMOUNT, LOW, alpha=0.05, sample_weight=weight)
        + metrics.mean_pinball_loss(AMOUNT, HIGH, alpha=0.95, sample_weight=weight)
    ) / 2


def rest_auc(weight):
    return np.mean([metrics.roc_auc_score(HOT[:, one], CHANCES[:, one], sample_weight=weight) for one in range(4)])


CASES = {
    "average precision": (
        quality.average_precision(TRUTH, SCORE),
        lambda w: metrics.average_precision_score(TRUTH, SCORE, sample_weight=w),
    ),
    "accuracy": (decisions.accuracy(TRUTH, SAYS), lambda w: metrics.accuracy_score(TRUTH, SAYS, sample_weight=w)),
    "balanced accuracy": (
        decisions.balanced_accuracy(TRUTH, SAYS),
        lambda w: metrics.balanced_accuracy_score(TRUTH, SAYS, sample_weight=w),
    ),
    "precision": (decisions.precision(TRUTH, SAYS), lambda w: metrics.precision_score(TRUTH, SAYS, sample_weight=w)),
    "recall": (decisions.recall(TRUTH, SAYS), lambda w: metrics.recall_score(TRUTH, SAYS, sample_weight=w)),
    "f1": (decisions.f1(TRUTH, SAYS), lambda w: metrics.f1_score(TRUTH, SAYS, sample_weight=w)),
    "class log loss": (quality.mean_of(classes.log_losses(CLASS, CHANCES)), lambda w: metrics.log_loss(CLASS, CHANCES, sample_weight=w)),
    "class accuracy": (decisions.accuracy(CLASS, LIKELIEST), lambda w: metrics.accuracy_score(CLASS, LIKELIEST, sample_weight=w)),
    "class balanced accuracy": (
        decisions.balanced_accuracy(CLASS, LIKELIEST),
        lambda w: metrics.balanced_accuracy_score(CLASS, LIKELIEST, sample_weight=w),
    ),
    "f1 macro": (decisions.f1_macro(CLASS, LIKELIEST), lambda w: metrics.f1_score(CLASS, LIKELIEST, average="macro", sample_weight=w)),
    "class roc auc": (classes.roc_auc(CLASS, CHANCES), rest_auc),
    "class brier": (classes.brier(CLASS, CHANCES), lambda w: np.average(((CHANCES - HOT) ** 2).sum(axis=1), weights=w)),
    "mae": (magnitudes.mae(AMOUNT, GUESS), lambda w: metrics.mean_absolute_error(AMOUNT, GUESS, sample_weight=w)),
    "rmse": (magnitudes.rmse(AMOUNT, GUESS), lambda w: metrics.root_mean_squared_error(AMOUNT, GUESS, sample_weight=w)),
    "r2": (magnitudes.r2(AMOUNT, GUESS), lambda w: metrics.r2_score(AMOUNT, GUESS, sample_weight=w)),
    "bias": (magnitudes.bias(AMOUNT, GUESS), lambda w: abs(np.average(GUESS - AMOUNT, weights=w))),
    "coverage": (magnitudes.coverage(AMOUNT, LOW, HIGH), lambda w: np.average((LOW <= AMOUNT) & (AMOUNT <= HIGH), weights=w)),
    "pinball": (magnitudes.pinball(AMOUNT, LOW, HIGH), pinball),
}


@pytest.mark.parametrize("name", CASES)
def test_a_value_is_that_of_scikit_learn(name):
    estimate, weighted = CASES[name]
    assert estimate.value == pytest.approx(weighted(np.ones(ROWS)), rel=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_an_influence_is_what_a_little_more_weight_on_a_row_moves(name):
    estimate, weighted = CASES[name]
    assert estimate.influence.sum() == pytest.approx(0, abs=1e-9)
    for row in range(0, ROWS, 7):
        more, less = np.ones(ROWS), np.ones(ROWS)
        more[row] += LITTLE
        less[row] -= LITTLE
        moved = (weighted(more) - weighted(less)) / (2 * LITTLE) * ROWS
        assert moved == pytest.approx(estimate.influence[row], abs=2e-5 * float(np.abs(estimate.influence).max()))


def test_the_macro_area_under_the_curve_is_that_of_scikit_learn():
    assert classes.roc_auc(CLASS, CHANCES).value == pytest.approx(metrics.roc_auc_score(CLASS, CHANCES, multi_class="ovr", average="macro"))


def test_classes_that_do_not_occur_are_left_out():
    some = CLASS < 3
    assert classes.roc_auc(CLASS[some], CHANCES[some]).value == pytest.approx(
        np.mean([metrics.roc_auc_score(CLASS[some] == one, CHANCES[some][:, one]) for one in range(3)])
    )
    assert decisions.f1_macro(CLASS[some], LIKELIEST[some]).value == pytest.approx(
        metrics.f1_score(CLASS[some], LIKELIEST[some], average="macro")
    )
    with pytest.raises(ValueError, match="two classes"):
        classes.roc_auc(np.zeros(4), np.full((4, 4), 0.25))


def test_what_the_rows_do_not_allow_is_no_number():
    nothing, ones = np.zeros(5), np.ones(5)
    for measure, truth, said in (
        (decisions.precision, ones, nothing),
        (decisions.recall, nothing, ones),
        (decisions.f1, nothing, nothing),
        (quality.average_precision, nothing, ones),
        (magnitudes.r2, ones, nothing),
    ):
        with pytest.raises(ValueError, match="needs"):
            measure(truth, said)


def test_perfect_answers_have_perfect_values():
    assert magnitudes.rmse(AMOUNT, AMOUNT).influence.tolist() == [0.0] * ROWS
    assert magnitudes.r2(AMOUNT, AMOUNT).value == 1
    assert quality.average_precision(TRUTH, TRUTH).value == 1
    assert classes.calibration_error(CLASS, HOT).value == 0
    assert classes.log_losses(np.array([0.0]), np.array([[0.0, 1.0]])) == pytest.approx([-np.log(1e-15)])
