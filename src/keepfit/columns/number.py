"""Numbers: whole and broken ones, and truth values as 0 and 1."""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import MutableSequence, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from keepfit.column import Bar, Seen, State, WriteRow, WriteTogether
from keepfit.sketch import Sketches
from keepfit.sketch import State as Summary
from keepfit.sketches.count import Count
from keepfit.sketches.distinct import Distinct
from keepfit.sketches.histogram import Histogram, edges_of
from keepfit.sketches.moments import Moments, unit
from keepfit.sketches.quantiles import Quantiles

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

__all__ = ["Number", "summary"]

_SINGLE = struct.Struct("<f")
#: A scaled number goes no further: no training row lies more standard deviations out than the root of their count, and sums stay finite.
_FARTHEST = 1e9


#: Bars of a picture of a distribution.
_BARS = 24


class Number:
    """A magnitude. NaN and the infinities count as missing, in tables and in requests alike."""

    kind = "number"
    dtypes = frozenset({"int", "float", "float32", "bool"})
    axis = "value"
    bins: Literal["ordered", "named", "open"] = "ordered"

    def claims(self, dtype: str, seen: Seen | None = None) -> bool:
        return dtype in {"int", "float", "float32"}

    def learn(self, values: pl.Series, style: str) -> State | None:
        numbers = _finite(values)
        known = numbers[~np.isnan(numbers)]
        if known.size == 0 or known.min() == known.max():
            return None
        if style == "trees":
            return {"style": "trees"}
        by = unit(float(np.abs(known).max()))
        mean, scale = float((known / by).mean() * by), float((known / by).std() * by)
        return {"style": "linear", "mean": mean, "scale": scale, "missing": bool(known.size < numbers.size)} if scale else None

    def names(self, column: str, state: State) -> list[str]:
        return [column, f"{column} is missing"] if state.get("missing") else [column]

    def categorical(self, state: State) -> list[int]:
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

        def write(value: object, out: MutableSequence[float], warn: list[str]) -> None:
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

    def together(self, states: Sequence[State], dtypes: Sequence[str], at: int) -> WriteTogether | None:
        if any(state["style"] == "linear" for state in states):
            return None
        end, single = at + len(states), [place for place, dtype in enumerate(dtypes) if dtype == "float32"]

        def write(values: Sequence[Any], out: array[float]) -> bool:
            try:
                try:
                    numbers = array("d", values)
                    finite = math.isfinite(sum(numbers))
                except TypeError:  # one is missing, or no number
                    numbers = array("d", [math.nan if value is None else value for value in values])
                    finite = math.isfinite(sum(value for value in values if value is not None))
            except (TypeError, OverflowError):
                return False
            if not finite:
                return False
            for place in single:
                numbers[place] = _as_stored(numbers[place], True)
            out[at:end] = numbers
            return True

        return write

    def sketch(self, values: pl.Series, like: Sketches | None) -> Sketches:
        known = np.sort((values.drop_nulls() if values.null_count() else values).cast(float).to_numpy())
        known = known[np.searchsorted(known, -np.inf, side="right") : np.searchsorted(known, np.inf, side="left")]  # NaN comes last
        return {Count.name: Count().of(len(values), len(values) - known.size), **summary(known, like, distinct=True)}

    def beside(self, reference: Sketches, current: Sketches) -> tuple[list[int], list[int]]:
        return Histogram().beside(reference["histogram"], current["histogram"])

    def tally(self, values: pl.Series, like: Sketches, part: NDArray[np.int64], parts: int) -> NDArray[np.int64]:
        numbers = _finite(values)
        known = ~np.isnan(numbers)
        return Histogram().tally(like["histogram"], numbers[known], part[known], parts)

    def bars(self, reference: Sketches, current: Sketches) -> list[Bar]:
        return number_bars(reference, current)

    def says(self, sketches: Sketches) -> str:
        return number_words(sketches)


def number_bars(reference: Sketches, current: Sketches) -> list[Bar]:
    """Bars of equal width over nearly all numbers of the reference; what lies further out belongs to those at the ends."""
    held = reference["quantiles"]
    if not held["rows"] or not current["quantiles"]["rows"]:
        return []
    low, high = Quantiles().at(held, (0.005, 0.995))
    whole = all(number.is_integer() for level in held["levels"] for number in level)
    width = (high - low) / _BARS
    if not math.isfinite(width):
        return []
    step = max(1.0, math.ceil(width)) if whole and width < 1e15 else width
    begin = low - 0.5 if whole and step == 1 else low
    if step > 0:
        edges = [begin + step * place for place in range(max(1, math.ceil((high - begin) / step)) + 1)]
    else:
        edges = [low, math.nextafter(low, math.inf)]
    if len(edges) != len(set(edges)):
        return []
    shares = [Quantiles().between(one["quantiles"], edges) for one in (reference, current)]
    return [Bar("", edges[place], edges[place + 1], shares[0][place], shares[1][place]) for place in range(len(edges) - 1)]


def number_words(sketches: Sketches, of: str = "") -> str:
    """The median, and between which numbers nine of ten rows lie."""
    held = sketches["quantiles"]
    if not held["rows"]:
        return "no value"
    low, middle, high = (f"{number:.4g}" for number in Quantiles().at(held, (0.05, 0.5, 0.95)))
    return f"always {middle}{of}" if low == middle == high else f"median {middle}{of}, nine of ten in {low} to {high}"


def summary(known: NDArray[np.float64], like: Sketches | None, *, distinct: bool) -> dict[str, Summary]:
    """The sketches of finite numbers in ascending order, shape (rows,)."""
    edges = like["histogram"]["edges"] if like and "histogram" in like else edges_of(known)
    found: dict[str, Summary] = {
        Moments.name: Moments().of(known),
        Quantiles.name: Quantiles().of(known),
        Histogram.name: Histogram().of(known, edges),
    }
    if distinct:
        found[Distinct.name] = Distinct().of_numbers(np.concatenate([known[:1], known[1:][known[1:] != known[:-1]]]))
    return found


def _as_stored(value: float, single: bool) -> float:
    """The number that the table would hold: rounded to 32 bits where the column is; not finite is missing."""
    try:
        number = float(value)
        if single:
            number = float(_SINGLE.unpack(_SINGLE.pack(number))[0])
    except OverflowError:
        return math.nan
    return number if math.isfinite(number) else math.nan


def _finite(values: pl.Series) -> NDArray[np.float64]:
    numbers = np.array(values.cast(float).to_numpy(), dtype=np.float64)
    numbers[~np.isfinite(numbers)] = np.nan
    return numbers
