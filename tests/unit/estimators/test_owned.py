"""An estimator that a function of the owner's makes: what it may be, and what is said where it is not."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import LinearSVC

from keepfit.errors import BadEstimator, BadRelease, Untrusted
from keepfit.estimator import Choice, Range, Training
from keepfit.estimators.general import GeneralPredictor
from keepfit.estimators.owned import OwnedEstimator
from keepfit.features import Inputs
from keepfit.schema import Column
from keepfit.tasks.binary import Binary
from keepfit.tasks.regression import Regression
from keepfit.workspace import column_kinds

KINDS = column_kinds()
COLUMNS = [Column("a", "number", "float", ("feature",), True), Column("at", "moment", "instant", ("feature", "time"), False)]
FRAME = pl.DataFrame(
    {"a": np.linspace(-1, 1, 80), "at": pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 3, 20), "1d", eager=True)[:80]}
).cast({"at": pl.Datetime("us", "UTC")})
TRUTH = (FRAME["a"].to_numpy() > 0.3).astype(float)


def fit(function, *, task=None, trust=(), truth=TRUTH, parameters=None):
    task = task or Binary()
    classes = () if task.family == "gaussian" else (False, True)
    made = OwnedEstimator("mine:model", function, trust, None)
    return made.fit(Training(Inputs(FRAME, KINDS), truth, COLUMNS, task, classes), parameters or {}, 5)


class Answers(ClassifierMixin, BaseEstimator):
    """Answers with whatever it is given."""

    def __init__(self, answer=None, mutate=False):
        self.answer, self.mutate = answer, mutate

    def fit(self, X, y):  # noqa: N803 - scikit-learn's own name
        self.classes_ = np.unique(y)
        if self.mutate:
            X[:] = 0.0
        return self

    def predict_proba(self, X):  # noqa: N803 - scikit-learn's own name
        return self.answer(len(X))


def raises():
    raise ValueError("secret 123")


def no_default(depth):
    return DummyClassifier()


def odd_default(depth=[1]):  # noqa: B006 - what is refused
    return DummyClassifier()


def odd_space(depth=1):
    return DummyClassifier()


odd_space.space = {"depth": "deep"}


def odd_takes():
    return DummyClassifier()


odd_takes.takes = "spark"

BAD = {
    "raises ValueError in line": raises,
    "gives a value of type str, which is no estimator": lambda: "model",
    "gives a value of type type, which is no estimator": lambda: DummyClassifier,
    "takes 'depth' and gives it no default": no_default,
    "default for 'depth' that is no plain value": odd_default,
    "space for 'depth' that cannot be searched": odd_space,
    "does not say what its estimator takes": odd_takes,
    "gives no probabilities": lambda: make_pipeline(FunctionTransformer(), LinearSVC()),
    "fails to fit: it raises InvalidParameterError": lambda: LogisticRegression(C=-1.0),
    "answers with shape \\(50, 3\\)": lambda: Answers(lambda rows: np.full((rows, 3), 1 / 3)),
    "answers with shape \\(7, 2\\)": lambda: Answers(lambda rows: np.full((7, 2), 0.5)),
    "NaN or infinity": lambda: Answers(lambda rows: np.full((rows, 2), np.nan)),
    "do not add up to 1": lambda: Answers(lambda rows: np.full((rows, 2), 0.9)),
    "fails to predict: it raises TypeError": lambda: Answers(),
}


@pytest.mark.parametrize("said", BAD)
def test_a_function_that_does_not_hold_what_it_must_is_told_so(said):
    with pytest.raises(BadEstimator, match=said) as caught:
        fit(BAD[said])
    assert "secret" not in str(caught.value)
    assert caught.value.fix


def test_a_classifier_is_refused_for_magnitudes():
    with pytest.raises(BadEstimator, match="a classifier, and the task asks for magnitudes"):
        fit(lambda: DummyClassifier(), task=Regression(), truth=FRAME["a"].to_numpy())


def test_what_an_estimator_does_to_its_frame_reaches_no_other():
    def trees():
        return Answers(lambda rows: np.full((rows, 2), 0.5), mutate=True)

    trees.takes = "trees"
    inputs = Inputs(FRAME, KINDS)
    training = Training(inputs, TRUTH, COLUMNS, Binary(), (False, True))
    before = inputs.matrix(inputs.learn(COLUMNS, "trees")).copy()
    with pytest.raises((BadEstimator, Untrusted)):  # it cannot be stored; by then it has changed what it was given
        OwnedEstimator("mine:model", trees, (), None).fit(training, {}, 0)
    assert inputs.matrix(inputs.learn(COLUMNS, "trees")).tobytes() == before.tobytes()


def test_parameters_are_the_function_s_own_and_its_seed_reaches_the_estimator():
    seen = []

    def model(task, seed, strategy: str = "prior", depth: int = 3, rate=0.1):
        seen.append((task, seed, strategy, depth, rate))
        return DummyClassifier(strategy=strategy)

    model.space = {"strategy": ["prior", "uniform"], "depth": (2, 12), "rate": (0.01, 1.0, "log")}
    made = OwnedEstimator("mine:model", model, (), None)
    assert made.defaults == {"strategy": "prior", "depth": 3, "rate": 0.1}
    assert made.space == {
        "strategy": Choice(("prior", "uniform")),
        "depth": Range(2, 12, whole=True),
        "rate": Range(0.01, 1.0, log=True),
    }
    fitted = fit(model, parameters={"depth": 7})
    assert seen[-1] == ("binary", 5, "prior", 7, 0.1)
    assert fitted._model.estimator.random_state == 5


def test_bounds_of_magnitudes_come_from_rows_that_a_first_fit_left_out():
    truth = np.random.default_rng(0).normal(size=80)
    said = fit(lambda: DummyRegressor(), task=Regression(), truth=truth).predict(Inputs(FRAME, KINDS))
    assert ((said["low"] <= truth) & (truth <= said["high"])).mean() == pytest.approx(0.9, abs=0.08)


def test_a_model_whose_types_nobody_trusts_is_neither_made_nor_loaded(tmp_path):
    def model():
        return RandomForestClassifier(2)

    model.takes = "linear"
    with pytest.raises(Untrusted, match="sklearn") as caught:
        fit(model)
    named = tuple(str(caught.value.message).split(": ")[1].split(", "))
    assert f'"{named[0]}"' in caught.value.fix
    fit(model, trust=named).save(tmp_path)
    with pytest.raises(Untrusted):
        GeneralPredictor(tmp_path, KINDS)  # a bare folder: nobody says so
    assert GeneralPredictor(tmp_path, KINDS, tmp_path)({"a": 0.9, "at": "2024-01-01T00:00Z"})[0]["score"] > 0.5
    (tmp_path / "model.skops").write_bytes(b"no archive")
    with pytest.raises(BadRelease):
        GeneralPredictor(tmp_path, KINDS, tmp_path)
