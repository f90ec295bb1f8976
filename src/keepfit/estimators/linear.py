"""Linear models on scaled numbers and indicators, by scikit-learn."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from keepfit import record
from keepfit.estimator import Range, Space, Training
from keepfit.estimators.dot import Line, Weights, read_weights
from keepfit.features import Inputs, Plan
from keepfit.task import Outputs

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Linear"]

#: Newton's method solves a system of this size at most; beyond it, one of few gradients takes less time and memory.
_MOST_UNKNOWNS = 1500
#: The quantiles of what the sum leaves over that bound nine of ten.
_BOUNDS = (0.05, 0.95)


class Linear:
    """A weighted sum of the features with an L2 penalty.

    Through the logistic function for a yes or no, through the softmax function for one of several classes, and as it is
    for a magnitude, whose bounds are the quantiles of what it left over on the training rows.
    """

    kind: ClassVar[str] = "linear"
    defaults: ClassVar[Mapping[str, Any]] = {"C": 1.0}
    space: ClassVar[Space] = {"C": Range(0.001, 100.0, log=True)}

    def fit(self, training: Training, parameters: Mapping[str, Any], seed: int) -> FittedLinear:
        plan = training.inputs.learn(training.columns, "linear")
        inputs, strength = training.inputs.matrix(plan), float({**self.defaults, **parameters}["C"])
        if training.task.family == "gaussian":
            return FittedLinear(plan, _magnitude(inputs, training.truth, strength))
        lines = _classes(inputs, training.truth, len(training.classes), strength)
        form: Literal["chances", "score"] = "chances" if training.task.family == "categorical" else "score"
        return FittedLinear(plan, Weights(lines[0].coefficients, lines[0].intercept, form, lines[1:]))

    def load(self, folder: Path) -> FittedLinear:
        return FittedLinear(*read_weights(folder))


def _classes(inputs: NDArray[np.float64], truth: NDArray[np.float64], count: int, strength: float) -> tuple[Line, ...]:
    """The line of each class; of two classes, that of the second against the first."""
    from sklearn.linear_model import LogisticRegression  # a server reads weights without it

    there = np.unique(truth).astype(np.int64)
    if there.size == 1:  # as in a fold where one class alone occurs
        return _only(int(there[0]), count, inputs.shape[1])
    small = inputs.shape[1] * (1 if count == 2 else there.size) <= _MOST_UNKNOWNS
    solver: dict[str, Any] = {"solver": "newton-cholesky", "max_iter": 100} if small else {"solver": "lbfgs", "max_iter": 1000}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where a step cannot be solved it goes another way by itself; what comes of it is measured
        model = LogisticRegression(C=strength, tol=1e-6, **solver).fit(inputs, truth)
    found = [Line(tuple(map(float, weights)), float(at)) for weights, at in zip(model.coef_, model.intercept_, strict=True)]
    if count == 2 and there.size == 2:
        return tuple(found)
    if there.size == 2:  # two of several classes: the odds of the second lie between them
        half = [Line(tuple(sign * weight / 2 for weight in found[0].coefficients), sign * found[0].intercept / 2) for sign in (-1, 1)]
        found = half
    lines = {int(one): line for one, line in zip(there, found, strict=True)}
    never = Line((0.0,) * inputs.shape[1], _NEVER)
    return tuple(lines.get(number, never) for number in range(count))


#: The intercept of a class that no training row has: its probability is next to nothing and not 0.
_NEVER = -20.0


def _only(one: int, count: int, width: int) -> tuple[Line, ...]:
    if count == 2:
        return (Line((0.0,) * width, -_NEVER if one == 1 else _NEVER),)
    return tuple(Line((0.0,) * width, 0.0 if number == one else _NEVER) for number in range(count))


def _magnitude(inputs: NDArray[np.float64], truth: NDArray[np.float64], strength: float) -> Weights:
    from sklearn.linear_model import Ridge  # a server reads weights without it

    model = Ridge(alpha=1 / strength, solver="cholesky").fit(inputs, truth)
    left = truth - (inputs @ model.coef_ + model.intercept_)
    low, high = np.quantile(left, _BOUNDS)
    coefficients = tuple(map(float, model.coef_))
    return Weights(coefficients, float(model.intercept_), "magnitude", (), min(0.0, float(low)), max(0.0, float(high)))


@dataclass(frozen=True, slots=True)
class FittedLinear:
    """A linear model with its feature plan."""

    predictor: ClassVar[str] = "linear"
    tolerance: ClassVar[float] = 1e-12
    alone: ClassVar[int] = 2000

    plan: Plan
    weights: Weights

    def predict(self, inputs: Inputs) -> Outputs:
        lines = self.weights.lines
        coefficients = np.array([line.coefficients for line in lines])
        sums = inputs.matrix(self.plan) @ coefficients.T + np.array([line.intercept for line in lines])
        if self.weights.form == "chances":
            parts = np.exp(sums - sums.max(axis=1, keepdims=True))
            return {f"p{number}": part for number, part in enumerate((parts / parts.sum(axis=1, keepdims=True)).T)}
        first = sums[:, 0]
        if self.weights.form == "magnitude":
            return {"prediction": first, "low": first + self.weights.low, "high": first + self.weights.high}
        part = 1 / (1 + np.exp(-np.abs(first)))
        return {"score": np.where(first >= 0, part, 1 - part)}

    def save(self, folder: Path) -> None:
        (folder / "plan.json").write_text(record.text(self.plan))
        (folder / "weights.json").write_text(record.text(self.weights))
