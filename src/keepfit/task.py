"""A task: what a target, an output, a decision and a metric are, said in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from keepfit.measures.quality import Estimate

__all__ = ["Metric", "Outputs", "Scored", "Task", "Value"]

#: A model's answers for many rows: each output field with shape (rows,).
Outputs: TypeAlias = "Mapping[str, NDArray[np.float64]]"
#: What one decision is worth: `true_positive`, `false_positive`, … in the owner's unit.
Value: TypeAlias = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Scored:
    """Rows with their truth, a model's outputs for them, and the decisions that follow."""

    truth: NDArray[np.float64]
    outputs: Outputs
    decisions: NDArray[np.bool_]
    value: Value | None


@dataclass(frozen=True, slots=True)
class Metric:
    """A measure of a task: how it is computed, which way is better, and the range in which it lies."""

    better: Literal["higher", "lower"]
    range: tuple[float, float]
    measure: Callable[[Scored], Estimate]


class Task(Protocol):
    """The behaviour of one kind of task."""

    kind: str
    #: The distribution that estimators fit: `bernoulli`.
    family: str
    #: The fields of a prediction.
    outputs: tuple[str, ...]
    #: The output field that calibration moves; None where there is none.
    calibrates: str | None
    #: The metric by which candidates compete.
    selects: str
    metrics: Mapping[str, Metric]

    def classes(self, target: pl.Series, positive: Any) -> tuple[Any, ...]:
        """The target's values, the one to find last; empty for a task whose target is a magnitude.

        Raises
        ------
        OneClass, BadTarget
            The target's values do not fit the task.
        """
        ...

    def truth(self, target: pl.Series, classes: tuple[Any, ...]) -> NDArray[np.float64]:
        """The target as numbers, NaN where it is not known; shape (rows,)."""
        ...

    def losses(self, truth: NDArray[np.float64], outputs: Outputs) -> NDArray[np.float64]:
        """The loss of each row, less being better, whose mean is the selecting metric; shape (rows,)."""
        ...

    def threshold(self, value: Value | None) -> float:
        """The least score that is decided for, from what decisions are worth."""
        ...

    def best_threshold(self, truth: NDArray[np.float64], outputs: Outputs, value: Value | None) -> float:
        """The least score that is decided for, from rows left out: where decisions were worth most."""
        ...

    def decide(self, outputs: Outputs, threshold: float) -> NDArray[np.bool_]:
        """The decisions that follow from outputs."""
        ...

    def answer(self, outputs: Mapping[str, float], classes: tuple[Any, ...], threshold: float) -> tuple[Any, Any]:
        """What one row is predicted to be, and the decision that follows; the same as `decide` gives."""
        ...

    def counts(self, scored: Scored) -> Mapping[str, int]:
        """What the decisions came to, in whole rows."""
        ...

    def says(self, counts: Mapping[str, int]) -> str:
        """The counts as one sentence for people, per 1,000 rows."""
        ...
