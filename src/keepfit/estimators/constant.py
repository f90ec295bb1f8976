"""The baseline: what is said of a row of which nothing is known. A model that is no better has learned nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from keepfit import errors, record
from keepfit.column import Kinds
from keepfit.estimator import Answer, Space, Training

if TYPE_CHECKING:
    from keepfit.features import Inputs
    from keepfit.task import Outputs

__all__ = ["Baseline", "Constant", "ConstantPredictor"]

_FILE = "constant.json"


@dataclass(frozen=True, slots=True)
class Constant:
    """The outputs that every row gets."""

    record: ClassVar[str] = "constant"
    version: ClassVar[int] = 1

    outputs: Mapping[str, float]


class Baseline:
    """The share of each class, or the mean and the quantiles of a magnitude, whatever the row."""

    kind: ClassVar[str] = "baseline"
    defaults: ClassVar[Mapping[str, Any]] = {}
    space: ClassVar[Space] = {}

    def fit(self, training: Training, parameters: Mapping[str, Any], seed: int) -> FittedConstant:
        return FittedConstant(Constant(training.task.constant(training.truth, training.classes)))

    def load(self, folder: Path) -> FittedConstant:
        return FittedConstant(_read(folder))


def _read(folder: Path) -> Constant:
    return record.read(Constant, (folder / _FILE).read_bytes(), at=str(folder / _FILE))


@dataclass(frozen=True, slots=True)
class FittedConstant:
    """The outputs that every row gets."""

    predictor: ClassVar[str] = "constant"
    tolerance: ClassVar[float] = 0.0
    alone: ClassVar[int] = 2000

    constant: Constant

    def predict(self, inputs: Inputs) -> Outputs:
        import numpy as np  # a server answers without it

        return {field: np.full(inputs.rows, value) for field, value in self.constant.outputs.items()}

    def save(self, folder: Path) -> None:
        (folder / _FILE).write_text(record.text(self.constant))


class ConstantPredictor:
    """Any row in, the same outputs out."""

    merges = False

    def __init__(self, folder: Path, kinds: Kinds, code: Path | None = None) -> None:
        self.inputs: tuple[str, ...] = ()
        self._outputs = dict(_read(folder).outputs)

    def __call__(self, row: Mapping[str, object]) -> Answer:
        return dict(self._outputs), []

    def many(self, rows: Sequence[Mapping[str, object]]) -> list[Answer | errors.BadRequest]:
        return [self(row) for row in rows]
