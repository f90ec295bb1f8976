"""A kind of column: how its values are checked, profiled, encoded and compared, said in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableSequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

__all__ = ["ColumnKind", "Kinds", "Sketch", "State", "WriteRow"]

#: What an encoder learned from the training rows: plain data, JSON's own types.
State: TypeAlias = dict[str, Any]
#: What is kept of a column in a profile: plain data, JSON's own types.
Sketch: TypeAlias = dict[str, Any]
#: Writes one value into the row buffer; adds a warning for a value that training never saw.
#: Raises ValueError, with what is expected, for a value of the wrong type.
WriteRow: TypeAlias = "Callable[[object, MutableSequence[float], list[str]], None]"


class ColumnKind(Protocol):
    """The behaviour of one kind of column.

    `matrix` and `writer` are the two executions of one encoding: they give the same float64 numbers to
    the last bit, for every value that the column's stored type can hold.
    """

    kind: str

    def claims(self, dtype: str) -> bool:
        """Whether a column of this stored type is of this kind when nobody says otherwise.

        `dtype` is one of `int`, `float`, `float32`, `bool`, `text`, `instant`.
        """
        ...

    def holds(self, dtype: str) -> bool:
        """Whether a column of this stored type can be of this kind when somebody says so."""
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

    def sketch(self, values: pl.Series, like: Sketch | None) -> Sketch:
        """Count a column: on bins of its own, or on those of `like`, so that the two can be compared."""
        ...

    def distance(self, reference: Sketch, current: Sketch) -> float:
        """How far apart two sketches are, in [0, 1]: 0 for equal shares, 1 for disjoint ones."""
        ...


#: The kinds that a schema uses, by name.
Kinds: TypeAlias = Mapping[str, ColumnKind]
