"""Recipes: what is stated of an estimator's parameters is not searched."""

from __future__ import annotations

import pytest

from keepfit.errors import Faults, UnknownKey
from keepfit.estimators.lightgbm import LightGBM
from keepfit.loop.recipe import defaults, space_of
from keepfit.workspace import Workspace

PROJECT = """
[problem]
name = "small"
target = "bad"

[data]
source = "rows.parquet"

[model]
estimators = ["lightgbm", "mine:model"]

[model.parameters]
"""
MODULE = "def model(depth: int = 3): ...\nmodel.space = {'depth': (1, 5)}\n"


@pytest.fixture
def workspace(tmp_path):
    def make(parameters):
        (tmp_path / "mine.py").write_text(MODULE)
        (tmp_path / "keepfit.toml").write_text(PROJECT + parameters)
        return Workspace(tmp_path)

    return make


def test_stated_parameters_hold_and_are_not_searched(workspace):
    ws = workspace('lightgbm = { trees = 90, max_depth = 6 }\n"mine:model" = { depth = 4 }')
    ws.check()
    assert defaults(ws, "lightgbm").parameters == {**LightGBM.defaults, "trees": 90, "max_depth": 6}
    assert set(space_of(ws, "lightgbm")) == set(LightGBM.space) - {"trees"}
    assert defaults(ws, "mine:model").parameters == {"depth": 4}
    assert space_of(ws, "mine:model") == {}


def test_parameters_that_no_estimator_has_are_faults_with_their_place(workspace):
    with pytest.raises(Faults) as caught:
        workspace("lightgbm = { tres = 90 }\nlinear = { C = 2.0 }").check()
    said = str(caught.value)
    assert "the estimator lightgbm has no parameter 'tres'" in said
    assert "did you mean 'trees'?" in said
    assert "parameters are stated of 'linear', which is not among the estimators" in said
    with pytest.raises(UnknownKey, match="'deep'"):
        defaults(workspace('"mine:model" = { deep = 4 }'), "mine:model")
