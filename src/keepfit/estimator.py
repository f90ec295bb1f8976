"""An estimator: makes a fitted model from a table; a predictor answers from what it saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeAlias

from keepfit.column import Kinds
from keepfit.schema import Column

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from keepfit.task import Outputs, Task

__all__ = ["Choice", "Estimator", "Fitted", "Predictor", "Range", "Space"]


@dataclass(frozen=True, slots=True)
class Range:
    """The values that a parameter may take, between two bounds, both included."""

    low: float
    high: float
    log: bool = False
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """The values that a parameter may take, one by one."""

    options: tuple[str | int | float | bool | None, ...]


#: Parameter -> the values that a search may try.
Space: TypeAlias = Mapping[str, Range | Choice]


class Fitted(Protocol):
    """A model that has learned."""

    #: The kind of predictor that answers from the saved folder without a training library.
    predictor: str
    #: How far the predictor's outputs may lie from the model's: 0 for trees.
    tolerance: float

    def predict(self, frame: pl.DataFrame) -> Outputs:
        """The task's output fields, each of shape (rows,)."""
        ...

    def save(self, folder: Path) -> None:
        """Write the model as files in its library's own safe format; never a pickle."""
        ...


class Estimator(Protocol):
    """A way to learn.

    Estimators get raw columns; a tabular one learns a feature plan inside. The space of parameters
    belongs to the estimator.
    """

    kind: ClassVar[str]
    #: The parameters that hold when nothing else is said.
    defaults: ClassVar[Mapping[str, Any]]
    #: The parameters that a search may change, each with a default.
    space: ClassVar[Space]

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
    ) -> Fitted:
        """Learn from rows with a known truth."""
        ...

    def load(self, folder: Path, kinds: Kinds) -> Fitted:
        """The model that `save` wrote."""
        ...


class Predictor(Protocol):
    """Answers one request at a time from a saved model, without a training library."""

    #: The columns that a request may carry as inputs.
    inputs: tuple[str, ...]

    def __init__(self, folder: Path, kinds: Kinds) -> None: ...

    def __call__(self, row: Mapping[str, object]) -> tuple[Mapping[str, float], list[str]]:
        """The output fields and the warnings; raises `BadRequest` for a value of the wrong type."""
        ...
