from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from keepfit.measures.interval import cluster_sums, clustered, effective, half_width, on_log_odds, wilson


def test_influences_are_summed_within_clusters_as_far_as_each_left_out_moves_the_value():
    values, cluster = np.array([1.0, 2.0, -4.0, 7.0]), np.array([0, 2, 2, 0])
    assert cluster_sums(values - values.mean(), cluster, 4).tolist() == [10.0, 0.0, -10.0, 0.0]
    values, cluster = np.random.default_rng(5).normal(size=100), np.repeat([0, 1, 2], [60, 30, 10])
    moved = [values.mean() - values[cluster != one].mean() for one in range(3)]
    assert cluster_sums(values - values.mean(), cluster, 3) == pytest.approx(np.array(moved) * 100)


def test_with_a_cluster_for_every_row_it_is_the_interval_of_a_mean():
    values = np.random.default_rng(1).normal(size=50)
    low, high = stats.t.interval(0.95, 49, loc=values.mean(), scale=stats.sem(values))
    assert clustered(values - values.mean(), np.arange(50), 50) == pytest.approx((high - low) / 2)


def test_with_equal_clusters_it_is_the_interval_of_the_mean_of_their_means():
    values = np.random.default_rng(2).normal(size=(12, 30))
    low, high = stats.t.interval(0.9, 11, loc=0, scale=stats.sem(values.mean(axis=1)))
    half = clustered((values - values.mean()).ravel(), np.repeat(np.arange(12), 30), 12, confidence=0.9)
    assert half == pytest.approx((high - low) / 2)


def test_clusters_of_uneven_size_count_as_fewer():
    assert effective(np.repeat([0, 1, 2, 3], 5), 4) == pytest.approx(4)
    assert effective(np.repeat([0, 1, 2], [98, 1, 1]), 3) == pytest.approx(1.04, abs=0.01)
    assert effective(np.array([], dtype=np.int64), 0) == 0.0
    sums = [1.0, -2.0, 1.0]
    wide, narrow = (half_width(sums, 10, equal_clusters=count) for count in (2.0, 3.0))
    assert wide / narrow == pytest.approx(stats.t.ppf(0.975, 1) / stats.t.ppf(0.975, 2))
    assert half_width(sums, 10) == pytest.approx(narrow)


@pytest.mark.parametrize("sums", [[], [3.0]])
def test_of_one_cluster_nothing_is_known(sums):
    assert half_width(sums, 10) == math.inf


@pytest.mark.parametrize(("hits", "rows"), [(0, 20), (1, 20), (7, 20), (20, 20), (500, 1000), (1, 1)])
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.999])
def test_wilson_s_interval_is_that_of_scipy(hits, rows, confidence):
    theirs = stats.binomtest(hits, rows).proportion_ci(confidence, method="wilson")
    assert wilson(hits, rows, confidence) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_an_interval_on_the_log_odds_is_about_that_of_the_share_and_stays_inside():
    low, high = on_log_odds(0.7, 0.0001)
    assert (low, high) == pytest.approx((0.7 - 1.96 * 0.01, 0.7 + 1.96 * 0.01), abs=4e-4)
    low, high = on_log_odds(0.999, 0.01)
    assert 0 < low < 0.999 < high <= 1
    assert on_log_odds(1.0, 0.01) is None
    assert on_log_odds(0.7, 0.0) is None
