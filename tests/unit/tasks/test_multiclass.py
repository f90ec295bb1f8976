from __future__ import annotations

import numpy as np

from keepfit.tasks.multiclass import Multiclass


def test_a_model_that_had_other_classes_is_compared_under_those_of_the_rows():
    said = {"p0": np.array([0.7, 0.2]), "p1": np.array([0.3, 0.8])}
    under = Multiclass().under(said, ("b", "d"), ("a", "b", "c", "d"))
    assert {field: values.tolist() for field, values in under.items()} == {
        "p0": [0.0, 0.0],
        "p1": [0.7, 0.2],
        "p2": [0.0, 0.0],
        "p3": [0.3, 0.8],
    }
    assert np.isfinite(Multiclass().losses(np.array([0.0, 3.0]), under)).all()
    assert Multiclass().under(said, ("b", "d"), ("b", "d")) is said
