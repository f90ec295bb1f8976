from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from keepfit.loop import importance as importances
from keepfit.loop.importance import importance
from keepfit.loop.rows import Rows
from keepfit.schema import Column, Schema
from keepfit.tasks.binary import Binary

COLUMNS = (
    Column("strong", "number", "float", ("feature",), False),
    Column("weak", "number", "float", ("feature",), False),
    Column("noise", "number", "float", ("feature",), False),
    Column("bad", "number", "bool", ("target",), True),
)
KNOWN = Schema(COLUMNS, "bad", None, ())


def answer(frame):
    return {"score": 1 / (1 + np.exp(-(2 * frame["strong"] + 0.5 * frame["weak"]).to_numpy()))}


@pytest.fixture
def rows():
    draw = np.random.default_rng(3)
    frame = pl.DataFrame({name: draw.normal(size=3000) for name in ("strong", "weak", "noise")})
    truth = (draw.random(3000) < answer(frame)["score"]).astype(float)
    return Rows(frame.with_columns(bad=pl.Series(truth == 1)), truth)


def test_a_column_is_worth_what_the_model_loses_without_it(rows):
    found = importance(answer, Binary(), rows, KNOWN)
    assert found["strong"].low > found["weak"].high > found["weak"].low > 0
    assert found["noise"].value == 0.0
    assert importance(answer, Binary(), rows, KNOWN) == found


def test_it_predicts_no_more_rows_than_it_may_and_leaves_very_wide_tables_alone(rows, monkeypatch):
    asked = []

    def counted(frame):
        asked.append(frame.height)
        return answer(frame)

    importance(counted, Binary(), rows, KNOWN)
    assert max(asked) <= importances.MOST_TOGETHER
    assert sum(asked) <= importances.MOST_PREDICTED + 2000
    monkeypatch.setattr(importances, "MOST_PREDICTED", 1500)
    asked.clear()
    assert set(importance(counted, Binary(), rows, KNOWN)) == {"strong", "weak", "noise"}
    assert asked == [500, 1500]
    monkeypatch.setattr(importances, "MOST_PREDICTED", 300)
    assert importance(counted, Binary(), rows, KNOWN) == {}


def test_of_a_single_row_nothing_is_said(rows):
    assert importance(answer, Binary(), rows.where(np.arange(3000) == 0), KNOWN) == {}
