"""Numbers: whole and broken ones, and truth values as 0 and 1."""

from __future__ import annotations

import math
import struct
from collections.abc import MutableSequence
from typing import TYPE_CHECKING

import numpy as np

from keepfit.column import Sketch, State, WriteRow
from keepfit.measures.distance import jensen_shannon

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

__all__ = ["Number"]

_SINGLE = struct.Struct("<f")
_BINS = 20
#: A scaled number goes no further: no training row lies more standard deviations out than the root of their count, and sums stay finite.
_FARTHEST = 1e9


class Number:
    """A magnitude. NaN and the infinities count as missing, in tables and in requests alike."""

    kind = "number"

    def claims(self, dtype: str) -> bool:
        return dtype in {"int", "float", "float32", "bool"}

    def holds(self, dtype: str) -> bool:
        return self.claims(dtype)

    def learn(self, values: pl.Series, style: str) -> State | None:
        numbers = _finite(values)
        known = numbers[~np.isnan(numbers)]
        if known.size == 0 or known.min() == known.max():
            return None
        if style == "trees":
            return {"style": "trees"}
        unit = _unit(known)
        mean, scale = float((known / unit).mean() * unit), float((known / unit).std() * unit)
        return {"style": "linear", "mean": mean, "scale": scale, "missing": bool(known.size < numbers.size)} if scale else None

    def names(self, column: str, state: State) -> list[str]:
        return [column, f"{column} is missing"] if state.get("missing") else [column]

    def categorical(self, state: State) -> list[int]:  # noqa: ARG002 - a number has no codes whatever its state
        return []

    def matrix(self, state: State, values: pl.Series) -> NDArray[np.float64]:
        numbers = _finite(values)
        if state["style"] == "trees":
            return numbers[:, None]
        absent = np.isnan(numbers)
        with np.errstate(over="ignore"):
            scaled = np.where(absent, 0.0, np.clip((numbers - state["mean"]) / state["scale"], -_FARTHEST, _FARTHEST))
        return np.stack([scaled, absent.astype(np.float64)], axis=1) if state["missing"] else scaled[:, None]

    def writer(self, state: State, dtype: str, at: int) -> WriteRow:
        single = dtype == "float32"
        linear = state["style"] == "linear"
        mean, scale, flag = state.get("mean", 0.0), state.get("scale", 1.0), bool(state.get("missing"))

        def write(value: object, out: MutableSequence[float], warn: list[str]) -> None:  # noqa: ARG001 - the seam's shape
            if value is None:
                number = math.nan
            elif isinstance(value, (int, float)):
                number = _as_stored(value, single)
            else:
                raise ValueError("a number")
            if not linear:
                out[at] = number
                return
            absent = number != number
            out[at] = 0.0 if absent else min(max((number - mean) / scale, -_FARTHEST), _FARTHEST)
            if flag:
                out[at + 1] = 1.0 if absent else 0.0

        return write

    def sketch(self, values: pl.Series, like: Sketch | None) -> Sketch:
        numbers = _finite(values)
        known = numbers[~np.isnan(numbers)]
        unit = _unit(known)
        if like is not None:
            edges = np.asarray(like["edges"], dtype=np.float64)
        elif known.size:
            edges = np.unique(np.quantile(known / unit, np.linspace(0, 1, _BINS + 1)[1:-1]) * unit)
        else:
            edges = np.empty(0)
        counts = np.bincount(np.searchsorted(edges, known, side="right"), minlength=edges.size + 1)
        mean = float((known / unit).mean() * unit) if known.size else None
        return {
            "rows": numbers.size,
            "missing": int(numbers.size - known.size),
            "mean": mean,
            "edges": edges.tolist(),
            "counts": counts.tolist(),
        }

    def distance(self, reference: Sketch, current: Sketch) -> float:
        return jensen_shannon([*reference["counts"], reference["missing"]], [*current["counts"], current["missing"]])


def _as_stored(value: float, single: bool) -> float:
    """The number that the table would hold: rounded to 32 bits where the column is; not finite is missing."""
    try:
        number = float(value)
        if single:
            number = float(_SINGLE.unpack(_SINGLE.pack(number))[0])
    except OverflowError:
        return math.nan
    return number if math.isfinite(number) else math.nan


def _unit(known: NDArray[np.float64]) -> float:
    """What to divide by so that sums of squares neither overflow nor vanish; 1 for all but the strangest columns."""
    largest = float(np.abs(known).max(initial=0.0))
    return largest if largest > 1e150 or 0 < largest < 1e-150 else 1.0


def _finite(values: pl.Series) -> NDArray[np.float64]:
    numbers = np.array(values.cast(float).to_numpy(), dtype=np.float64)
    numbers[~np.isfinite(numbers)] = np.nan
    return numbers
