"""How often the rule for drift raises an alarm though nothing changed: a simulation that could refute it."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from keepfit.column import column_kinds
from keepfit.moved import Limits, moved
from keepfit.ordinary import learn
from keepfit.profile import profile
from keepfit.recent import Recent, carried, shares
from keepfit.reference import counted, in_blocks
from keepfit.schema import Column

KINDS = column_kinds()
NUMBERS, NAMES, ROWS, BLOCKS, WINDOWS, REFERENCES = 9, 3, 400, 20, 6, 25
COLUMNS = [Column(f"n{at}", "number", "float", ("feature",), True) for at in range(NUMBERS)]
COLUMNS += [Column(f"c{at}", "category", "text", ("feature",), True) for at in range(NAMES)]
LIMITS = Limits(0.05, 0.1)


def rows(draw, count, varies):
    """Numbers that go together, skewed and with gaps some of them, and names; windows differ by `varies` sd of themselves."""
    common = draw.normal(size=(count, 1))
    values = 0.6 * common + 0.8 * draw.normal(size=(count, NUMBERS + NAMES)) + varies * draw.normal(size=NUMBERS + NAMES)
    values[:, :3] = np.exp(values[:, :3])
    values[:, 3:6][draw.random((count, 3)) < 0.05] = np.nan
    held = {f"n{at}": values[:, at] for at in range(NUMBERS)}
    names = np.array(["a", "b", "c", "d", "e"])
    held |= {f"c{at}": names[np.digitize(values[:, NUMBERS + at], [-0.5, 0.5, 1.2, 2.0])] for at in range(NAMES)}
    return pl.DataFrame(held, nan_to_null=True)


def shown(reference, frame):
    made = profile(frame, COLUMNS, KINDS, like=reference.profile)
    found = {}
    for name, held in reference.columns.items():
        one = shares(*counted(held, KINDS[held.kind], reference.profile.columns[name], made.columns[name]))
        assert one is not None
        found[name] = one
    return Recent(1, found, {})


@pytest.mark.parametrize("varies", [0.0, 0.05])
def test_alarms_stay_within_their_budget_where_nothing_changed(varies):
    alarms = np.zeros((REFERENCES, WINDOWS))
    for number in range(REFERENCES):
        draw = np.random.default_rng(number)
        blocks = pl.concat([rows(draw, ROWS, varies) for _ in range(BLOCKS)])
        at = np.arange(BLOCKS * ROWS) // ROWS
        reference = in_blocks(blocks, [(column, "feature") for column in COLUMNS], KINDS, at, BLOCKS, windows=True)
        ordinary, late = learn(reference), None
        for window in range(WINDOWS):
            now = shown(reference, rows(draw, ROWS, varies))
            late = carried(late, now)
            alarms[number, window] = moved(ordinary, now.features, late.features, {}, LIMITS)[0].moved
    error = alarms.mean(axis=1).std(ddof=1) / np.sqrt(REFERENCES)
    assert alarms.mean() <= 0.05 + 2.6 * max(error, np.sqrt(0.05 * 0.95 / alarms.size))
