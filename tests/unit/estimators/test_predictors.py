"""What a server answers is what was evaluated: predictors against the fitted models of their estimators, for every task."""

from __future__ import annotations

import lightgbm
import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from keepfit import features
from keepfit.errors import BadRequest, BrokenFile
from keepfit.estimator import Training
from keepfit.estimators.constant import Baseline, ConstantPredictor
from keepfit.estimators.dot import DotPredictor
from keepfit.estimators.lightgbm import LightGBM
from keepfit.estimators.linear import Linear
from keepfit.estimators.trees import TreesPredictor
from keepfit.features import Inputs
from keepfit.request import as_request
from keepfit.schema import Column
from keepfit.tasks.binary import Binary
from keepfit.tasks.multiclass import Multiclass
from keepfit.tasks.regression import Regression
from keepfit.workspace import column_kinds

KINDS = column_kinds()
COLUMNS = [
    Column("amount", "number", "float", ("feature",), True),
    Column("small", "number", "float32", ("feature",), True),
    Column("shop", "category", "text", ("feature",), True),
]
PAIRS = [(Linear, DotPredictor, 1e-12), (LightGBM, TreesPredictor, 0.0), (Baseline, ConstantPredictor, 0.0)]
TASKS = [(Binary(), (False, True)), (Multiclass(), ("a", "b", "c")), (Regression(), ())]

pairs = pytest.mark.parametrize(("estimator", "predictor", "tolerance"), PAIRS, ids=[pair[0].kind for pair in PAIRS])
tasks = pytest.mark.parametrize(("task", "classes"), TASKS, ids=[task[0].kind for task in TASKS])


def rows(count, seed, task=TASKS[0][0]):
    draw = np.random.default_rng(seed)
    amount = draw.normal(size=count)
    truth = (draw.random(count) < 1 / (1 + np.exp(-2 * amount))).astype(float)
    if task.family == "categorical":
        truth += (amount > 0.5) & (draw.random(count) < 0.7)
    if task.family == "gaussian":
        truth = 1e6 + 1000 * amount + draw.normal(size=count) * 300
    frame = pl.DataFrame(
        {
            "amount": [None if number % 9 == 0 else float(value) for number, value in enumerate(amount)],
            "small": [None if number % 7 == 0 else float(value) for number, value in enumerate(draw.exponential(size=count))],
            "shop": [None if number % 11 == 0 else shop for number, shop in enumerate(draw.choice(["a", "b", "ü"], count))],
        },
        schema_overrides={"small": pl.Float32},
    )
    return frame, truth


def fitted(estimator, task=TASKS[0][0], classes=(False, True), *, seed=0):
    frame, truth = rows(600, 1, task)
    parameters = {"trees": 20} if estimator is LightGBM else {}
    return estimator().fit(Training(Inputs(frame, KINDS), truth, COLUMNS, task, classes), parameters, seed)


ODD = {
    "amount": [1.7e308, -1.7e308, 5e-324, None, float("nan"), float("inf"), 0.0, -0.0],
    "small": [3e38, -3e38, 1e-45, None, float("nan"), float("-inf"), 0.1, -0.0],
    "shop": ["never seen", "", None, "ü", "u\u0308", "a" * 1000, "\0", "A"],
}


@tasks
@pairs
def test_a_predictor_gives_the_outputs_of_the_model_for_one_row_and_for_many(estimator, predictor, tolerance, task, classes, tmp_path):
    model = fitted(estimator, task, classes)
    assert model.tolerance == tolerance
    model.save(tmp_path)
    answer = predictor(tmp_path, KINDS)
    frame, _ = rows(300, 2, task)
    frame = pl.concat([frame, pl.DataFrame(ODD, schema=frame.schema)])
    requests = list(map(as_request, frame.iter_rows(named=True)))
    expected = model.predict(Inputs(frame, KINDS))
    assert tuple(expected) == task.fields(classes)
    alone, together = [answer(row) for row in requests], answer.many(requests)
    assert alone == together
    for field, values in expected.items():
        found = np.array([outputs[field] for outputs, _ in alone])
        assert np.abs(found - values).max() <= tolerance * max(1.0, np.abs(values).max())
    assert set(answer.inputs) == ({column.name for column in COLUMNS} if estimator is not Baseline else set())
    assert answer.many([]) == []


@tasks
@pairs
def test_outputs_are_probabilities_or_lie_between_their_bounds(estimator, predictor, tolerance, task, classes):
    said = fitted(estimator, task, classes).predict(Inputs(rows(300, 2, task)[0], KINDS))
    if task.family == "gaussian":
        assert (said["low"] <= said["prediction"]).all()
        assert (said["prediction"] <= said["high"]).all()
    else:
        chances = np.stack(list(said.values()))
        assert ((chances >= 0) & (chances <= 1)).all()
        assert len(chances) == 1 or np.allclose(chances.sum(axis=0), 1.0, atol=1e-12)


@tasks
@pairs
def test_a_saved_model_loads_and_predicts_the_same_bits(estimator, predictor, tolerance, task, classes, tmp_path):
    model = fitted(estimator, task, classes)
    model.save(tmp_path)
    again, table = estimator().load(tmp_path), Inputs(rows(200, 3, task)[0], KINDS)
    for field, values in model.predict(table).items():
        assert again.predict(table)[field].tobytes() == values.tobytes()
        assert again.predict(Inputs(table.frame.head(0), KINDS))[field].shape == (0,)
    assert not list(tmp_path.glob("*.pkl"))


