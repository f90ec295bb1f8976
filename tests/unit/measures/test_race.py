from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from keepfit.measures.race import race


def test_it_is_the_paired_t_statistic():
    rng = np.random.default_rng(3)
    champion, challenger = rng.random(100), rng.random(100) * 0.9
    assert race(champion, challenger) == pytest.approx(stats.ttest_rel(champion, challenger).statistic)
    assert race(challenger, champion) == -race(champion, challenger)


def test_without_spread_it_is_sure_or_says_nothing():
    ones = np.ones(5)
    assert race(ones, ones) == 0
    assert race(2 * ones, ones) == math.inf
    assert race(ones, 2 * ones) == -math.inf
    assert race(np.array([1.0]), np.array([0.0])) == 0
    assert race(np.array([]), np.array([])) == 0
