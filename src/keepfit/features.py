"""The feature plan: one plan, two executions.

Learned from the training rows and stored as plain data. `matrix` encodes a table, `row_writer` one
request; both give the same numbers to the last bit, so that what is served is what was judged.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias, TypeVar

from keepfit import errors
from keepfit.column import Kinds, WriteRow, WriteTogether
from keepfit.schema import Column

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

__all__ = ["Encoding", "Inputs", "Plan", "Style", "WriteInputs", "learn", "matrix", "row_writer"]

#: Trees take raw magnitudes, codes and missing values; linear models scaled numbers and indicators.
Style: TypeAlias = Literal["trees", "linear"]
#: Neighbours of one kind: how they are written at once, how they are read from a row, and each with how it is written alone.
_Run: TypeAlias = "tuple[WriteTogether | None, itemgetter[Any], list[tuple[str, WriteRow]]]"
#: Fills the row buffer from a request's columns and gives its warnings.
WriteInputs: TypeAlias = Callable[[Mapping[str, object]], list[str]]

#: Features that are held at once before they are copied into a matrix, and rows that are copied at once.
_TOGETHER, _ROWS = 16, 2048

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Encoding:
    """How one column is encoded: what its kind learned, as plain data."""

    column: str
    kind: str
    dtype: str
    names: tuple[str, ...]
    categorical: tuple[int, ...]
    state: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """The encodings of a model's inputs, in order."""

    record: ClassVar[str] = "plan"
    version: ClassVar[int] = 1

    style: Style
    encodings: tuple[Encoding, ...]

    @property
    def names(self) -> list[str]:
        """The encoded features, in order."""
        return [name for encoding in self.encodings for name in encoding.names]

    @property
    def categorical(self) -> list[int]:
        """The places of category codes among the encoded features."""
        places: list[int] = []
        start = 0
        for encoding in self.encodings:
            places += [start + place for place in encoding.categorical]
            start += len(encoding.names)
        return places


def learn(frame: pl.DataFrame, columns: Sequence[Column], style: Style, kinds: Kinds) -> Plan:
    """Learn a plan from training rows; columns in which nothing varies are left out.

    Raises
    ------
    TooFewRows
        No column is left.
    """
    encodings = []
    for column in columns:
        kind = kinds[column.kind]
        state = kind.learn(frame[column.name], style)
        if state is not None:
            names, codes = tuple(kind.names(column.name, state)), tuple(kind.categorical(state))
            encodings.append(Encoding(column.name, column.kind, column.dtype, names, codes, state))
    if not encodings:
        fix = "check that the table holds columns that vary and are known before the decision"
        raise errors.TooFewRows("no column is left to learn from: each is empty, constant, or too rare", at="the training rows", fix=fix)
    return Plan(style, tuple(encodings))


def matrix(plan: Plan, frame: pl.DataFrame, kinds: Kinds) -> NDArray[np.float64]:
    """Encode a table: shape (rows, features), row-major."""
    import numpy as np  # the serving path reads plans without it

    out = np.empty((frame.height, len(plan.names)), dtype=np.float64)
    start = end = 0
    held: list[tuple[int, NDArray[np.float64]]] = []
    for encoding in plan.encodings:
        held.append((len(encoding.names), kinds[encoding.kind].matrix(dict(encoding.state), frame[encoding.column])))
        end += len(encoding.names)
        if end - start >= _TOGETHER:
            _put(held, out[:, start:end])
            start, held = end, []
    _put(held, out[:, start:])
    return out


def _put(parts: list[tuple[int, NDArray[np.float64]]], out: NDArray[np.float64]) -> None:
    """Copy parts side by side, few rows at a time: a row's numbers share a line of memory, then fetched once."""
    for begin in range(0, len(out), _ROWS):
        start = 0
        for width, part in parts:
            out[begin : begin + _ROWS, start : start + width] = part[begin : begin + _ROWS]
            start += width


class Inputs:
    """Rows to learn from or to answer, in the stored types; what is made of them is made once and kept as long as it lives.

    Trials of a search share it, so that a plan is learned and a table encoded once for each fold and style.
    """

    def __init__(self, frame: pl.DataFrame, kinds: Kinds) -> None:
        self.frame = frame
        self.kinds = kinds
        self._made: dict[Hashable, Any] = {}

    @property
    def rows(self) -> int:
        return self.frame.height

    def once(self, name: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives the first time it is asked for under this name."""
        if name not in self._made:
            self._made[name] = make()
        made: T = self._made[name]
        return made

    def learn(self, columns: Sequence[Column], style: Style) -> Plan:
        """A plan learned from these rows."""
        return self.once(("plan", style, tuple(columns)), lambda: learn(self.frame, columns, style, self.kinds))

    def matrix(self, plan: Plan) -> NDArray[np.float64]:
        """These rows encoded: shape (rows, features), row-major; not to be changed."""
        # The plan is kept with its matrix: as long as it lives its identity is its own.
        return self.once(("matrix", id(plan)), lambda: (plan, matrix(plan, self.frame, self.kinds)))[1]


def row_writer(plan: Plan, kinds: Kinds) -> tuple[array[float], WriteInputs]:
    """A buffer of one row and the function that fills it from a request's columns.

    The function raises `BadRequest`, naming the column and never the value, when a value is of the wrong type.
    """
    buffer = array("d", bytes(8 * len(plan.names)))
    runs = [_run(encodings, kinds, start) for start, encodings in _side_by_side(plan)]

    def write(row: Mapping[str, object]) -> list[str]:
        warnings: list[str] = []
        for together, read, one_by_one in runs:
            if together is not None:
                try:
                    if together(read(row), buffer):
                        continue
                except KeyError:  # a column is absent, which is to say missing
                    pass
            for column, put in one_by_one:
                said = len(warnings)
                try:
                    put(row.get(column), buffer, warnings)
                except ValueError as error:
                    raise errors.BadRequest(f"'{column}' must be {error} or null", at=column) from None
                if len(warnings) > said:
                    warnings[said] = f"'{column}' {warnings[said]}"
        return warnings

    return buffer, write


def _side_by_side(plan: Plan) -> Iterator[tuple[int, list[Encoding]]]:
    """The plan cut where the kind changes, each part with its first place among the features."""
    start = 0
    for _, encodings in groupby(plan.encodings, lambda encoding: encoding.kind):
        held = list(encodings)
        yield start, held
        start += sum(len(encoding.names) for encoding in held)


def _run(encodings: list[Encoding], kinds: Kinds, start: int) -> _Run:
    """How neighbours of one kind are written: together where that can be, and one by one where that says no."""
    kind, at, one_by_one = kinds[encodings[0].kind], start, []
    for encoding in encodings:
        one_by_one.append((encoding.column, kind.writer(dict(encoding.state), encoding.dtype, at)))
        at += len(encoding.names)
    columns = [encoding.column for encoding in encodings]
    if len(columns) < 2:
        return None, itemgetter(*columns), one_by_one
    together = kind.together([dict(encoding.state) for encoding in encodings], [encoding.dtype for encoding in encodings], start)
    return together, itemgetter(*columns), one_by_one
