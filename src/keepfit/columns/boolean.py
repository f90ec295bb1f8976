"""Truth values."""

from __future__ import annotations

import math
from collections.abc import MutableSequence, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from keepfit.column import Bar, Seen, State, WriteRow, WriteTogether
from keepfit.columns.category import name_bars, name_words
from keepfit.sketch import Sketches
from keepfit.sketches.count import Count
from keepfit.sketches.names import Names

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

__all__ = ["Boolean"]


class Boolean:
    """True or false: 1 and 0. A missing one stays missing for trees; linear models take the training rows' mean and a flag."""

    kind = "boolean"
    dtypes = frozenset({"bool"})
    axis = "value"
    bins: Literal["ordered", "named", "open"] = "named"

    def claims(self, dtype: str, seen: Seen | None = None) -> bool:
        return dtype == "bool"

    def learn(self, values: pl.Series, style: str) -> State | None:
        true, known = int(values.sum() or 0), len(values) - values.null_count()
        missing = values.null_count() > 0
        if known == 0 or (true in (0, known) and not missing):
            return None
        return {"style": "trees"} if style == "trees" else {"style": "linear", "mean": true / known, "missing": missing}

    def names(self, column: str, state: State) -> list[str]:
        return [column, f"{column} is missing"] if state.get("missing") else [column]

    def categorical(self, state: State) -> list[int]:
        return []

    def matrix(self, state: State, values: pl.Series) -> NDArray[np.float64]:
        absent = values.is_null().to_numpy()
        numbers = np.where(absent, state.get("mean", np.nan), values.cast(float).to_numpy())
        return np.stack([numbers, absent.astype(np.float64)], axis=1) if state.get("missing") else numbers[:, None]

    def writer(self, state: State, dtype: str, at: int) -> WriteRow:
        mean, flag = float(state.get("mean", math.nan)), bool(state.get("missing"))

        def write(value: object, out: MutableSequence[float], warn: list[str]) -> None:
            if value is None:
                out[at] = mean
            elif isinstance(value, bool):
                out[at] = 1.0 if value else 0.0
            else:
                raise ValueError("true or false")
            if flag:
                out[at + 1] = 1.0 if value is None else 0.0

        return write

    def together(self, states: Sequence[State], dtypes: Sequence[str], at: int) -> WriteTogether | None:
        return None

    def sketch(self, values: pl.Series, like: Sketches | None) -> Sketches:
        missing, true = values.null_count(), int(values.sum() or 0)
        counted = [("false", len(values) - missing - true), ("true", true)]
        return {Count.name: Count().of(len(values), missing), Names.name: Names().of(counted, once=sum(rows == 1 for _, rows in counted))}

    def beside(self, reference: Sketches, current: Sketches) -> tuple[list[int], list[int]]:
        first, second = Names().beside(reference["names"], current["names"])
        return first[:-1], second[:-1]

    def tally(self, values: pl.Series, like: Sketches, part: NDArray[np.int64], parts: int) -> NDArray[np.int64]:
        known = values.is_not_null().to_numpy()
        place = values.drop_nulls().cast(int).to_numpy()
        if like["names"]["names"] != ["false", "true"]:
            place = np.array([like["names"]["names"].index(name) for name in ("false", "true")])[place]
        return np.bincount(part[known] * 2 + place, minlength=parts * 2).reshape(parts, 2)

    def bars(self, reference: Sketches, current: Sketches) -> list[Bar]:
        return name_bars(reference, current)

    def says(self, sketches: Sketches) -> str:
        return name_words(sketches)
