"""The predictor of linear models: dot products, and what turns them into the task's outputs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from keepfit import errors, features, record
from keepfit.column import Kinds
from keepfit.estimator import Answer
from keepfit.features import Plan

__all__ = ["DotPredictor", "Line", "Weights", "read_weights"]


@dataclass(frozen=True, slots=True)
class Line:
    """One weighted sum: a coefficient for each encoded feature."""

    coefficients: tuple[float, ...]
    intercept: float


@dataclass(frozen=True, slots=True)
class Weights:
    """What a linear model learned: one coefficient for each encoded feature.

    A `score` is the sum through the logistic function. `chances` have a sum for each class, the first class's here and
    the `others` in order, through the softmax function. A `magnitude` is the sum itself, between bounds that lie `low`
    and `high` from it.
    """

    record: ClassVar[str] = "weights"
    version: ClassVar[int] = 2

    coefficients: tuple[float, ...]
    intercept: float
    form: Literal["score", "chances", "magnitude"] = "score"
    others: tuple[Line, ...] = ()
    low: float = 0.0
    high: float = 0.0

    @property
    def lines(self) -> tuple[Line, ...]:
        return (Line(self.coefficients, self.intercept), *self.others)


def read_weights(folder: Path) -> tuple[Plan, Weights]:
    """What a folder holds: the feature plan and the weights."""
    plan = record.read(Plan, (folder / "plan.json").read_bytes(), at=str(folder / "plan.json"))
    return plan, record.read(Weights, (folder / "weights.json").read_bytes(), at=str(folder / "weights.json"))


class DotPredictor:
    """One row in, the output fields out."""

    merges = False

    def __init__(self, folder: Path, kinds: Kinds, code: Path | None = None) -> None:
        plan, weights = read_weights(folder)
        self.inputs = tuple(encoding.column for encoding in plan.encodings)
        self._form, self._low, self._high = weights.form, weights.low, weights.high
        self._lines = [(line.coefficients, line.intercept) for line in weights.lines]
        self._fields = [f"p{number}" for number in range(len(self._lines))]
        self._buffer, self._write = features.row_writer(plan, kinds)

    def __call__(self, row: Mapping[str, object]) -> Answer:
        warnings = self._write(row)
        sums = [math.fsum(map(float.__mul__, coefficients, self._buffer)) + intercept for coefficients, intercept in self._lines]
        if self._form == "chances":
            most = max(sums)
            parts = [math.exp(one - most) for one in sums]
            total = math.fsum(parts)
            return {field: part / total for field, part in zip(self._fields, parts, strict=True)}, warnings
        if self._form == "magnitude":
            return {"prediction": sums[0], "low": sums[0] + self._low, "high": sums[0] + self._high}, warnings
        part = 1 / (1 + math.exp(-abs(sums[0])))
        return {"score": part if sums[0] >= 0 else 1 - part}, warnings

    def many(self, rows: Sequence[Mapping[str, object]]) -> list[Answer | errors.BadRequest]:
        return [self._answer(row) for row in rows]

    def _answer(self, row: Mapping[str, object]) -> Answer | errors.BadRequest:
        try:
            return self(row)
        except errors.BadRequest as error:
            return error
