"""Distances and tests of two samples; scipy is the independent source."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from keepfit.measures.distance import psi, wasserstein
from keepfit.measures.two_samples import chi_square, kolmogorov_smirnov

NUMBERS = st.lists(st.integers(-20, 20).map(float), min_size=1, max_size=30)
COUNTS = st.lists(st.integers(0, 400), min_size=2, max_size=7)


def weighted(numbers):
    values, rows = np.unique(numbers, return_counts=True)
    return values, rows


@given(NUMBERS, NUMBERS)
def test_wasserstein_is_scipys_whether_rows_are_told_one_by_one_or_counted(first, second):
    expected = stats.wasserstein_distance(first, second)
    assert wasserstein(first, np.ones(len(first)), second, np.ones(len(second))) == pytest.approx(expected, abs=1e-9)
    assert wasserstein(*weighted(first), *weighted(second)) == pytest.approx(expected, abs=1e-9)


@given(NUMBERS, NUMBERS)
def test_the_gap_of_kolmogorov_smirnov_is_scipys_and_its_chance_that_of_many_rows(first, second):
    assume(min(len(first), len(second)) > 2)  # of fewer rows scipy's own chance divides by nothing
    gap, chance = kolmogorov_smirnov(*weighted(first), *weighted(second))
    assert gap == pytest.approx(stats.ks_2samp(first, second, method="asymp").statistic, abs=1e-12)
    size = len(first) * len(second) / (len(first) + len(second))
    assert chance == pytest.approx(stats.kstwobign.sf(gap * np.sqrt(size)) if gap else 1.0, abs=1e-12)


@given(COUNTS, COUNTS)
def test_chi_square_is_scipys_where_no_bin_is_rare(first, second):
    size = min(len(first), len(second))
    table = np.array([first[:size], second[:size]]) + 30
    assume(np.all(table.sum(axis=0) / table.sum() * table.sum(axis=1).min() >= 5))
    association, chance = chi_square(*table)
    expected = stats.chi2_contingency(table, correction=False)
    assert chance == pytest.approx(expected.pvalue, abs=1e-12)
    assert association == pytest.approx(stats.contingency.association(table, method="cramer"), abs=1e-9)


def test_rare_bins_are_counted_together_and_one_bin_tells_nothing():
    assert chi_square([1000, 1000, 1, 1], [100, 100, 1, 1])[1] > 1e-6
    assert chi_square([10, 0], [20, 0]) == (0.0, 1.0)
    assert chi_square([10, 5], [0, 0]) == (0.0, 1.0)


@given(COUNTS, COUNTS)
def test_the_stability_index_is_the_sum_of_both_divergences(first, second):
    size = min(len(first), len(second))
    p, q = (np.array(one[:size]) for one in (first, second))
    assume(p.sum() > 0)
    assume(q.sum() > 0)
    both = stats.entropy(p + 0.5, q + 0.5) + stats.entropy(q + 0.5, p + 0.5)
    assert psi(p, q) == pytest.approx(both, abs=1e-9)
    assert psi(p, p) == 0
