"""Gradient-boosted trees by LightGBM."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import lightgbm
import numpy as np

from keepfit import features, record
from keepfit.column import Kinds
from keepfit.estimator import Range, Space
from keepfit.features import Plan
from keepfit.schema import Column
from keepfit.task import Outputs, Task

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

__all__ = ["LightGBM"]

_OBJECTIVES = {"bernoulli": "binary"}


class LightGBM:
    """Gradient-boosted trees: raw magnitudes, category codes and missing values, one thread."""

    kind: ClassVar[str] = "lightgbm"
    defaults: ClassVar[Mapping[str, Any]] = {
        "trees": 150,
        "learning_rate": 0.06,
        "num_leaves": 31,
        "min_data_in_leaf": 50,
        "lambda_l2": 1.0,
        "cat_smooth": 20.0,
        "feature_fraction": 0.8,
    }
    space: ClassVar[Space] = {
        "trees": Range(50, 400, log=True, whole=True),
        "learning_rate": Range(0.02, 0.2, log=True),
        "num_leaves": Range(7, 127, log=True, whole=True),
        "min_data_in_leaf": Range(10, 300, log=True, whole=True),
        "lambda_l2": Range(0.01, 100.0, log=True),
        "feature_fraction": Range(0.4, 1.0),
    }

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
    ) -> FittedTrees:
        plan = features.learn(frame, columns, "trees", kinds)
        chosen = {**self.defaults, **parameters}
        trees = chosen.pop("trees")
        # One thread: two OpenMP threads on two busy cores are slower by orders of magnitude.
        fixed = {
            "objective": _OBJECTIVES[task.family],
            "seed": seed,
            "num_threads": 1,
            "verbosity": -1,
            "deterministic": True,
            "force_row_wise": True,
        }
        data = lightgbm.Dataset(
            features.matrix(plan, frame, kinds), truth, categorical_feature=plan.categorical, params={"verbosity": -1, "num_threads": 1}
        )
        return FittedTrees(plan, lightgbm.train({**chosen, **fixed}, data, num_boost_round=trees), kinds)

    def load(self, folder: Path, kinds: Kinds) -> FittedTrees:
        plan = record.read(Plan, (folder / "plan.json").read_bytes(), at=str(folder / "plan.json"))
        return FittedTrees(plan, lightgbm.Booster(model_file=folder / "model.txt"), kinds)


class FittedTrees:
    """Boosted trees with their feature plan."""

    predictor = "trees"
    tolerance = 0.0

    def __init__(self, plan: Plan, booster: Any, kinds: Kinds) -> None:
        self.plan = plan
        self._booster = booster
        self._kinds = kinds

    def predict(self, frame: pl.DataFrame) -> Outputs:
        if frame.height == 0:
            return {"score": np.empty(0)}
        inputs = features.matrix(self.plan, frame, self._kinds)
        return {"score": np.asarray(self._booster.predict(inputs, num_threads=1), dtype=np.float64)}

    def save(self, folder: Path) -> None:
        (folder / "plan.json").write_text(record.text(self.plan))
        (folder / "model.txt").write_text(self._booster.model_to_string())
