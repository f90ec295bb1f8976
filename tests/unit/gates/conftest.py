from __future__ import annotations

import pytest

from keepfit.evaluation import Evaluation, Group, Measured
from keepfit.metric import Gain
from keepfit.slice import Condition, Slice

HIGHER = {"roc_auc", "accuracy", "recall", "value"}


def measured(name, given):
    """A metric from (value, low, high) or (value, low, high, sums)."""
    return Measured(*given[:3], "higher" if name in HIGHER else "lower", given[3] if len(given) > 3 else (0.0, 0.0))


def metrics(given):
    return {name: measured(name, one) for name, one in given.items()}


@pytest.fixture
def evaluation():
    """Makes an evaluation on 400 rows of twenty days: metrics by name, and whatever else it is to hold."""

    def make(name="c2", *, rows="b3:r", unit="day", clusters=20, groups=None, baselines=None, behind=None, **given):
        more = {key: given.pop(key) for key in ("serving", "suspected", "rest", "left_out") if key in given}
        slices = tuple(
            Slice(where, "log_loss", 50, Gain(*gap, "log_loss"), (Condition(where, missing=True),)) for where, gap in (behind or {}).items()
        )
        return Evaluation(
            name,
            rows,
            400,
            unit,
            clusters,
            metrics(given),
            {},
            0.5,
            groups={column: {one: Group(100, metrics(inner)) for one, inner in there.items()} for column, there in (groups or {}).items()},
            baselines={one: metrics(inner) for one, inner in (baselines or {}).items()},
            slices=slices,
            **more,
        )

    return make
