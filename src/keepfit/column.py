"""A kind of column: how its values are checked, profiled, encoded and compared, said in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableSequence, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from keepfit import plugin
from keepfit.sketch import Sketches

if TYPE_CHECKING:
    from array import array

    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

__all__ = ["FEWEST_SHOWN", "Bar", "ColumnKind", "Kinds", "Seen", "State", "WriteRow", "WriteTogether", "column_kinds", "look"]

#: What an encoder learned from the training rows: plain data, JSON's own types.
State: TypeAlias = dict[str, Any]
#: Writes one value into the row buffer; adds a warning for a value that training never saw.
#: Raises ValueError, with what is expected, for a value of the wrong type.
WriteRow: TypeAlias = "Callable[[object, MutableSequence[float], list[str]], None]"
#: Writes the values of neighbouring columns into the row buffer at once; says no, and warns of nothing, where one of
#: them needs a closer look.
WriteTogether: TypeAlias = "Callable[[Sequence[Any], array[float]], bool]"

#: A name of fewer rows than this is not shown to people: it may tell of one person.
FEWEST_SHOWN = 10
#: Rows that are looked at when a kind is inferred.
_LOOKED_AT = 10_000


@dataclass(frozen=True, slots=True)
class Seen:
    """What tells free text from names, over the values that are not missing.

    `distinct` and `length` (characters) and `words` (parts between spaces) are means per value: `distinct` in [0, 1].
    """

    distinct: float
    length: float
    words: float

    @property
    def prose(self) -> bool:
        """Values that are long, of several words, and seldom the same; identifiers are one word each."""
        return self.distinct >= 0.2 and self.length >= 20 and self.words >= 3


@dataclass(frozen=True, slots=True)
class Bar:
    """A place in a column's distribution, and the shares of two tables' rows there, in [0, 1]: of a reference and a current one.

    `name` is the name that rows have there; numbers lie from `low` up to `high`.
    """

    name: str
    low: float | None
    high: float | None
    reference: float
    current: float


class ColumnKind(Protocol):
    """The behaviour of one kind of column.

    `matrix` and `writer` are the two executions of one encoding: they give the same float64 numbers to
    the last bit, for every value that the column's stored type can hold. `keepfit.testing.column` tests a kind.
    """

    kind: str
    #: The stored types that a column of this kind may have: of `int`, `float`, `float32`, `bool`, `text`, `instant`.
    dtypes: frozenset[str]
    #: What `bars` lie along: values, characters, hours.
    axis: str
    #: What `beside` counts in: bins in the order of a magnitude, bins without an order, or names of a list that may grow.
    bins: Literal["ordered", "named", "open"]

    def claims(self, dtype: str, seen: Seen | None = None) -> bool:
        """Whether a column of this stored type is of this kind when nobody says otherwise.

        `seen` is known of text columns whose values were looked at. One kind at most claims a column.
        """
        ...

    def learn(self, values: pl.Series, style: str) -> State | None:
        """Learn the encoding from training rows, for `style` `trees` or `linear`; None when nothing can be learned."""
        ...

    def names(self, column: str, state: State) -> list[str]:
        """The names of the encoded features, in order."""
        ...

    def categorical(self, state: State) -> list[int]:
        """Which of the encoded features are category codes rather than magnitudes."""
        ...

    def matrix(self, state: State, values: pl.Series) -> NDArray[np.float64]:
        """Encode a column: shape (rows, features)."""
        ...

    def writer(self, state: State, dtype: str, at: int) -> WriteRow:
        """Encode one value into places `at` and following of a buffer."""
        ...

    def together(self, states: Sequence[State], dtypes: Sequence[str], at: int) -> WriteTogether | None:
        """Encode the values of two or more neighbouring columns as their writers do, faster; None where that cannot be."""
        ...

    def sketch(self, values: pl.Series, like: Sketches | None) -> Sketches:
        """Summarise a column; on the bins and names of the sketches in `like`, where there are, so that the two compare."""
        ...

    def beside(self, reference: Sketches, current: Sketches) -> tuple[list[int], list[int]]:
        """The rows of two columns in the same bins; rows without a value are in none.

        Bins that are `open` end with the rows of every name that the reference does not list.
        """
        ...

    def tally(self, values: pl.Series, like: Sketches, part: NDArray[np.int64], parts: int) -> NDArray[np.int64]:
        """The rows in the bins of `like` for each of several parts of a column: shape (parts, bins).

        `part` says to which part each row belongs, shape (rows,). The same bins as those of `beside`.
        """
        ...

    def bars(self, reference: Sketches, current: Sketches) -> list[Bar]:
        """Two columns side by side, in at most 30 bars in their order; the shares are of rows that are not missing."""
        ...

    def says(self, sketches: Sketches) -> str:
        """What most rows hold, in a few words for people, without a value that only a few rows have."""
        ...


#: The kinds that a schema uses, by name.
Kinds: TypeAlias = Mapping[str, ColumnKind]


def look(values: pl.Series) -> Seen:
    """What tells free text from names, in at most 10,000 rows of a text column, spread evenly."""
    import numpy as np  # serving reads this module without it

    known = values.gather_every(max(1, len(values) // _LOOKED_AT)).drop_nulls()
    if known.is_empty():
        return Seen(0.0, 0.0, 0.0)
    length = np.mean(known.str.len_chars().to_numpy())
    words = np.mean(known.str.strip_chars().str.count_matches(r"\s+").to_numpy()) + 1
    return Seen(known.n_unique() / len(known), float(length), float(words))


def column_kinds() -> Kinds:
    """Every kind of column that is installed."""
    found: dict[str, ColumnKind] = {name: plugin.find("columns", name)() for name in plugin.kinds("columns")}
    return found
