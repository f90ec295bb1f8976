"""Tails against scipy's distributions, which are the independent source."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from keepfit.measures.tail import of_chi_square, of_count, of_effect, surely_above


@pytest.mark.parametrize("score", [0.0, 0.5, 2.0, 5.0])
@pytest.mark.parametrize("freedom", [3.0, 19.0, math.inf])
def test_an_effect_has_the_two_sided_tail_of_student(score, freedom):
    expected = 2 * (stats.norm.sf(score) if math.isinf(freedom) else stats.t.sf(score, freedom))
    assert of_effect(-3 * score, 3.0, freedom) == pytest.approx(expected)


@pytest.mark.parametrize(("rows", "rate"), [(500, 0.004), (5000, 0.002), (2000, 0.05)])
def test_a_skewed_effect_has_about_the_tail_of_counts(rows, rate):
    spread, skew = math.sqrt(rate * (1 - rate) / rows), (1 - 2 * rate) / math.sqrt(rows * rate * (1 - rate))
    for tail in (0.02, 0.001, 1e-5):
        count = int(stats.binom.isf(tail, rows, rate))
        exact = stats.binom.sf(count - 1, rows, rate) / 2 + stats.binom.sf(count, rows, rate) / 2
        said = of_effect(count / rows - rate, spread, math.inf, skew) / 2
        assert 0.5 < said / exact < 2
        assert of_effect(count / rows - rate, spread, math.inf) / 2 < exact  # without the skewness it would be called rarer


def test_the_thin_side_of_a_skewed_curve_is_not_trusted():
    assert of_effect(-3.0, 1.0, math.inf, 1.5) == of_effect(-3.0, 1.0, math.inf)


@pytest.mark.parametrize(("count", "known"), [(0, 0), (3, 0), (2, 5), (40, 11), (1, 300)])
def test_a_count_without_spread_has_the_exact_conditional_chances(count, known):
    low, high = of_count(count, 100, known, 1000)
    together, share = count + known, 100 / 1100
    assert low == pytest.approx(stats.binom.cdf(count, together, share))
    assert high == pytest.approx(stats.binom.sf(count - 1, together, share))


def test_a_spread_makes_a_count_less_surprising_the_less_it_is_known():
    alone, spread, unsure = (of_count(40, 1000, 200, 10_000, spread=s, freedom=f)[1] for s, f in ((0, math.inf), (0.1, math.inf), (0.1, 5)))
    assert alone < spread < unsure < 0.1


def test_a_chi_square_without_inflation_is_one_and_with_it_holds_what_draws_show():
    assert of_chi_square(20.0, 4, 1.0, math.inf) == pytest.approx(stats.chi2.sf(20.0, 4))
    assert of_chi_square(20.0, 4, 1.0 + 1e-9, math.inf) == pytest.approx(stats.chi2.sf(20.0, 4), rel=1e-5)
    draw = np.random.default_rng(1)
    drawn = draw.chisquare(3, 400_000) + 2.5 * draw.standard_t(19, 400_000) ** 2
    for at in (8.0, 20.0, 35.0):
        assert of_chi_square(at, 4, 2.5, 19) == pytest.approx((drawn > at).mean(), rel=0.1)
    assert of_chi_square(6.0, 1, 2.0, 19) == pytest.approx(2 * stats.t.sf(math.sqrt(3), 19))


def test_being_surely_above_the_least_grows_easier_the_more_is_known():
    assert [surely_above(0.2, 0.1, error, math.inf, 0.05) for error in (0.2, 0.07, 0.05, 0.0)] == [False, False, True, True]
    assert not surely_above(0.1, 0.1, 0.001, math.inf, 0.05)
