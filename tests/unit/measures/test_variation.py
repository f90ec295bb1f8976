from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from keepfit.measures.variation import Variation, block_rows, excess, share, share_excess, variation

ROWS = np.full(20, 500.0)


def drawn(between, seed, rows=ROWS):
    """Effects of blocks against their whole."""
    draw = np.random.default_rng(seed)
    effects = draw.normal(0, np.sqrt(1 / rows + between))
    return effects - effects @ rows / rows.sum()


@pytest.mark.parametrize("between", [0.0, 0.002, 0.02])
@pytest.mark.parametrize("rows", [ROWS, np.tile([100.0, 900.0], 10)])
def test_the_variation_between_blocks_is_found_without_bias(between, rows):
    found = [variation(drawn(between, seed, rows), rows) for seed in range(2000)]
    assert np.mean([(one.inflation - 1) / one.rows for one in found]) == pytest.approx(between, abs=0.0001 + 0.05 * between)
    assert found[0].total == rows.sum()


def test_equal_blocks_have_their_own_size():
    assert block_rows(ROWS) == pytest.approx(500)


def test_columns_that_are_alike_share_all_they_say_and_others_keep_their_own():
    alike = share([variation(drawn(0.0, seed), ROWS) for seed in range(200)])
    assert all(math.isinf(one.freedom) or one.freedom > 100 for one in alike)
    assert all(0.8 < one.inflation < 1.2 for one in alike)
    apart = share([variation(drawn(between, seed), ROWS) for seed, between in enumerate([0.0] * 20 + [0.2] * 20)])
    assert max(one.inflation for one in apart[:20]) < 3 < 30 < min(one.inflation for one in apart[20:])
    assert all(19 < one.freedom < 40 for one in apart)
    two = [variation(drawn(0.0, seed), ROWS) for seed in range(2)]
    assert share(two) == two


def test_the_error_of_a_window_as_large_as_a_block_is_that_of_a_block_and_the_whole():
    one = Variation(inflation=3.0, rows=500, blocks=20, total=10_000, freedom=19)
    error, freedom = one.error(1 / 500, 1.0, 500)
    assert error == pytest.approx(math.sqrt(3 / 500 * 1.05))
    assert freedom == pytest.approx(19)


def test_a_window_larger_than_the_blocks_is_not_taken_to_vary_little_because_they_cannot_tell():
    one = Variation(inflation=1.0, rows=500, blocks=20, total=10_000, freedom=19)
    error, _ = one.error(1 / 50_000, 1.0, 50_000)
    assert error**2 > 1 / 50_000 + 1 / 10_000 + 0.5 * math.sqrt(2 / 19) / 500


def test_windows_weighed_together_vary_less_than_one():
    one = Variation(inflation=3.0, rows=500, blocks=20, total=10_000, freedom=19)
    assert one.error(1 / 500 / 9, 1 / 9, 500)[0] < one.error(1 / 500, 1.0, 500)[0] / 2


def test_the_excess_of_shares_is_found_and_shared():
    draw = np.random.default_rng(2)
    shares = np.array([0.5, 0.3, 0.2])

    def statistics(between):
        counts = np.array(
            [draw.multinomial(500, np.clip(shares + draw.normal(0, between) * np.array([1, -1, 0]), 0, 1)) for _ in range(20)]
        )
        whole = counts.sum(axis=0) / counts.sum()
        return ((counts - 500 * whole) ** 2 / (500 * whole)).sum(axis=1)

    alone = [excess(statistics(0.0), ROWS, 3) for _ in range(300)]
    assert np.mean([one.value for one in alone]) == pytest.approx(0, abs=0.0003)
    moving = [excess(statistics(0.05), ROWS, 3) for _ in range(300)]
    expected = 0.05**2 * (1 / 0.5 + 1 / 0.3)
    assert np.mean([one.value for one in moving]) == pytest.approx(expected, rel=0.1)
    assert max(one.value for one in share_excess(alone)) < 0.3 * math.sqrt(alone[0].variance)


def test_the_moments_of_a_shared_prior_agree_with_scipy():
    draw = np.random.default_rng(3)
    truth = 8 * 2.0 / stats.chi2.rvs(8, size=4000, random_state=draw)
    said = share([Variation(float(one * draw.chisquare(19) / 19), 500, 20, 10_000, 19) for one in truth])
    assert said[0].freedom - 19 == pytest.approx(8, rel=0.25)
