"""Added columns: what a function of the owner's makes of a row, alike in a table and in a request.

The function is given the columns that are known before the decision, and nothing else: one row as a dict, or a
table as a Polars frame. It is proved on a sample before anything is trained on what it adds.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias, get_type_hints

from keepfit import errors
from keepfit.column import Kinds, look
from keepfit.instant import show
from keepfit.request import Reader, as_request, finite, single
from keepfit.schema import Column, Dtype
from keepfit.table import stored_type

if TYPE_CHECKING:
    import polars as pl

__all__ = ["AddColumns", "Added", "By", "add", "prove", "row_adder"]

#: One row, a dict, or a table, a Polars frame.
By: TypeAlias = Literal["row", "frame"]
#: Gives the added values of a request's row, as a request would carry them.
AddColumns: TypeAlias = Callable[[Mapping[str, Any]], dict[str, Any]]

#: Rows on which a function is proved.
_SAMPLE = 200


@dataclass(frozen=True, slots=True)
class Added:
    """What a function adds: it was given `inputs`, and gave `columns`.

    `function` is `module:function`. Whoever loads it runs the owner's code, so it stands in the release that needs it.
    """

    record: ClassVar[str] = "added"
    version: ClassVar[int] = 1

    function: str
    by: By
    inputs: tuple[Column, ...]
    columns: tuple[Column, ...]


def prove(
    name: str, function: Callable[[Any], Any], frame: pl.DataFrame, inputs: Sequence[Column], kinds: Kinds, by: By | None = None
) -> tuple[Added, pl.DataFrame]:
    """The table with what a function adds, once it was shown to add the same to one row as to many.

    Parameters
    ----------
    name : `module:function`, for messages and for the release
    frame : the table, in the stored types
    inputs : the columns that the function may see
    by : as the owner says; else as the annotation of the function's first parameter says; else one row

    Raises
    ------
    BadFeatures
        It raises, gives no new columns of plain values, changes what it was given, or gives a row something else alone
        than among others.
    """
    how, given = by or _annotated(function), _given(frame, inputs)
    made = _called(name, function, given, how)
    if not made.width:
        raise _fault(name, "adds no column", "return a dict, or a frame, with new names")
    if taken := set(made.columns) & set(frame.columns):
        raise _fault(name, f"gives the column '{min(taken)}', which the table has", "add columns under new names")
    added = Added(name, how, tuple(inputs), tuple(_column(name, series, kinds) for series in made.get_columns()))
    whole = _typed(added, made)
    give = row_adder(added, function)
    for row in reversed(range(0, given.height, max(1, -(-given.height // _SAMPLE)))):
        alone, expected = _called(name, function, given[row], how), whole[row]
        fix = "let it depend on the row alone: not on other rows, chance, the clock, or what it was called with before"
        if set(alone.columns) != set(whole.columns) or not _typed(added, alone).equals(expected):
            raise _fault(name, "gives a row something else alone than among others", fix)
        if give(as_request(given.row(row, named=True))) != as_request(expected.row(0, named=True)):
            raise _fault(name, "gives a request something else than a table", fix)
    return added, frame.hstack(whole.get_columns())


def add(added: Added, function: Callable[[Any], Any], frame: pl.DataFrame) -> pl.DataFrame:
    """The table with the added columns.

    Raises
    ------
    BadFeatures
        The function fails on a row, or gives a column other values than those of its type.
    """
    if frame.height == 0:
        return frame.hstack(Reader(added.columns).table([]).get_columns())
    return frame.hstack(_typed(added, _called(added.function, function, _given(frame, added.inputs), added.by)).get_columns())


def row_adder(added: Added, function: Callable[[Any], Any]) -> AddColumns:
    """The same for one request.

    The answer raises `BadRequest`, without a value of the row, where the function fails.
    """
    reader = Reader(added.inputs)
    names = [(column.name, column.dtype) for column in added.columns]

    def one(row: Mapping[str, Any]) -> dict[str, Any]:
        given = reader.one(row)
        try:
            if added.by == "row":
                made = function(given)
                return {name: _WRITE[dtype](made[name]) for name, dtype in names}
            table = reader.table([given])
            return as_request(_typed(added, _called(added.function, function, table, "frame")).row(0, named=True))
        except Exception as error:  # noqa: BLE001 - the owner's code may raise anything, and its message may hold a value
            kind = type(error).__name__
            raise errors.BadRequest(f"the function that adds columns cannot take this row: {kind}", at=added.function) from None

    return one


def _annotated(function: Callable[[Any], Any]) -> By:
    """What the first parameter's annotation says; one row when it says nothing."""
    try:
        hints = get_type_hints(function)
    except (NameError, TypeError):
        hints = getattr(function, "__annotations__", {})
    first = next(iter(inspect.signature(function).parameters), "")
    said = hints.get(first)
    return "frame" if "DataFrame" in (said if isinstance(said, str) else getattr(said, "__name__", "")) else "row"


def _given(frame: pl.DataFrame, inputs: Sequence[Column]) -> pl.DataFrame:
    """What the function is given: its inputs, where a number that is not finite is missing as it is in a request."""
    import polars as pl  # the command line starts without it

    floats = [pl.col(c.name) for c in inputs if c.dtype in ("float", "float32")]
    return frame.select(column.name for column in inputs).with_columns(
        pl.when(column.is_finite()).then(column).alias(column.meta.output_name()) for column in floats
    )