@tasks
@pairs
def test_the_same_rows_and_seed_give_the_same_files(estimator, predictor, tolerance, task, classes, tmp_path):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        fitted(estimator, task, classes, seed=7).save(tmp_path / name)
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes()


@pairs
def test_a_row_that_cannot_be_answered_spoils_no_other(estimator, predictor, tolerance, tmp_path):
    fitted(estimator).save(tmp_path)
    answer = predictor(tmp_path, KINDS)
    good, bad = {"amount": 1.0, "shop": "a"}, {"amount": "much", "shop": "a"}
    found = answer.many([good, bad, good])
    assert found[0] == found[2] == answer(good)
    if estimator is not Baseline:
        assert isinstance(found[1], BadRequest)
        assert found[1].at == "amount"


@pairs
def test_a_class_that_no_training_row_has_gets_next_to_no_probability(estimator, predictor, tolerance, tmp_path):
    frame, truth = rows(600, 1, Multiclass())
    for truths, classes in ((truth, ("a", "b", "c", "never")), (np.minimum(truth, 1.0), ("a", "b", "never"))):
        model = estimator().fit(Training(Inputs(frame, KINDS), truths, COLUMNS, Multiclass(), classes), {}, 0)
        said = model.predict(Inputs(frame, KINDS))
        assert tuple(said) == Multiclass().fields(classes)
        assert said[f"p{len(classes) - 1}"].max() < 1e-3


def test_linear_is_the_logistic_regression_and_the_ridge_of_scikit_learn():
    for task, classes in TASKS:
        model = fitted(Linear, task, classes)
        frame, truth = rows(600, 1, task)
        encoded, said = features.matrix(model.plan, frame, KINDS), model.predict(Inputs(frame, KINDS))
        if task.family == "gaussian":
            assert said["prediction"] == pytest.approx(Ridge(alpha=1.0).fit(encoded, truth).predict(encoded))
            assert ((said["low"] <= truth) & (truth <= said["high"])).mean() == pytest.approx(0.9, abs=0.01)
            continue
        other = LogisticRegression(C=1.0, solver="lbfgs", max_iter=10_000, tol=1e-10).fit(encoded, truth).predict_proba(encoded)
        ours = np.stack(list(said.values()), axis=1)
        assert ours[:, -1] == pytest.approx(other[:, -1], abs=1e-5)
        assert ours.shape[1] == 1 or ours == pytest.approx(other, abs=1e-5)


def test_many_classes_are_learned_by_gradients_and_come_to_the_same():
    draw = np.random.default_rng(0)
    inputs, truth = draw.normal(size=(900, 3)), draw.integers(0, 4, 900).astype(float)
    frame = pl.DataFrame({"a": inputs[:, 0] + truth, "b": inputs[:, 1], "c": inputs[:, 2]})
    columns = [Column(name, "number", "float", ("feature",), False) for name in "abc"]
    training = Training(Inputs(frame, KINDS), truth, columns, Multiclass(), (0, 1, 2, 3))
    few = Linear().fit(training, {}, 0).predict(training.inputs)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("keepfit.estimators.linear._MOST_UNKNOWNS", 1)
        many = Linear().fit(training, {}, 0).predict(training.inputs)
    for field, values in few.items():
        assert values == pytest.approx(many[field], abs=1e-3)


@tasks
def test_trees_are_those_of_lightgbm_s_own_package(task, classes):
    model = fitted(LightGBM, task, classes)
    frame, truth = rows(600, 1, task)
    encoded = features.matrix(model.plan, frame, KINDS)
    aim = {"bernoulli": {"objective": "binary"}, "categorical": {"objective": "multiclass", "num_class": 3}, "gaussian": {}}[task.family]
    shift, scale = (truth.mean(), truth.std()) if task.family == "gaussian" else (0.0, 1.0)
    data = lightgbm.Dataset(
        encoded, (truth - shift) / scale, categorical_feature=[2], params={"verbosity": -1, "feature_pre_filter": False}
    )
    settings = {**LightGBM.defaults, "seed": 0, "num_threads": 1, "verbosity": -1, "deterministic": True, "force_row_wise": True, **aim}
    settings.pop("trees")
    other = lightgbm.train(settings, data, num_boost_round=20).predict(encoded).reshape(len(frame), -1) * scale + shift
    ours = np.stack(list(model.predict(Inputs(frame, KINDS)).values()), axis=1)
    assert ours[:, : other.shape[1]] == pytest.approx(other, abs=1e-9, rel=1e-9)


@pairs
def test_a_damaged_file_is_a_broken_file(estimator, predictor, tolerance, tmp_path):
    fitted(estimator).save(tmp_path)
    (tmp_path / ("constant.json" if estimator is Baseline else "plan.json")).write_text("{}")
    with pytest.raises(BrokenFile):
        predictor(tmp_path, KINDS)


def test_many_predictors_of_trees_answer_side_by_side(tmp_path):
    fitted(LightGBM).save(tmp_path)
    several = [TreesPredictor(tmp_path, KINDS) for _ in range(3)]
    frame, _ = rows(50, 4)
    for row in map(as_request, frame.iter_rows(named=True)):
        assert len({predictor(row)[0]["score"] for predictor in several}) == 1
