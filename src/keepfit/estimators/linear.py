"""Logistic regression on scaled numbers and indicators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.linear_model import LogisticRegression

from keepfit import features, record
from keepfit.column import Kinds
from keepfit.estimator import Range, Space
from keepfit.estimators.dot import Weights
from keepfit.features import Plan
from keepfit.schema import Column
from keepfit.task import Outputs, Task

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

__all__ = ["Linear"]


class Linear:
    """A weighted sum of the features through the logistic function, with an L2 penalty."""

    kind: ClassVar[str] = "linear"
    defaults: ClassVar[Mapping[str, Any]] = {"C": 1.0}
    space: ClassVar[Space] = {"C": Range(0.001, 100.0, log=True)}

    def fit(
        self,
        frame: pl.DataFrame,
        truth: NDArray[np.float64],
        columns: list[Column],
        *,
        task: Task,
        kinds: Kinds,
        parameters: Mapping[str, Any],
        seed: int,
    ) -> FittedLinear:
        if task.family != "bernoulli":
            raise ValueError(f"linear does not fit the family {task.family}")
        plan = features.learn(frame, columns, "linear", kinds)
        model = LogisticRegression(**{**self.defaults, **parameters}, solver="newton-cholesky", max_iter=100, tol=1e-6, random_state=seed)
        model.fit(features.matrix(plan, frame, kinds), truth)
        return FittedLinear(plan, Weights(tuple(map(float, model.coef_[0])), float(model.intercept_[0])), kinds)

    def load(self, folder: Path, kinds: Kinds) -> FittedLinear:
        plan = record.read(Plan, (folder / "plan.json").read_bytes(), at=str(folder / "plan.json"))
        weights = record.read(Weights, (folder / "weights.json").read_bytes(), at=str(folder / "weights.json"))
        return FittedLinear(plan, weights, kinds)


@dataclass(frozen=True, slots=True)
class FittedLinear:
    """A linear model with its feature plan."""

    predictor: ClassVar[str] = "linear"
    tolerance: ClassVar[float] = 1e-12

    plan: Plan
    weights: Weights
    kinds: Kinds

    def predict(self, frame: pl.DataFrame) -> Outputs:
        logit = features.matrix(self.plan, frame, self.kinds) @ np.asarray(self.weights.coefficients) + self.weights.intercept
        return {"score": np.where(logit >= 0, 1 / (1 + np.exp(-np.abs(logit))), 1 - 1 / (1 + np.exp(-np.abs(logit))))}

    def save(self, folder: Path) -> None:
        (folder / "plan.json").write_text(record.text(self.plan))
        (folder / "weights.json").write_text(record.text(self.weights))
