"""Categories: names from a list that may grow."""

from __future__ import annotations

import math
from collections.abc import MutableSequence
from typing import TYPE_CHECKING

import numpy as np

from keepfit.column import Sketch, State, WriteRow
from keepfit.measures.distance import jensen_shannon

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

__all__ = ["Category"]

#: A category needs this many training rows for a code of its own; the others share the code 0.
_RARE = 10
_MOST = {"trees": 1000, "linear": 60}
_KEPT = 200


class Category:
    """A name. Categories that training saw often have a code of their own; rare and unseen ones share the code 0."""

    kind = "category"

    def claims(self, dtype: str) -> bool:
        return dtype == "text"

    def holds(self, dtype: str) -> bool:
        return dtype in {"text", "int", "bool"}

    def learn(self, values: pl.Series, style: str) -> State | None:
        counted = _counts(values)
        kept = sorted(name for name, rows in counted[: _MOST[style]] if rows >= _RARE)
        return {"style": style, "kept": kept} if len(counted) > 1 and kept else None

    def names(self, column: str, state: State) -> list[str]:
        return [column] if state["style"] == "trees" else [f"{column} = {name}" for name in state["kept"]]

    def categorical(self, state: State) -> list[int]:
        return [0] if state["style"] == "trees" else []

    def matrix(self, state: State, values: pl.Series) -> NDArray[np.float64]:
        import polars as pl  # serving reads this module without it

        kept = state["kept"]
        codes = _text(values).replace_strict(kept, [float(code) for code in range(1, len(kept) + 1)], default=0.0, return_dtype=pl.Float64)
        numbers = np.where(values.is_null().to_numpy(), np.nan, codes.to_numpy())
        if state["style"] == "trees":
            return numbers[:, None]
        return np.asarray(numbers[:, None] == np.arange(1, len(kept) + 1), dtype=np.float64)

    def writer(self, state: State, dtype: str, at: int) -> WriteRow:
        codes = {name: float(code) for code, name in enumerate(state["kept"], 1)}
        trees, width = state["style"] == "trees", len(codes)

        def write(value: object, out: MutableSequence[float], warn: list[str]) -> None:
            if type(value) is str and dtype == "text":
                code = codes.get(value, 0.0)
            elif value is None:
                code = math.nan
            else:
                code = codes.get(_name(value, dtype), 0.0)
            if code == 0.0:
                warn.append("is a category that training did not see, or rarely")
            if trees:
                out[at] = code
                return
            for place in range(at, at + width):
                out[place] = 0.0
            if code > 0.0:
                out[at + int(code) - 1] = 1.0

        return write

    def sketch(self, values: pl.Series, like: Sketch | None) -> Sketch:
        counted = dict(_counts(values))
        missing = int(values.null_count())
        kept = like["names"] if like is not None else list(counted)[:_KEPT]
        counts = [counted.get(name, 0) for name in kept]
        return {"rows": len(values), "missing": missing, "names": kept, "counts": counts, "other": len(values) - missing - sum(counts)}

    def distance(self, reference: Sketch, current: Sketch) -> float:
        first = [*reference["counts"], reference["other"], reference["missing"]]
        return jensen_shannon(first, [*current["counts"], current["other"], current["missing"]])


def _name(value: object, dtype: str) -> str:
    """A request's value as the table would hold it, for columns that hold categories as numbers or truth values."""
    if dtype == "bool" and isinstance(value, bool):
        return "true" if value else "false"
    if dtype == "int" and not isinstance(value, bool) and (isinstance(value, int) or (isinstance(value, float) and value.is_integer())):
        return str(int(value))
    raise ValueError({"bool": "true or false", "int": "a whole number"}.get(dtype, "text"))


def _text(values: pl.Series) -> pl.Series:
    return values.cast(str)


def _counts(values: pl.Series) -> list[tuple[str, int]]:
    """Categories and their rows, the most frequent first."""
    counted = _text(values.drop_nulls()).value_counts().rows()
    return sorted(counted, key=lambda pair: (-pair[1], pair[0]))
