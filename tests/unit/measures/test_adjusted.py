from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from keepfit.measures.adjusted import adjusted

CHANCES = st.lists(st.floats(1e-12, 1), min_size=1, max_size=30)


@given(CHANCES)
def test_equal_weights_give_what_scipy_gives(chances):
    assert np.allclose(adjusted(chances, [2.0] * len(chances)), false_discovery_control(chances))


def test_an_answer_with_more_of_the_budget_counts_sooner():
    first, second = adjusted([0.01, 0.01], [9, 1])
    assert first <= second
    assert np.isclose(adjusted([0.01, 1.0], [9, 1])[0], 0.01 * 5 / 9 * 2)
    assert adjusted([], []).size == 0
