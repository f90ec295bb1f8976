"""An estimator: makes a fitted model from a table; a predictor answers from what it saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from keepfit import errors
from keepfit.column import Kinds
from keepfit.features import Inputs
from keepfit.schema import Column

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from keepfit.task import Outputs, Task

__all__ = ["Answer", "Choice", "Estimator", "Fitted", "Predictor", "Range", "Space", "Training"]


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
#: The output fields of one row, and its warnings.
Answer: TypeAlias = tuple[Mapping[str, float], list[str]]


@dataclass(frozen=True, slots=True)
class Training:
    """What an estimator learns from: rows with a known truth.

    Parameters
    ----------
    inputs : the rows
    truth : magnitudes, or class numbers from 0; shape (rows,). Not every class need be there
    columns : those that a model may look at
    task, classes : what is to be predicted
    """

    inputs: Inputs
    truth: NDArray[np.float64]
    columns: Sequence[Column]
    task: Task
    classes: tuple[Any, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that the fitted model answers with."""
        return self.task.fields(self.classes)


class Fitted(Protocol):
    """A model that has learned."""

    #: The kind of predictor that answers from the saved folder without a training library.
    predictor: str
    #: How far the predictor's outputs may lie from the model's, as a share of the largest output or of 1: 0 for trees.
    tolerance: float
    #: Of how many rows the predictor is asked one by one, to be compared and timed; all are asked together as well.
    alone: int

    def predict(self, inputs: Inputs) -> Outputs:
        """The task's output fields, each of shape (rows,)."""
        ...

    def save(self, folder: Path) -> None:
        """Write the model as files in its library's own safe format; never a pickle."""
        ...


class Estimator(Protocol):
    """A way to learn.

    Estimators get raw columns; a tabular one learns a feature plan inside. The space of parameters
    belongs to the estimator. `keepfit.testing.estimator` tests one.
    """

    @property
    def kind(self) -> str: ...

    @property
    def defaults(self) -> Mapping[str, Any]:
        """The parameters that hold when nothing else is said."""
        ...

    @property
    def space(self) -> Space:
        """The parameters that a search may change, each with a default."""
        ...

    def fit(self, training: Training, parameters: Mapping[str, Any], seed: int) -> Fitted:
        """Learn from rows with a known truth: the same rows, parameters and seed give the same model.

        Raises
        ------
        BadEstimator
            It cannot learn this task.
        """
        ...

    def load(self, folder: Path) -> Fitted:
        """The model that `save` wrote."""
        ...


class Predictor(Protocol):
    """Answers from a saved model, without a training library where there is another way; to be used by one thread."""

    #: The columns that a request may carry as inputs.
    inputs: tuple[str, ...]
    #: Whether many rows in one call are so much faster than one by one that requests had better wait for each other.
    merges: bool

    def __init__(self, folder: Path, kinds: Kinds, code: Path | None = None) -> None:
        """Load a model; `code` is where the owner's modules lie, None where none may be imported."""
        ...

    def __call__(self, row: Mapping[str, object]) -> Answer:
        """The output fields and the warnings; raises `BadRequest` for a value of the wrong type."""
        ...

    def many(self, rows: Sequence[Mapping[str, object]]) -> list[Answer | errors.BadRequest]:
        """The same for several rows, in their order, where it can be faster: a row that cannot be answered spoils no other."""
        ...
