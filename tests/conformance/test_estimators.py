"""The estimators that come with the package, and scikit-learn's by way of a function, pass the suite for all."""

from __future__ import annotations

import sys
from typing import ClassVar

import pytest

from keepfit import plugin
from keepfit.estimators.constant import Baseline
from keepfit.estimators.forest import Forest
from keepfit.estimators.lightgbm import LightGBM
from keepfit.estimators.linear import Linear
from keepfit.estimators.owned import OwnedEstimator
from keepfit.testing.estimator import EstimatorConformance

FUNCTIONS = """
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler


def as_text(frame):
    return frame.astype(str)


def columns(task, strength: float = 1.0):
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    names = make_pipeline(FunctionTransformer(as_text), OneHotEncoder(handle_unknown="ignore", sparse_output=False))
    encode = make_column_transformer((numbers, ["amount", "small", "count"]), (names, ["shop"]))
    model = Ridge(alpha=1 / strength) if task == "regression" else LogisticRegression(C=strength, max_iter=500)
    return make_pipeline(encode, model)


columns.takes = "pandas"
columns.space = {"strength": (0.01, 100.0, "log")}


def trees(task, seed, rounds: int = 10):
    made = HistGradientBoostingRegressor if task == "regression" else HistGradientBoostingClassifier
    return made(max_iter=rounds, random_state=seed)


trees.takes = "trees"
"""


class TestBaseline(EstimatorConformance):
    looks = False

    @pytest.fixture
    def estimator(self):
        return Baseline()


class TestLinear(EstimatorConformance):
    @pytest.fixture
    def estimator(self):
        return Linear()


class TestLightGBM(EstimatorConformance):
    parameters: ClassVar = {"trees": 30, "min_data_in_leaf": 20}

    @pytest.fixture
    def estimator(self):
        return LightGBM()


class TestForest(EstimatorConformance):
    parameters: ClassVar = {"trees": 30}

    @pytest.fixture
    def estimator(self):
        return Forest()


class OwnedConformance(EstimatorConformance):
    """An estimator that a function makes, in a module of a project's folder."""

    function = ""
    trust = ()

    @pytest.fixture
    def code(self, tmp_path_factory, monkeypatch):
        folder = tmp_path_factory.mktemp("code")
        (folder / "owners_models.py").write_text(FUNCTIONS)
        monkeypatch.syspath_prepend(folder)
        monkeypatch.delitem(sys.modules, "owners_models", raising=False)
        return folder

    @pytest.fixture
    def estimator(self, code):
        kind = f"owners_models:{self.function}"
        return OwnedEstimator(kind, plugin.find("estimators", kind, folder=code), self.trust, code)


class TestColumnsOfPandas(OwnedConformance):
    function = "columns"
    tasks = ("binary", "regression")
    trust = ("owners_models.as_text",)


class TestNumbersOfThePlan(OwnedConformance):
    function = "trees"
    tasks = ("multiclass",)
    trust = ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",)


def test_every_estimator_that_is_installed_passes_the_suite():
    tested = {Baseline, Forest, LightGBM, Linear}
    assert {plugin.find("estimators", name) for name in plugin.kinds("estimators")} == tested
    assert all(plugin.find("estimators", name).kind == name for name in plugin.kinds("estimators"))
