"""Measures of probabilities; scikit-learn and the formulas of the papers are the independent sources."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from keepfit.measures import quality


@st.composite
def scored_rows(draw):
    """Truth with both classes, and scores with ties, zeros and ones among them."""
    rows = draw(st.integers(2, 60))
    grid = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0]) | st.floats(0, 1)
    truth = draw(st.lists(st.sampled_from([0.0, 1.0]), min_size=rows, max_size=rows).filter(lambda t: 0 < sum(t) < len(t)))
    return np.array(truth), np.array(draw(st.lists(grid, min_size=rows, max_size=rows)))


@given(scored_rows())
def test_values_are_those_of_scikit_learn(rows):
    truth, score = rows
    inside = np.clip(score, 1e-15, 1 - 1e-15)
    assert quality.log_loss(truth, score).value == pytest.approx(metrics.log_loss(truth, inside))
    assert quality.brier(truth, score).value == pytest.approx(metrics.brier_score_loss(truth, score))
    assert quality.roc_auc(truth, score).value == pytest.approx(metrics.roc_auc_score(truth, score))


@given(scored_rows())
def test_influences_sum_to_nothing(rows):
    truth, score = rows
    for measure in (quality.log_loss, quality.brier, quality.roc_auc, quality.calibration_error, quality.calibration_in_the_large):
        estimate = measure(truth, score)
        assert estimate.influence.shape == truth.shape
        assert estimate.influence.sum() == pytest.approx(0, abs=1e-9)


@given(scored_rows())
def test_an_influence_is_what_a_little_more_weight_on_a_row_moves(rows):
    truth, score = rows
    inside, little = np.clip(score, 1e-15, 1 - 1e-15), 1e-5
    for measure, weighted in (
        (quality.log_loss, lambda w: metrics.log_loss(truth, inside, sample_weight=w)),
        (quality.roc_auc, lambda w: metrics.roc_auc_score(truth, score, sample_weight=w)),
    ):
        influence = measure(truth, score).influence
        for row in {0, truth.size // 2, truth.size - 1}:
            weight = np.ones(truth.size)
            weight[row] += little
            moved = (weighted(weight) - weighted(np.ones(truth.size))) / little * truth.size
            assert moved == pytest.approx(influence[row], abs=2e-3 * max(1.0, float(np.abs(influence).max())))


def delong_variance(truth, score):
    """The variance of DeLong, DeLong and Clarke-Pearson (1988), from every pair of rows."""
    high, low = score[truth == 1], score[truth == 0]
    kernel = (high[:, None] > low[None, :]) + 0.5 * (high[:, None] == low[None, :])
    return kernel.mean(axis=1).var(ddof=1) / high.size + kernel.mean(axis=0).var(ddof=1) / low.size


@pytest.mark.parametrize("seed", range(5))
def test_squared_influences_on_roc_auc_give_delong_s_variance(seed):
    rng = np.random.default_rng(seed)
    truth = (rng.random(400) < 0.3).astype(float)
    score = np.round(np.clip(0.3 * truth + rng.random(400) * 0.7, 0, 1), 2)  # with ties
    influence = quality.roc_auc(truth, score).influence
    positive = int(truth.sum())
    ours = [
        (influence[truth == side] ** 2).sum() / truth.size**2 * count / (count - 1) for side, count in ((1, positive), (0, 400 - positive))
    ]
    assert sum(ours) == pytest.approx(delong_variance(truth, score), rel=1e-12)


def test_roc_auc_counts_ties_as_half_and_needs_both_classes():
    assert quality.roc_auc(np.array([1.0, 0.0]), np.array([0.5, 0.5])).value == 0.5
    assert quality.roc_auc(np.array([1.0, 0.0, 0.0]), np.array([0.5, 0.5, 0.1])).value == 0.75
    for truth in ([1.0, 1.0], [0.0, 0.0]):
        with pytest.raises(ValueError, match="both classes"):
            quality.roc_auc(np.array(truth), np.array([0.1, 0.9]))


def test_log_loss_stays_finite_where_a_sure_answer_was_wrong():
    value = quality.log_loss(np.array([1.0, 0.0]), np.array([0.0, 1.0])).value
    assert value == pytest.approx(-math.log(1e-15), rel=1e-3)


def calibration_error_by_hand(truth, score, bins=10):
    """Expected calibration error over bins of equally many rows, without ties."""
    parts = np.array_split(np.argsort(score), bins) if score.size % bins == 0 else None
    return sum(len(part) / score.size * abs((score - truth)[part].mean()) for part in parts)


@pytest.mark.parametrize("seed", range(5))
def test_calibration_error_is_the_mean_gap_of_equally_filled_bins(seed):
    rng = np.random.default_rng(seed)
    score, truth = rng.random(1000), (rng.random(1000) < 0.4).astype(float)
    assert quality.calibration_error(truth, score).value == pytest.approx(calibration_error_by_hand(truth, score))


@given(scored_rows(), st.integers(0, 2**32 - 1))
def test_calibration_error_does_not_ask_for_the_order_of_rows(rows, seed):
    truth, score = rows
    order = np.random.default_rng(seed).permutation(truth.size)
    assert quality.calibration_error(truth[order], score[order]).value == pytest.approx(quality.calibration_error(truth, score).value)
    assert 0 <= quality.calibration_error(truth, score).value <= 1


def test_a_perfect_model_shows_about_the_calibration_error_that_the_docstring_says():
    rng = np.random.default_rng(7)
    shown = []
    for _ in range(60):
        score = np.full(5000, 0.3) + rng.uniform(-0.02, 0.02, 5000)
        shown.append(quality.calibration_error((rng.random(5000) < score).astype(float), score).value)
    assert np.mean(shown) == pytest.approx(math.sqrt(10 * 0.3 * 0.7 / 5000) * 0.8, rel=0.1)
