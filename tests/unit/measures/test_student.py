from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from keepfit.measures.student import student_quantile


@pytest.mark.parametrize("degrees", [1.0, 1.5, 2.0, 3.7, 10.0, 29.0, 118.2, 999.0, 1000.0, 40_000.0, 1e7])
@pytest.mark.parametrize("chance", [0.5, 0.6, 0.9, 0.975, 0.9995, 1 - 1e-7, 0.025])
def test_it_is_scipy_s_quantile(degrees, chance):
    assert student_quantile(degrees, chance) == pytest.approx(stats.t.ppf(chance, degrees), rel=2e-9, abs=1e-12)


def test_around_95_percent_it_is_scipy_s_to_eleven_digits():
    degrees = np.geomspace(1, 1e6, 300)
    ours = [student_quantile(one, 0.975) for one in degrees]
    assert np.allclose(ours, stats.t.ppf(0.975, degrees), rtol=1e-11, atol=0)


def test_it_needs_no_library():
    script = "import sys; from keepfit.measures.student import student_quantile; student_quantile(3, .9); print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "False"
