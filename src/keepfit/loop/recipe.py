"""Recipes: how a model is fitted, on all rows or on those of a fold, and what it says of rows left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from keepfit import errors
from keepfit.estimator import Fitted, Space, Training
from keepfit.features import Inputs
from keepfit.loop.rows import Rows
from keepfit.schema import Schema
from keepfit.split import Places
from keepfit.task import Outputs
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Fold", "Held", "Material", "Recipe", "defaults", "fit_recipe", "folds_of", "left_out", "space_of", "training_of"]

#: Encoded rows are kept from trial to trial while those of all folds together are about as large as this.
_MOST_KEPT = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a model is fitted."""

    estimator: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Material:
    """What recipes are compared on: rows with a known target, which classes it has, and where each row lies."""

    known: Schema
    classes: tuple[Any, ...]
    rows: Rows
    places: Places


@dataclass(frozen=True, slots=True)
class Held:
    """A recipe's outputs for rows that its model was not fitted on: the validation rows of every fold.

    `fold` numbers each row's fold, shape (rows,).
    """

    rows: Rows
    outputs: Outputs
    fold: NDArray[np.int64]


class Fold:
    """One fold: rows to learn from and rows to validate on, whose plans and encodings all trials share."""

    def __init__(self, ws: Workspace, material: Material, number: int) -> None:
        self._ws, self._material = ws, material
        learn, check = material.places.fold(number)
        self._rows, self.check = material.rows.where(learn), material.rows.where(check)
        self._kept = material.rows.count * len(material.known.features) * 64 * material.places.folds <= _MOST_KEPT

    @cached_property
    def _shared(self) -> tuple[Training, Inputs]:
        return self._new()

    def _new(self) -> tuple[Training, Inputs]:
        training = training_of(self._ws, self._material.known, self._material.classes, self._rows)
        return training, Inputs(self.check.frame, self._ws.kinds)

    def outputs(self, recipe: Recipe) -> Outputs:
        """What a recipe's model, fitted on this fold's rows, says of those left out."""
        training, check = self._shared if self._kept else self._new()
        return fit_recipe(self._ws, training, recipe).predict(check)


def training_of(ws: Workspace, known: Schema, classes: tuple[Any, ...], rows: Rows) -> Training:
    """Rows to learn from, as an estimator takes them."""
    return Training(Inputs(rows.frame, ws.kinds), rows.truth, tuple(known.features), ws.task, classes)


def folds_of(ws: Workspace, material: Material) -> list[Fold]:
    return [Fold(ws, material, number) for number in range(material.places.folds)]


def left_out(folds: list[Fold], parts: list[Outputs]) -> Held:
    """What a recipe said of the rows that every fold left out, put together."""
    import numpy as np
    import polars as pl  # the command line starts without it

    checks = [fold.check for fold in folds]
    number, subject = ([getattr(check, name) for check in checks] for name in ("number", "subject"))
    rows = Rows(
        pl.concat([check.frame for check in checks]),
        np.concatenate([check.truth for check in checks]),
        np.concatenate(number) if number[0] is not None else None,
        np.concatenate(subject) if subject[0] is not None else None,
    )
    outputs = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return Held(rows, outputs, np.repeat(np.arange(len(folds)), [check.count for check in checks]))


def defaults(ws: Workspace, kind: str) -> Recipe:
    """An estimator with the parameters that the project states, and its own defaults for the others.

    Raises
    ------
    UnknownKey
        The project states one that the estimator does not have.
    """
    stated, known = ws.spec.model.parameters.get(kind, {}), ws.estimator(kind).defaults
    for name in stated:
        if name not in known:
            at, fix = ws.place("model", "parameters", kind, name), errors.near_match(name, known)
            raise errors.UnknownKey(f"the estimator {kind} has no parameter '{name}'", at=at, fix=fix)
    return Recipe(kind, {**known, **stated})


def space_of(ws: Workspace, kind: str) -> Space:
    """The parameters of an estimator that a search may change: those that the project does not state."""
    stated = ws.spec.model.parameters.get(kind, {})
    return {name: values for name, values in ws.estimator(kind).space.items() if name not in stated}


def fit_recipe(ws: Workspace, training: Training, recipe: Recipe) -> Fitted:
    """Fit one model."""
    return ws.estimator(recipe.estimator).fit(training, recipe.parameters, ws.spec.model.seed)
