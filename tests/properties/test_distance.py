"""The Jensen-Shannon distance; scipy is the independent source."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import distance as independent

from keepfit.measures.distance import jensen_shannon

COUNTS = st.integers(0, 10**9) | st.integers(0, 3)


@st.composite
def pairs_of_histograms(draw):
    bins = draw(st.integers(1, 8))
    histograms = st.lists(COUNTS, min_size=bins, max_size=bins).filter(any)
    return draw(histograms), draw(histograms)


@given(pairs_of_histograms())
def test_jensen_shannon_is_a_bounded_symmetric_distance_on_shares(pair):
    first, second = pair
    found = jensen_shannon(first, second)
    assert 0 <= found <= 1
    assert found == jensen_shannon(second, first)
    # Rounding by one part in 2e16 of a share moves a distance near 0 by its root.
    assert found == pytest.approx(np.nan_to_num(independent.jensenshannon(first, second, base=2)), abs=3e-8)


@given(pairs_of_histograms(), st.integers(1, 1000))
def test_equal_shares_are_at_distance_nothing(pair, times):
    first, _ = pair
    assert jensen_shannon(first, first) == 0
    assert jensen_shannon(first, [times * count for count in first]) == pytest.approx(0, abs=3e-8)


@given(st.lists(COUNTS, min_size=1).filter(any), st.lists(COUNTS, min_size=1).filter(any))
def test_disjoint_histograms_are_at_distance_one(first, second):
    assert jensen_shannon(first + [0] * len(second), [0] * len(first) + second) == pytest.approx(1)


@given(st.lists(COUNTS, min_size=1))
def test_a_side_without_rows_says_nothing(counts):
    assert jensen_shannon(counts, [0] * len(counts)) == 0
