"""Boosted trees, and forests, by LightGBM."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from keepfit import record
from keepfit.estimator import Range, Space, Training
from keepfit.estimators.booster import Binned, Booster
from keepfit.estimators.trees import Trees, read_trees
from keepfit.features import Inputs, Plan
from keepfit.task import Outputs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["FittedTrees", "LightGBM", "binned", "in_units"]

#: The quantiles that bound nine of ten.
LOW, HIGH = 0.05, 0.95


class LightGBM:
    """Gradient-boosted trees: raw magnitudes, category codes and missing values, one thread.

    A magnitude has trees of its own for its mean and for each of its bounds, which are quantiles.
    """

    kind: ClassVar[str] = "lightgbm"
    defaults: ClassVar[Mapping[str, Any]] = {
        "trees": 150,
        "learning_rate": 0.06,
        "num_leaves": 31,
        "min_data_in_leaf": 50,
        "lambda_l2": 1.0,
        "cat_smooth": 20.0,
        "feature_fraction": 0.8,
        "lambda_l1": 0.0,
        "max_depth": -1,
        "bagging_fraction": 1.0,
        "bagging_freq": 0,
    }
    space: ClassVar[Space] = {
        "trees": Range(50, 400, log=True, whole=True),
        "learning_rate": Range(0.02, 0.2, log=True),
        "num_leaves": Range(7, 127, log=True, whole=True),
        "min_data_in_leaf": Range(10, 300, log=True, whole=True),
        "lambda_l2": Range(0.01, 100.0, log=True),
        "feature_fraction": Range(0.4, 1.0),
    }

    def fit(self, training: Training, parameters: Mapping[str, Any], seed: int) -> FittedTrees:
        plan, bins = binned(training)
        chosen = {**self.defaults, **parameters, "seed": seed}
        rounds = int(chosen.pop("trees"))
        if training.task.family == "gaussian":
            truth, shift, scale = in_units(training.truth)
            aims: list[dict[str, Any]] = [{"objective": "regression"}, *({"objective": "quantile", "alpha": at} for at in (LOW, HIGH))]
            boosters = [Booster.train(bins, truth, {**chosen, **aim}, rounds) for aim in aims]
            return FittedTrees(plan, Trees("magnitude", ("model.txt", "low.txt", "high.txt"), training.fields, shift, scale), boosters)
        if training.task.family == "categorical":
            aim = {"objective": "multiclass", "num_class": len(training.classes)}
            trees = Trees("chances", ("model.txt",), training.fields)
        else:
            aim, trees = {"objective": "binary"}, Trees("score", ("model.txt",), training.fields)
        return FittedTrees(plan, trees, [Booster.train(bins, training.truth, {**chosen, **aim}, rounds)])

    def load(self, folder: Path) -> FittedTrees:
        return FittedTrees(*read_trees(folder))


def binned(training: Training) -> tuple[Plan, Binned]:
    """A plan for trees and the rows in LightGBM's bins, made once for all that learn from these rows."""
    plan = training.inputs.learn(training.columns, "trees")
    return plan, training.inputs.once("bins of trees", lambda: Binned(training.inputs.matrix(plan), plan.categorical))


def in_units(truth: NDArray[np.float64]) -> tuple[NDArray[np.float64], float, float]:
    """Magnitudes as distances from their mean, in standard deviations; with the two.

    LightGBM keeps labels in 32 bits, in which large ones lie far apart.
    """
    by = float(abs(truth).max()) or 1.0
    shift, scale = float((truth / by).mean() * by), float((truth / by).std() * by) or 1.0
    return (truth - shift) / scale, shift, scale


class FittedTrees:
    """Trees with their feature plan."""

    predictor = "trees"
    tolerance = 0.0
    alone = 2000

    def __init__(self, plan: Plan, trees: Trees, boosters: list[Booster]) -> None:
        self.plan = plan
        self._trees = trees
        self._boosters = boosters

    def predict(self, inputs: Inputs) -> Outputs:
        encoded = inputs.matrix(self.plan)
        return self._trees.many([values for booster in self._boosters for values in booster.predict(encoded).T])

    def save(self, folder: Path) -> None:
        (folder / "plan.json").write_text(record.text(self.plan))
        (folder / "trees.json").write_text(record.text(self._trees))
        for name, booster in zip(self._trees.files, self._boosters, strict=True):
            (folder / name).write_text(booster.text())