def _called(name: str, function: Callable[[Any], Any], given: pl.DataFrame, by: By) -> pl.DataFrame:
    """What the function adds, as it gave it."""
    if by == "row":
        return _of_rows(name, function, given)
    import polars as pl

    lent = given.clone()
    made = _run(name, function, lent)
    if not lent.equals(given) or lent.columns != given.columns:
        raise _mutates(name)
    if not isinstance(made, pl.DataFrame) or made.height != given.height:
        raise _fault(name, f"gives {_shape(made)} for {given.height} rows", "return a Polars frame with one row for each that it is given")
    for column in given.columns:
        if column in made.columns and not made[column].equals(given[column], check_dtypes=True):
            raise _fault(name, f"gives the column '{column}' other values", "add columns under new names")
    return made.select(column for column in made.columns if column not in given.columns)


def _of_rows(name: str, function: Callable[[Any], Any], given: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    rows: list[dict[str, Any]] = []
    for row in given.iter_rows(named=True):
        lent = dict(row)
        made = _run(name, function, lent)
        if lent != row:
            raise _mutates(name)
        if not isinstance(made, dict) or not all(isinstance(key, str) for key in made):
            raise _fault(name, f"gives {_shape(made)} for a row", "return a dict of names and values")
        if rows and made.keys() != rows[0].keys():
            raise _fault(
                name, "gives different columns for different rows", "return every name each time, with None where there is no value"
            )
        if taken := made.keys() & row.keys():
            raise _fault(name, f"gives the column '{min(taken)}' again", "add columns under new names")
        rows.append(made)
    try:
        names = rows[0] if rows else {}
        return pl.DataFrame([pl.Series(key, _in_one_type([row[key] for row in rows]), strict=True) for key in names])
    except (TypeError, pl.exceptions.PolarsError, OverflowError):
        raise _fault(
            name, "gives one column values of several types", "return one type for each name: numbers, text, truth values, times"
        ) from None


def _in_one_type(values: list[Any]) -> list[Any]:
    """Whole and broken numbers together are broken ones."""
    if any(type(value) is float for value in values):
        return [float(value) if type(value) is int else value for value in values]
    return values


def _run(name: str, function: Callable[[Any], Any], given: Any) -> Any:
    try:
        return function(given)
    except Exception as error:  # the owner's code may raise anything
        said = f"raises {type(error).__name__}"
        line = _line(error)
        raise _fault(name, f"{said}{line}", "let it take every row, missing values included") from error


def _line(error: BaseException) -> str:
    """Where in the owner's code it happened; the message itself may hold a row's value."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f" in line {trace.tb_lineno} of {trace.tb_frame.f_code.co_filename}" if trace is not None else ""


def _stored(dtype: pl.DataType) -> Dtype | None:
    """The stored type for what the function gave."""
    import polars as pl

    found: list[tuple[bool, Dtype]] = [
        (dtype == pl.Boolean, "bool"),
        (dtype.is_integer(), "int"),
        (dtype == pl.Float32, "float32"),
        (dtype.is_float() or dtype == pl.Null, "float"),
        (dtype in (pl.String, pl.Categorical, pl.Enum), "text"),
        (isinstance(dtype, pl.Datetime) and dtype.time_zone is not None, "instant"),
    ]
    return next((stored for holds, stored in found if holds), None)


def _column(name: str, series: pl.Series, kinds: Kinds) -> Column:
    """The column that values make; what is missing throughout counts as a number."""
    import polars as pl

    stored = _stored(series.dtype)
    if stored is None:
        fix = "return numbers, truth values, text, or times with an offset"
        raise _fault(name, f"gives the column '{series.name}' values of type {series.dtype}", fix)
    seen = look(series.cast(pl.String)) if stored == "text" else None
    kind = next((kind for kind, held in kinds.items() if held.claims(stored, seen)), "category")
    return Column(series.name, kind, stored, ("feature",), True)


def _typed(added: Added, made: pl.DataFrame) -> pl.DataFrame:
    """The added columns in their order and stored types; numbers that are not finite are missing."""
    import polars as pl

    held = []
    for column in added.columns:
        if column.name not in made.columns:
            raise _fault(added.function, f"left out the column '{column.name}'", "return every name each time")
        values = made[column.name]
        stored = _stored(values.dtype)
        if not (stored == column.dtype or values.dtype == pl.Null or (stored == "int" and column.dtype.startswith("float"))):
            found = f"gives the column '{column.name}' values of type {values.dtype}, where it gave {column.dtype} before"
            raise _fault(added.function, found, "return one type for each name")
        values = values.cast(stored_type(column.dtype))
        if column.dtype in ("float", "float32"):
            values = pl.select(pl.when(values.is_finite()).then(values)).to_series().alias(column.name)
        held.append(values)
    return pl.DataFrame(held)


def _shape(made: Any) -> str:
    height = getattr(made, "height", None)
    return f"{height} rows" if isinstance(height, int) else f"a value of type {type(made).__name__}"


def _mutates(name: str) -> errors.BadFeatures:
    return _fault(name, "changes what it is given", "copy it first, or build the answer anew")


def _fault(name: str, found: str, fix: str) -> errors.BadFeatures:
    return errors.BadFeatures(f"the function {name} {found}", at="features.from", fix=fix)


def _exactly(kind: type, put: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def write(value: Any) -> Any:
        if value is None:
            return None
        if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
            raise TypeError
        return put(value)

    return write


#: What the function gives as a request would carry it; TypeError for a value of another type.
_WRITE: dict[str, Callable[[Any], Any]] = {
    "int": _exactly(int, int),
    "float": _exactly((int, float), finite),  # type: ignore[arg-type]
    "float32": _exactly((int, float), single),  # type: ignore[arg-type]
    "bool": _exactly(bool, bool),
    "text": _exactly(str, str),
    "instant": _exactly(datetime, show),
}
