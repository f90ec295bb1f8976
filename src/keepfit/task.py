"""A task: what a target, an output, a decision and a metric are, said in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from keepfit.calibration import Calibration
    from keepfit.measures.plausible import Told
    from keepfit.measures.quality import Estimate

__all__ = ["Metric", "Outputs", "Scored", "Shown", "Task", "Value"]

#: A model's answers for many rows: each output field with shape (rows,).
Outputs: TypeAlias = "Mapping[str, NDArray[np.float64]]"
#: What one decision is worth, by the keys of `problem.value`: `true_positive`, `right`, `under`, … in the owner's unit.
Value: TypeAlias = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Scored:
    """Rows with their truth, a model's outputs for them, and the decisions that follow; each of shape (rows,)."""

    truth: NDArray[np.float64]
    outputs: Outputs
    decisions: NDArray[Any]
    value: Value | None

    def where(self, mask: NDArray[np.bool_]) -> Scored:
        """Some of the rows."""
        outputs = {field: values[mask] for field, values in self.outputs.items()}
        return Scored(self.truth[mask], outputs, self.decisions[mask], self.value)


@dataclass(frozen=True, slots=True)
class Metric:
    """A measure of a task: how it is computed, which way is better, and the range in which it lies."""

    better: Literal["higher", "lower"]
    range: tuple[float, float]
    measure: Callable[[Scored], Estimate]


@dataclass(frozen=True, slots=True)
class Shown:
    """What plots show of scored rows, on scales that people read; each array of shape (rows,).

    `said` and `happened` are output and truth on one scale: a chance and whether it came about (`is_chance`), or a
    magnitude and what it was. `parts` are numbers whose distributions are worth a look, by what tells their rows apart.
    `right` says which rows went right. `score` is the number from a threshold on of which the decision is yes; None where
    nothing is decided so. `taken` counts
    how many rows of each class were decided to be each, shape (classes, classes). The names are those of axes.
    """

    said: NDArray[np.float64]
    happened: NDArray[np.float64]
    is_chance: bool
    said_as: str
    happened_as: str
    parts: Mapping[str, NDArray[np.float64]]
    parts_as: str
    right: NDArray[np.bool_]
    score: NDArray[np.float64] | None = None
    taken: NDArray[np.int64] | None = None


class Task(Protocol):
    """The behaviour of one kind of task."""

    kind: str
    #: The distribution that estimators fit: `bernoulli`, `categorical` or `gaussian`.
    family: str
    #: Whether a calibration must lower `losses` on folds that it was not learned on before it is used.
    calibration_must_help: bool
    #: The metric by which candidates compete.
    selects: str
    metrics: Mapping[str, Metric]
    #: The keys of `problem.value` that say what this task's decisions are worth.
    worth: tuple[str, ...]
    #: What that worth is measured against, for people.
    against: str
    #: What `counts` counts, in the order in which people read it: in words, and whether those rows went right.
    counted: Mapping[str, tuple[str, bool]]

    def fields(self, classes: tuple[Any, ...]) -> tuple[str, ...]:
        """The fields of a prediction; without classes, those that any has."""
        ...

    def classes(self, target: pl.Series, positive: Any) -> tuple[Any, ...]:
        """The target's values, the one to find last; empty for a task whose target is a magnitude.

        Raises
        ------
        OneClass, BadTarget
            The target's values do not fit the task.
        """
        ...

    def truth(self, target: pl.Series, classes: tuple[Any, ...]) -> NDArray[np.float64]:
        """The target as numbers, NaN where it is not known or none of the classes; shape (rows,)."""
        ...

    def constant(self, truth: NDArray[np.float64], classes: tuple[Any, ...]) -> Mapping[str, float]:
        """The outputs for a row of which nothing is known but the truth of others: shares, or mean and quantiles."""
        ...

    def repeated(
        self, truth: NDArray[np.float64], last: NDArray[np.float64], now: NDArray[np.float64], classes: tuple[Any, ...]
    ) -> Outputs:
        """The outputs for rows of which only the last known truth is known.

        Parameters
        ----------
        truth, last : rows to learn from: their truth, and the one that was known last before each; shape (rows,)
        now : the truth that was known last before each row to answer for; NaN where there was none
        """
        ...

    def under(self, outputs: Outputs, had: tuple[Any, ...], classes: tuple[Any, ...]) -> Outputs:
        """The outputs of a model that `had` other classes, as those of `classes`: what it does not know has no chance."""
        ...

    def losses(self, truth: NDArray[np.float64], outputs: Outputs) -> NDArray[np.float64]:
        """The loss of each row, less being better, whose mean ranks models as the selecting metric does; shape (rows,)."""
        ...

    def rates(self, scored: Scored) -> tuple[float, float]:
        """What the outputs expected on average, and what happened, in one unit."""
        ...

    def compares(self, expected: float, happened: float) -> tuple[str, str]:
        """The name of what `rates` gives, and both as text for people."""
        ...

    def learn_calibration(self, truth: NDArray[np.float64], outputs: Outputs) -> Calibration | None:
        """What makes outputs keep their word, from rows left out; None where the rows do not say."""
        ...

    def calibrate(self, outputs: Outputs, calibration: Calibration) -> Outputs:
        """The output fields of many rows after calibration."""
        ...

    def calibrate_row(self, outputs: Mapping[str, float], calibration: Calibration) -> Mapping[str, float]:
        """The same of one row, equal to at least 12 digits."""
        ...

    def plausible(self, told: Told, outputs: Outputs, asked: Outputs, *, draws: int, seed: int) -> NDArray[np.float64]:
        """Plausible truths for the rows of `asked`, whose truth is not known; shape (draws, rows).

        Parameters
        ----------
        told, outputs : rows whose truth is known, and the outputs for them
        """
        ...

    def threshold(self, value: Value | None) -> float:
        """The least score that is decided for, from what decisions are worth; 0 where decisions have none."""
        ...

    def best_threshold(self, truth: NDArray[np.float64], outputs: Outputs, value: Value | None) -> float:
        """The least score that is decided for, from rows left out: where decisions were worth most."""
        ...

    def decide(self, outputs: Outputs, threshold: float) -> NDArray[Any]:
        """The decisions that follow from outputs: truth values, class numbers or magnitudes; shape (rows,)."""
        ...

    def answer(self, outputs: Mapping[str, float], classes: tuple[Any, ...], threshold: float) -> tuple[Any, Any]:
        """What one row is predicted to be, and the decision that follows; the same as `decide` gives."""
        ...

    def answers(self, outputs: Outputs, classes: tuple[Any, ...], threshold: float) -> tuple[pl.Series, pl.Series]:
        """What many rows are predicted to be, and the decisions that follow; each as `answer` gives it."""
        ...

    def counts(self, scored: Scored) -> Mapping[str, int]:
        """What the decisions came to, in whole rows; each row is in one count."""
        ...

    def says(self, counts: Mapping[str, int], values: Mapping[str, float]) -> str:
        """The counts and the metrics' values as one sentence for people, per 1,000 rows."""
        ...

    def shown(self, scored: Scored) -> Shown:
        """What plots show of scored rows."""
        ...
