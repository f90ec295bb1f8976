"""The predictor of linear models: one dot product and the logistic function."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from keepfit import features, record
from keepfit.column import Kinds
from keepfit.features import Plan

__all__ = ["DotPredictor", "Weights"]


@dataclass(frozen=True, slots=True)
class Weights:
    """What a linear model learned: one coefficient for each encoded feature."""

    record: ClassVar[str] = "weights"
    version: ClassVar[int] = 1

    coefficients: tuple[float, ...]
    intercept: float


class DotPredictor:
    """One row in, one score out."""

    def __init__(self, folder: Path, kinds: Kinds) -> None:
        plan = record.read(Plan, (folder / "plan.json").read_bytes(), at=str(folder / "plan.json"))
        self.inputs = tuple(encoding.column for encoding in plan.encodings)
        self._weights = record.read(Weights, (folder / "weights.json").read_bytes(), at=str(folder / "weights.json"))
        self._buffer, self._write = features.row_writer(plan, kinds)

    def __call__(self, row: Mapping[str, object]) -> tuple[Mapping[str, float], list[str]]:
        warnings = self._write(row)
        products = [weight * value for weight, value in zip(self._weights.coefficients, self._buffer, strict=True)]
        logit = math.fsum(products) + self._weights.intercept
        part = 1 / (1 + math.exp(-abs(logit)))
        return {"score": part if logit >= 0 else 1 - part}, warnings
