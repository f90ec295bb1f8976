"""What a server answers is what was evaluated: predictors against the fitted models of their estimators."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression

from keepfit import features
from keepfit.errors import BrokenFile
from keepfit.estimators.dot import DotPredictor
from keepfit.estimators.lightgbm import LightGBM
from keepfit.estimators.linear import Linear
from keepfit.estimators.trees import TreesPredictor
from keepfit.loop.certify import as_request
from keepfit.schema import Column
from keepfit.tasks.binary import Binary
from keepfit.workspace import column_kinds

KINDS = column_kinds()
COLUMNS = [
    Column("amount", "number", "float", ("feature",), True),
    Column("small", "number", "float32", ("feature",), True),
    Column("shop", "category", "text", ("feature",), True),
]
PAIRS = [(Linear, DotPredictor, 1e-12), (LightGBM, TreesPredictor, 0.0)]


def rows(count, seed):
    draw = np.random.default_rng(seed)
    amount = draw.normal(size=count)
    truth = (draw.random(count) < 1 / (1 + np.exp(-2 * amount))).astype(float)
    frame = pl.DataFrame(
        {
            "amount": [None if number % 9 == 0 else float(value) for number, value in enumerate(amount)],
            "small": [None if number % 7 == 0 else float(value) for number, value in enumerate(draw.exponential(size=count))],
            "shop": [None if number % 11 == 0 else shop for number, shop in enumerate(draw.choice(["a", "b", "ü"], count))],
        },
        schema_overrides={"small": pl.Float32},
    )
    return frame, truth


def fitted(estimator, *, seed=0):
    frame, truth = rows(600, 1)
    parameters = {"trees": 20} if estimator is LightGBM else {}
    return estimator().fit(frame, truth, COLUMNS, task=Binary(), kinds=KINDS, parameters=parameters, seed=seed)


@pytest.mark.parametrize(("estimator", "predictor", "tolerance"), PAIRS)
def test_a_predictor_gives_the_outputs_of_the_model(estimator, predictor, tolerance, tmp_path):
    model = fitted(estimator)
    assert model.tolerance == tolerance
    model.save(tmp_path)
    answer = predictor(tmp_path, KINDS)
    frame, _ = rows(500, 2)
    odd = pl.DataFrame(
        {
            "amount": [1.7e308, -1.7e308, 5e-324, None, float("nan"), float("inf"), 0.0, -0.0],
            "small": [3e38, -3e38, 1e-45, None, float("nan"), float("-inf"), 0.1, -0.0],
            "shop": ["never seen", "", None, "ü", "u\u0308", "a" * 1000, "\0", "A"],
        },
        schema=frame.schema,
    )
    frame = pl.concat([frame, odd])
    expected = model.predict(frame)["score"]
    found = np.array([answer(as_request(row))[0]["score"] for row in frame.iter_rows(named=True)])
    assert np.abs(found - expected).max() <= tolerance
    assert ((found >= 0) & (found <= 1)).all()
    assert set(answer.inputs) == {column.name for column in COLUMNS}


@pytest.mark.parametrize(("estimator", "predictor", "tolerance"), PAIRS)
def test_a_saved_model_loads_and_predicts_the_same_bits(estimator, predictor, tolerance, tmp_path):
    model = fitted(estimator)
    model.save(tmp_path)
    frame, _ = rows(200, 3)
    assert estimator().load(tmp_path, KINDS).predict(frame)["score"].tobytes() == model.predict(frame)["score"].tobytes()
    assert estimator().load(tmp_path, KINDS).predict(frame.head(0))["score"].shape == (0,)
    assert not list(tmp_path.glob("*.pkl"))


@pytest.mark.parametrize(("estimator", "predictor", "tolerance"), PAIRS)
def test_the_same_rows_and_seed_give_the_same_files(estimator, predictor, tolerance, tmp_path):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        fitted(estimator, seed=7).save(tmp_path / name)
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes()


def test_linear_is_the_logistic_regression_of_scikit_learn():
    model = fitted(Linear)
    frame, truth = rows(600, 1)
    encoded = features.matrix(model.plan, frame, KINDS)
    other = LogisticRegression(C=1.0, solver="lbfgs", max_iter=10_000, tol=1e-10).fit(encoded, truth)
    assert model.weights.coefficients == pytest.approx(other.coef_[0], abs=1e-4)
    assert model.predict(frame)["score"] == pytest.approx(other.predict_proba(encoded)[:, 1], abs=1e-5)


@pytest.mark.parametrize(("estimator", "predictor", "tolerance"), PAIRS)
def test_a_damaged_plan_is_a_broken_file(estimator, predictor, tolerance, tmp_path):
    fitted(estimator).save(tmp_path)
    (tmp_path / "plan.json").write_text("{}")
    with pytest.raises(BrokenFile):
        predictor(tmp_path, KINDS)


def test_many_predictors_of_trees_answer_side_by_side(tmp_path):
    fitted(LightGBM).save(tmp_path)
    several = [TreesPredictor(tmp_path, KINDS) for _ in range(3)]
    frame, _ = rows(50, 4)
    for row in map(as_request, frame.iter_rows(named=True)):
        assert len({predictor(row)[0]["score"] for predictor in several}) == 1
