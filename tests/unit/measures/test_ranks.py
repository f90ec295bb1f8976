from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from keepfit.measures.ranks import LOCATION_PER_SD, SCALE_PER_LOG, rank_polynomials, skewness


@pytest.mark.parametrize("rows", [[10, 20, 30, 40, 5, 1], [0, 3, 0, 0, 7, 9, 2, 0], [1] * 24, [900, 50, 30, 15, 5]])
def test_polynomials_are_orthonormal_under_the_reference(rows):
    found, shares = rank_polynomials(rows), np.array(rows) / sum(rows)
    assert np.allclose(found @ shares, 0)
    assert np.allclose((found * shares) @ found.T, np.eye(len(found)))
    assert np.isfinite(found).all()


def test_the_first_ascends_and_there_are_fewer_with_few_bins():
    assert (np.diff(rank_polynomials([5, 1, 7, 3, 3])[0]) > 0).all()
    assert [len(rank_polynomials(rows)) for rows in ([9], [0, 0, 4], [1, 1], [1, 1, 1], [2] * 9)] == [0, 0, 1, 2, 4]


def normal_bins(shift, scale):
    """The shares of a normal in the bins that twentieths of a standard normal make."""
    return np.diff(stats.norm.cdf(np.concatenate([[-np.inf], stats.norm.ppf(np.linspace(0, 1, 401)[1:-1]), [np.inf]]), shift, scale))


def test_a_small_move_of_a_normal_column_moves_the_first_two_as_stated():
    found, was = rank_polynomials(np.ones(400)), normal_bins(0, 1)
    by_location = found[:2] @ (normal_bins(0.01, 1) - was) / 0.01
    by_scale = found[:2] @ (normal_bins(0, np.exp(0.01)) - was) / 0.01
    assert by_location == pytest.approx([LOCATION_PER_SD, 0], abs=0.01)
    assert by_scale == pytest.approx([0, SCALE_PER_LOG], abs=0.01)


def test_a_rare_value_is_skewed_as_a_bernoulli_variate():
    assert skewness(rank_polynomials([99, 1]), [99, 1]) == pytest.approx([(1 - 2 * 0.01) / np.sqrt(0.01 * 0.99)])
