"""What every estimator must do: the suite that those in this package pass, for the author of another to run.

Subclass it and give one fixture::

    from keepfit.testing.estimator import EstimatorConformance

    class TestMine(EstimatorConformance):
        @pytest.fixture
        def estimator(self):
            return Mine()

        #: Parameters that keep the suite fast.
        parameters = {"trees": 10}
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from keepfit import errors, plugin
from keepfit.column import Kinds
from keepfit.estimator import Choice, Estimator, Fitted, Predictor, Range, Training
from keepfit.features import Inputs
from keepfit.request import as_request
from keepfit.schema import Column
from keepfit.task import Task
from keepfit.workspace import column_kinds

__all__ = ["EstimatorConformance"]

_TASKS: Mapping[str, tuple[Any, ...]] = {"binary": (False, True), "multiclass": ("a", "b", "c"), "regression": ()}
_COLUMNS = [
    Column("amount", "number", "float", ("feature",), True),
    Column("small", "number", "float32", ("feature",), True),
    Column("count", "number", "int", ("feature",), True),
    Column("weekend", "boolean", "bool", ("feature",), True),
    Column("shop", "category", "text", ("feature",), True),
]


def _table(count: int, seed: int) -> tuple[pl.DataFrame, NDArray[np.float64]]:
    """Rows of which each feature tells something, and a level that they make."""
    draw = np.random.default_rng(seed)
    amount, shop = draw.normal(size=count), draw.choice(["north", "south", "ü"], count)

    def holes(values: Any, every: int) -> list[Any]:
        return [None if number % every == every - 1 else value for number, value in enumerate(values.tolist())]

    frame = pl.DataFrame(
        {
            "amount": holes(amount, 9),
            "small": holes(draw.exponential(size=count), 7),
            "count": holes(draw.integers(0, 9, count), 13),
            "weekend": holes(draw.random(count) < 0.3, 17),
            "shop": holes(shop, 11),
        },
        schema_overrides={"small": pl.Float32, "count": pl.Int64},
    )
    return frame, 2 * amount + (shop == "north") + draw.normal(size=count)


def _truth(task: Task, level: NDArray[np.float64]) -> NDArray[np.float64]:
    if task.family == "gaussian":
        return 1e5 + 1000 * level
    return np.digitize(level, [0.0] if task.family == "bernoulli" else [-1.0, 1.0]).astype(np.float64)


class EstimatorConformance:
    """Holds an estimator to what the loop and the server rely on, for every task."""

    #: Parameters that keep the suite fast.
    parameters: ClassVar[Mapping[str, Any]] = {}
    #: The tasks that it can learn.
    tasks: ClassVar[tuple[str, ...]] = tuple(_TASKS)
    #: Whether it looks at the row at all.
    looks: ClassVar[bool] = True

    @pytest.fixture
    def estimator(self) -> Estimator:
        raise NotImplementedError("give a fixture `estimator`")

    @pytest.fixture
    def code(self) -> Path | None:
        """Where the owner's modules lie, for a model that needs them."""
        return None

    @pytest.fixture
    def kinds(self) -> Kinds:
        return column_kinds()

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "task" in metafunc.fixturenames:
            metafunc.parametrize("task", [plugin.find("tasks", name)() for name in self.tasks], ids=self.tasks)

    @pytest.fixture
    def fit(self, estimator: Estimator, task: Task, kinds: Kinds) -> Callable[..., Fitted]:
        """Fits the estimator on 400 rows, or on those that are given."""

        def act(given: tuple[pl.DataFrame, NDArray[np.float64]] | None = None, *, seed: int = 3) -> Fitted:
            training = self.training(task, kinds) if given is None else self.training(task, kinds, *given)
            return estimator.fit(training, self.parameters, seed)

        return act

    def training(self, task: Task, kinds: Kinds, frame: pl.DataFrame | None = None, truth: NDArray[np.float64] | None = None) -> Training:
        if frame is None or truth is None:
            frame, level = _table(400, 1)
            truth = _truth(task, level)
        return Training(Inputs(frame, kinds), truth, _COLUMNS, task, _TASKS[task.kind])

    def test_its_parameters_have_defaults_that_lie_in_their_space(self, estimator: Estimator) -> None:
        assert estimator.kind
        assert json.loads(json.dumps(dict(estimator.defaults))) == dict(estimator.defaults)
        for name, space in estimator.space.items():
            value = estimator.defaults[name]
            if isinstance(space, Choice):
                assert value in space.options
            else:
                assert isinstance(space, Range)
                assert space.low <= value <= space.high
                assert not space.log or space.low > 0

    def test_outputs_are_those_of_the_task_and_in_their_range(self, fit: Any, task: Task, kinds: Kinds) -> None:
        frame, level = _table(200, 2)
        said = fit().predict(Inputs(frame, kinds))
        assert tuple(said) == task.fields(_TASKS[task.kind])
        assert all(values.shape == (200,) and np.isfinite(values).all() for values in said.values())
        if task.family == "gaussian":
            assert (said["low"] <= said["prediction"]).all()
            assert (said["prediction"] <= said["high"]).all()
            truth = _truth(task, level)
            assert ((said["low"] <= truth) & (truth <= said["high"])).mean() > 0.6
        else:
            chances = np.stack(list(said.values()))
            assert ((chances >= 0) & (chances <= 1)).all()
            assert len(chances) == 1 or np.allclose(chances.sum(axis=0), 1.0, atol=1e-9)

    def test_it_learns_what_can_be_learned(self, fit: Any, task: Task, kinds: Kinds) -> None:
        frame, level = _table(300, 2)
        truth = _truth(task, level)
        said = fit().predict(Inputs(frame, kinds))
        known = {field: np.full(truth.size, value) for field, value in task.constant(truth, _TASKS[task.kind]).items()}
        ours, constant = (float(task.losses(truth, outputs).mean()) for outputs in (said, known))
        assert ours < 0.9 * constant if self.looks else ours < 1.1 * constant

    def test_a_saved_model_loads_and_predicts_the_same_bits(self, fit: Any, estimator: Estimator, kinds: Kinds, tmp_path: Path) -> None:
        inputs = Inputs(_table(100, 4)[0], kinds)
        model = fit()
        model.save(tmp_path)
        again = estimator.load(tmp_path)
        for field, values in model.predict(inputs).items():
            assert again.predict(inputs)[field].tobytes() == values.tobytes()
            assert again.predict(Inputs(inputs.frame.head(0), kinds))[field].shape == (0,)
        names = {path.suffix for path in tmp_path.iterdir()}
        assert names.isdisjoint({".pkl", ".pickle", ".joblib"})

    def test_the_same_rows_parameters_and_seed_give_the_same_answers(self, fit: Any, kinds: Kinds) -> None:
        inputs = Inputs(_table(100, 4)[0], kinds)
        first, second = fit().predict(inputs), fit().predict(inputs)
        assert all(first[field].tobytes() == values.tobytes() for field, values in second.items())

    def test_its_predictor_gives_one_row_and_many_what_the_model_gives_a_table(
        self, fit: Any, code: Path | None, kinds: Kinds, tmp_path: Path
    ) -> None:
        model = fit()
        model.save(tmp_path)
        predictor: Predictor = plugin.find("predictors", model.predictor)(tmp_path, kinds, code)
        odd = {
            "amount": [None, math.nan, math.inf, -math.inf, 1e18, 0.0, -0.0],
            "small": [None, math.nan, 1.5, 0.1, 3e20, None, 2.0],
            "count": [None, 0, -5, 2**53 + 1, None, 3, 1],
            "weekend": [None, True, False, None, True, None, False],
            "shop": [None, "never seen", "", "ü", "u\u0308", "a" * 500, "north"],
        }
        frame = pl.concat([_table(12, 5)[0], pl.DataFrame(odd, schema=_table(1, 5)[0].schema)])
        requests = [as_request(row) for row in frame.iter_rows(named=True)]
        expected = model.predict(Inputs(frame, kinds))
        together = predictor.many(requests)
        for number, row in enumerate(requests):
            alone, at_once = predictor(row), together[number]
            assert not isinstance(at_once, errors.BadRequest)
            for field, values in expected.items():
                most = max(1.0, float(np.abs(values).max()))
                assert abs(alone[0][field] - values[number]) <= model.tolerance * most
                assert abs(at_once[0][field] - values[number]) <= model.tolerance * most
            assert predictor({name: value for name, value in row.items() if value is not None}) == alone
        assert predictor.many([]) == []
        assert set(predictor.inputs) <= {column.name for column in _COLUMNS}

    def test_a_row_that_cannot_be_answered_spoils_no_other(self, fit: Any, code: Path | None, kinds: Kinds, tmp_path: Path) -> None:
        model = fit()
        model.save(tmp_path)
        predictor: Predictor = plugin.find("predictors", model.predictor)(tmp_path, kinds, code)
        good = as_request(_table(1, 6)[0].row(0, named=True))
        found = predictor.many([good, good | {"amount": "much"}, good])
        assert found[0] == found[2]
        if self.looks:
            assert isinstance(found[1], errors.BadRequest)
            assert "much" not in str(found[1])
            with pytest.raises(errors.BadRequest):
                predictor(good | {"amount": "much"})

    def test_a_class_that_training_did_not_see_has_next_to_no_chance(self, fit: Any, task: Task, kinds: Kinds) -> None:
        if task.family != "categorical":
            return  # only there is a class more than two
        frame, level = _table(400, 1)
        said = fit((frame, np.minimum(_truth(task, level), 1.0))).predict(Inputs(frame, kinds))
        assert said["p2"].max() < 0.02
        assert np.allclose(sum(said.values()), 1.0)

    def test_it_leaves_what_it_is_given_as_it_was(self, estimator: Estimator, task: Task, kinds: Kinds) -> None:
        training = self.training(task, kinds)
        frame, truth = training.inputs.frame.clone(), training.truth.copy()
        first = estimator.fit(training, self.parameters, 3).predict(training.inputs)
        assert training.inputs.frame.equals(frame, null_equal=True)
        assert training.truth.tobytes() == truth.tobytes()
        again = estimator.fit(training, self.parameters, 3).predict(training.inputs)
        assert all(again[field].tobytes() == values.tobytes() for field, values in first.items())
