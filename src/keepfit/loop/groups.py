"""Groups: the names under which rows are measured apart, by protected columns and those that gates ask for."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from keepfit import errors
from keepfit.gate import asked
from keepfit.schema import Column, Schema
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import polars as pl

__all__ = ["check_columns", "columns", "names"]

#: Numbers with more values than this are cut into ranges.
MOST_NUMBERS = 12
#: The shares of the rows at which numbers are cut.
CUTS = (0.2, 0.4, 0.6, 0.8)


def columns(ws: Workspace, known: Schema, *, full: bool) -> list[str]:
    """The columns by which a candidate is measured: those that gates ask for and, in full, the protected ones."""
    by = [asked(gate).by for gate in ws.gates.values()]
    protected = [column.name for column in known.used("protected")] if full else []
    there = {column.name for column in known.columns}
    return list(dict.fromkeys([*(name for name in by if name is not None and name in there), *protected]))


def check_columns(ws: Workspace, known: Schema) -> None:
    """Hold the columns that gates ask for against the table, before anything is fitted.

    Raises
    ------
    Faults
        A column is not kept, known only later, or its values are no groups.
    """
    there = {column.name: column for column in known.columns}
    found: list[errors.KeepfitError] = []
    for name, gate in ws.gates.items():
        by = asked(gate).by
        at = ws.place("gates", name, "by")
        if by is None:
            continue
        if by in known.dropped:
            fix = "keep it apart from the features: protected = true, or personal = true with keep = true"
            found.append(
                errors.NoGroups(f"column '{by}' is dropped when the data is taken, so its groups cannot be measured", at=at, fix=fix)
            )
        elif by not in there:
            found.append(errors.UnknownColumn(f"no column '{by}' in the data", at=at, fix=errors.near_match(by, there)))
        elif why := _no_groups(there[by]):
            fix = "name a column of categories, truth values or numbers that is known before the decision"
            found.append(errors.NoGroups(f"column '{by}' {why}", at=at, fix=fix))
    if found:
        raise errors.Faults(found, at="keepfit.toml")


def _no_groups(column: Column) -> str:
    if "subject" in column.uses:
        return "names subjects: groups of one person cannot be judged"
    if {"target", "later"} & set(column.uses):
        return "is known only after the decision, so it makes no groups"
    return "holds times, which make no groups" if column.dtype == "instant" else ""


def names(values: pl.Series) -> pl.Series:
    """The name of each row's group; null where the value is missing.

    Numbers of more than twelve values are cut into five ranges of about equally many rows, at round bounds.
    """
    import numpy as np
    import polars as pl  # the command line starts without it

    if values.dtype.is_float():
        values = values.fill_nan(None)
    if values.dtype.is_float() and values.n_unique() <= MOST_NUMBERS:
        return pl.Series([None if value is None else f"{value:.10g}" for value in values], dtype=pl.String)
    if not values.dtype.is_numeric() or values.n_unique() <= MOST_NUMBERS:
        return values.cast(pl.String)
    known = values.cast(pl.Float64)
    cuts = [cut for share in CUTS if (cut := known.quantile(share)) is not None]
    step = 10.0 ** math.floor(math.log10((cuts[-1] - cuts[0]) / len(cuts))) if cuts[-1] > cuts[0] else 1.0
    bounds = sorted({round(round(cut / step) * step, 12) for cut in cuts})
    texts = [f"{bound:.10g}" for bound in bounds]
    labels = [
        f"below {texts[0]}",
        *(f"{low} to below {high}" for low, high in pairwise(texts)),
        f"{texts[-1]} and above",
    ]
    place = np.searchsorted(bounds, known.fill_null(math.nan).to_numpy(), side="right")
    return pl.Series(labels).gather(np.minimum(place, len(bounds))).zip_with(known.is_not_null(), pl.Series([None], dtype=pl.String))
