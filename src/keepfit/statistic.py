"""A statistic that is shown beside the rule for drift, by name: it decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

__all__ = ["ColumnStatistic", "Numbers", "OfColumn", "OfTables", "Shown", "TableStatistic"]


@dataclass(frozen=True, slots=True)
class Numbers:
    """Numbers of a column in a bounded sample, and how many rows each stands for: shape (n,)."""

    values: NDArray[np.float64]
    rows: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class OfColumn:
    """A column of the reference and of a window.

    `reference` and `window` are rows in the same bins, those of a kind with an order in its order; rows without a value
    are in none. `numbers` are a sample of both where the column holds numbers, `spread` their standard deviation in
    the reference.
    """

    bins: Literal["ordered", "named", "open"]
    reference: NDArray[np.float64]
    window: NDArray[np.float64]
    numbers: tuple[Numbers, Numbers] | None = None
    spread: float = 0.0


@dataclass(frozen=True, slots=True)
class OfTables:
    """Rows of the reference and of a window, under the same columns: a sample of at most some thousands each."""

    reference: pl.DataFrame
    window: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Shown:
    """What a statistic comes to: its effect, 0 or more, and where it is a test how often equal rows show as much."""

    effect: float
    chance: float | None = None


class ColumnStatistic(Protocol):
    """A statistic of one column; `keepfit.testing.statistic` tests one."""

    kind: str
    asks: Literal["column"]
    unit: str

    def __call__(self, sides: OfColumn) -> Shown | None:
        """Compare both sides; None where the statistic says nothing of such a column, or a side has no rows."""
        ...


class TableStatistic(Protocol):
    """A statistic of all columns together; `keepfit.testing.statistic` tests one."""

    kind: str
    asks: Literal["table"]
    unit: str

    def __call__(self, sides: OfTables) -> Shown | None:
        """Compare both sides; None where a side has too few rows."""
        ...
