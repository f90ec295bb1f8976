"""A row as a request carries it, and as a table holds it."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from keepfit import errors
from keepfit.instant import parse, show
from keepfit.schema import Column, Dtype
from keepfit.table import stored_type

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Reader", "as_request", "finite", "single"]

_SINGLE = struct.Struct("<f")


def as_request(row: Mapping[str, Any]) -> dict[str, Any]:
    """A table's row as a request carries it: times as text, missing and not finite numbers as null."""
    return {name: _carried(value) for name, value in row.items()}


def _carried(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return show(value) if isinstance(value, datetime) else value


class Reader:
    """Reads requests as rows of a table that has these columns; what a request leaves out is missing."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = tuple(columns)
        self._read = [(column.name, *_READ[column.dtype]) for column in columns]

    def one(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """One request's values as a table holds them.

        Raises
        ------
        BadRequest
            A value is of the wrong type; the message names the column and never shows the value.
        """
        found: dict[str, Any] = {}
        for name, expected, read in self._read:
            value = row.get(name)
            try:
                found[name] = None if value is None else read(value)
            except (TypeError, ValueError, OverflowError):
                raise errors.BadRequest(f"'{name}' must be {expected} or null", at=name) from None
        return found

    def table(self, rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
        """Rows that `one` gave, as a table."""
        import polars as pl  # the command line starts without it

        return pl.DataFrame([pl.Series(c.name, [row[c.name] for row in rows], dtype=stored_type(c.dtype)) for c in self._columns])


def finite(value: float) -> float | None:
    """A number, or missing where it is not finite."""
    number = float(value)
    return number if math.isfinite(number) else None


def single(value: float) -> float | None:
    """A number as 32 bits hold it, or missing where they cannot."""
    try:
        return finite(_SINGLE.unpack(_SINGLE.pack(float(value)))[0])
    except OverflowError:
        return None


def _whole(value: Any) -> int:
    if isinstance(value, bool) or int(value) != value or not -(2**63) <= value < 2**63:
        raise ValueError
    return int(value)


def _number(put: Callable[[float], float | None]) -> Callable[[Any], float | None]:
    def read(value: Any) -> float | None:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise TypeError
        try:
            return put(value)
        except OverflowError:
            return None

    return read


def _as(kind: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if not isinstance(value, kind):
            raise TypeError
        return value

    return read


#: What is expected of a value, and how it is read.
_READ: dict[Dtype, tuple[str, Callable[[Any], Any]]] = {
    "int": ("a whole number", _whole),
    "float": ("a number", _number(finite)),
    "float32": ("a number", _number(single)),
    "bool": ("true or false", _as(bool)),
    "text": ("text", _as(str)),
    "instant": ("an instant in ISO 8601 with an offset, as in 2013-07-01T17:00Z", parse),
}
