"""Categories: names from a list that may grow."""

from __future__ import annotations

import math
from array import array
from collections.abc import MutableSequence, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from keepfit.column import FEWEST_SHOWN, Bar, Seen, State, WriteRow, WriteTogether
from keepfit.sketch import Sketches
from keepfit.sketches.count import Count
from keepfit.sketches.distinct import Distinct
from keepfit.sketches.names import KEPT, Names

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

__all__ = ["Category"]

#: A category needs this many training rows for a code of its own; the others share the code 0.
_RARE = 10
#: Names that a picture of a distribution shows.
_BARS = 15
_MOST = {"trees": 1000, "linear": 60}


class Category:
    """A name. Categories that training saw often have a code of their own; rare and unseen ones share the code 0."""

    kind = "category"
    dtypes = frozenset({"text", "int", "bool"})
    axis = "name"
    bins: Literal["ordered", "named", "open"] = "open"

    def claims(self, dtype: str, seen: Seen | None = None) -> bool:
        return dtype == "text" and not (seen is not None and seen.prose)

    def learn(self, values: pl.Series, style: str) -> State | None:
        import polars as pl  # serving reads this module without it

        counted = _counted(values)
        often = _most_frequent(counted.filter(pl.col("count") >= _RARE), _MOST[style])
        kept = sorted(name for name, _ in often)
        return {"style": style, "kept": kept} if counted.height > 1 and kept else None

    def names(self, column: str, state: State) -> list[str]:
        return [column] if state["style"] == "trees" else [f"{column} = {name}" for name in state["kept"]]

    def categorical(self, state: State) -> list[int]:
        return [0] if state["style"] == "trees" else []

    def matrix(self, state: State, values: pl.Series) -> NDArray[np.float64]:
        import polars as pl  # serving reads this module without it

        kept = state["kept"]
        codes = values.cast(str).replace_strict(
            kept, [float(code) for code in range(1, len(kept) + 1)], default=0.0, return_dtype=pl.Float64
        )
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

    def together(self, states: Sequence[State], dtypes: Sequence[str], at: int) -> WriteTogether | None:
        if set(dtypes) != {"text"} or any(state["style"] == "linear" for state in states):
            return None
        end = at + len(states)
        codes: list[dict[str | None, float]] = [
            {None: math.nan} | {name: float(code) for code, name in enumerate(state["kept"], 1)} for state in states
        ]
        readers = [known.get for known in codes]

        def write(values: Sequence[Any], out: array[float]) -> bool:
            try:
                found = [read(value, 0.0) for read, value in zip(readers, values, strict=True)]
            except TypeError:  # no text at all
                return False
            if 0.0 in found:
                return False
            out[at:end] = array("d", found)
            return True

        return write

    def sketch(self, values: pl.Series, like: Sketches | None) -> Sketches:
        counted = _counted(values)
        missing = int(values.null_count())
        rows = len(values) - missing
        if like and "names" in like:
            found = dict(zip(counted["name"], counted["count"], strict=True))
            kept = [(name, found.get(name, 0)) for name in like["names"]["names"]]
            other = rows - sum(rows_ for _, rows_ in kept)
            named = Names().of(kept, other=other, error=other, once=int((counted["count"] == 1).sum()))
        else:
            kept = _most_frequent(counted, KEPT + 1)
            other = rows - sum(rows_ for _, rows_ in kept[:KEPT])
            error = kept[KEPT][1] if len(kept) > KEPT else 0
            named = Names().of(kept[:KEPT], other=other, error=error, once=int((counted["count"] == 1).sum()))
        return {Count.name: Count().of(len(values), missing), Names.name: named, Distinct.name: Distinct().of_texts(counted["name"])}

    def beside(self, reference: Sketches, current: Sketches) -> tuple[list[int], list[int]]:
        return Names().beside(reference["names"], current["names"])

    def tally(self, values: pl.Series, like: Sketches, part: NDArray[np.int64], parts: int) -> NDArray[np.int64]:
        import polars as pl  # serving reads this module without it

        names = like["names"]["names"]
        known = values.is_not_null().to_numpy()
        place = values.drop_nulls().cast(str).replace_strict(names, range(len(names)), default=len(names), return_dtype=pl.Int64).to_numpy()
        width = len(names) + 1
        return np.bincount(part[known] * width + place, minlength=parts * width).reshape(parts, width)

    def bars(self, reference: Sketches, current: Sketches) -> list[Bar]:
        return name_bars(reference, current)

    def says(self, sketches: Sketches) -> str:
        return name_words(sketches)


def name_bars(reference: Sketches, current: Sketches) -> list[Bar]:
    """A bar for each of the most frequent names of the reference, and one for all other names together."""
    counts = Names().beside(reference["names"], current["names"])
    totals = [sum(one) for one in counts]
    if not all(totals):
        return []
    names = reference["names"]["names"]
    shown = [place for place in range(len(names)) if counts[0][place] >= FEWEST_SHOWN][:_BARS]
    shares = [[rows / total for rows in one] for one, total in zip(counts, totals, strict=True)]
    bars = [Bar(names[place], None, None, shares[0][place], shares[1][place]) for place in shown]
    rest = [max(0.0, 1.0 - sum(one[place] for place in shown)) for one in shares]
    return [*bars, Bar("all other names", None, None, rest[0], rest[1])] if max(rest) > 1e-9 else bars


def name_words(sketches: Sketches) -> str:
    """The most frequent names with their shares."""
    held = sketches["names"]
    rows = sum(held["counts"]) + held["other"]
    often = sorted(zip(held["counts"], held["names"], strict=True), key=lambda one: (-one[0], one[1]))
    said = [f"{name} {100 * count / rows:.0f} %" for count, name in often[:3] if count >= FEWEST_SHOWN and 200 * count >= rows]
    return ", ".join(said) or ("many names, none of them frequent" if rows else "no value")


def _name(value: object, dtype: str) -> str:
    """A request's value as the table would hold it, for columns that hold categories as numbers or truth values."""
    if dtype == "bool" and isinstance(value, bool):
        return "true" if value else "false"
    if dtype == "int" and not isinstance(value, bool) and (isinstance(value, int) or (isinstance(value, float) and value.is_integer())):
        return str(int(value))
    raise ValueError({"bool": "true or false", "int": "a whole number"}.get(dtype, "text"))


def _counted(values: pl.Series) -> pl.DataFrame:
    """Each name and its rows."""
    counted = values.drop_nulls().rename("name").value_counts()
    return counted.with_columns(counted["name"].cast(str))


def _most_frequent(counted: pl.DataFrame, most: int) -> list[tuple[str, int]]:
    """Names and their rows, the most frequent first; of equally frequent ones the first in the alphabet."""
    if counted.height > 4 * most:
        least = counted["count"].top_k(most).min()
        counted = counted.filter(counted["count"] >= least)
    return counted.sort("count", "name", descending=[True, False]).head(most).rows()
