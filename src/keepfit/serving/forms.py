"""Forms in which other protocols carry rows: records, split frames, columns, CSV. Each becomes rows by column name."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from keepfit import errors
from keepfit.serving.exchange import Refused
from keepfit.serving.rows import EXPECTED, Asked, Rows

__all__ = ["Named", "asked", "columns", "from_text", "loads", "named", "read_csv", "records", "split"]

_decode = msgspec.json.Decoder().decode


class Named(msgspec.Struct, forbid_unknown_fields=True):
    """What a request says of its rows beside their columns, in the member that its protocol has for it."""

    ids: list[str] | None = None
    subjects: list[str | None] | None = None


def loads(body: bytes) -> Any:
    """JSON, in which NaN and the infinities may stand, as clients on pandas and NumPy write them.

    Raises
    ------
    Refused
        It is not JSON.
    RecursionError
        It is nested too deep.
    """
    try:
        return _decode(body)
    except msgspec.DecodeError:
        pass
    except UnicodeDecodeError:
        raise _bad("the body is not UTF-8", status=400) from None
    try:
        return json.loads(body)
    except ValueError:  # a number of thousands of digits, too
        raise _bad("the body is not JSON", status=400) from None


def named(form: object, *, at: str) -> Named:
    """The ids and subjects of a request.

    Raises
    ------
    Refused
        There is something else, or they are not lists of text.
    """
    try:
        return msgspec.convert(form, Named) if form is not None else Named()
    except msgspec.ValidationError:
        raise _bad(f"{at} holds ids and subjects, lists of text, and nothing else", at=at) from None


def asked(rows: Rows, given: Sequence[Mapping[str, Any]], about: Named) -> Asked:
    """What a request asks; raises `BadRequest` as `Rows.convert` does."""
    return Asked(rows.convert(given), about.ids, about.subjects)


def records(form: object, *, at: str) -> Sequence[Mapping[str, Any]]:
    """A list of rows, each an object by column."""
    if not isinstance(form, list):
        raise _bad(f"{at} must be a list of rows", at=at, fix=_RECORDS)
    for number, row in enumerate(form):
        if not isinstance(row, dict):
            raise _bad("a row must name its columns", at=f"{at}[{number}]", fix=_RECORDS)
    return form


def split(form: object, *, at: str) -> Sequence[Mapping[str, Any]]:
    """A frame as `{"columns": [name, …], "data": [[value, …], …]}`; its `index` means nothing."""
    if not isinstance(form, dict) or not {"columns", "data"} <= set(form) <= {"columns", "data", "index"}:
        raise _bad(f"{at} must hold columns and data", at=at, fix=_SPLIT)
    names, data = form["columns"], form["data"]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
        raise _bad("columns names each column once", at=f"{at}.columns", fix=_SPLIT)
    if not isinstance(data, list):
        raise _bad("data must be a list of rows", at=f"{at}.data", fix=_SPLIT)
    for number, row in enumerate(data):
        if not isinstance(row, list) or len(row) != len(names):
            raise _bad(f"a row must be a list of {len(names)} values", at=f"{at}.data[{number}]", fix=_SPLIT)
    return [dict(zip(names, row, strict=True)) for row in data]


def columns(form: object, *, at: str) -> Sequence[Mapping[str, Any]]:
    """Columns as `{name: [value, …], …}`, all of one length; a value that is no list is that of the only row."""
    if not isinstance(form, dict):
        raise _bad(f"{at} must name its columns", at=at, fix=_COLUMNS)
    lists = {name: value if isinstance(value, list) else [value] for name, value in form.items()}
    if len({len(values) for values in lists.values()}) > 1:
        raise _bad("the columns are of different length", at=at, fix=_COLUMNS)
    return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]


def read_csv(body: bytes, rows: Rows) -> list[dict[str, Any]]:
    """Rows of a CSV text in UTF-8 whose first line names the columns; an empty cell is missing.

    Raises
    ------
    Refused
        It is not such a text.
    BadRequest
        A cell is not of its column's type.
    """
    try:
        lines = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True)
        names, *cells = [line for line in lines if line] or [[]]
    except (UnicodeDecodeError, csv.Error):
        raise _bad("the body is not CSV in UTF-8", fix=_CSV, status=400) from None
    if not names or len(set(names)) != len(names):
        raise _bad("the first line names each column once", at="line 1", fix=_CSV)
    # A text without that line begins with a row: what it holds is not repeated.
    for number, name in enumerate(names, start=1):
        if name not in rows.carries:
            fix = errors.near_match(name[:80], rows.carries)
            raise _bad(f"cell {number} of the first line is no column's name", at="line 1", fix=fix)
    for number, line in enumerate(cells):
        if len(line) != len(names):
            raise _bad(f"a row must have {len(names)} cells", at=f"rows[{number}]", fix=_CSV)
    return [from_text(dict(zip(names, line, strict=True)), rows, at=f"rows[{number}]") for number, line in enumerate(cells)]


def from_text(row: Mapping[str, str], rows: Rows, *, at: str) -> dict[str, Any]:
    """A row whose values are written as text, by its columns' types; unknown columns stay for `Rows` to refuse.

    Raises
    ------
    BadRequest
        A value is not of its column's type.
    """
    found: dict[str, Any] = {}
    for name, text in row.items():
        carried = rows.carries.get(name, "text")
        try:
            found[name] = _READ.get(carried, str)(text) if text else None
        except ValueError:
            raise errors.BadRequest(f"'{name[:80]}' must be {EXPECTED[carried]}, or empty", at=f"{at}.{name[:80]}") from None
    return found


def _number(text: str) -> float:
    if "_" in text or not text.isascii():
        raise ValueError
    return float(text)


def _whole(text: str) -> int | float:
    if "_" in text or not text.isascii():
        raise ValueError
    return float(text) if set(text) & set(".eEnN") else int(text)


def _truth(text: str) -> bool:
    if text.lower() not in _TRUTHS:
        raise ValueError
    return _TRUTHS[text.lower()]


_TRUTHS = {"true": True, "false": False}
_READ: Mapping[str, Callable[[str], Any]] = {"int": _whole, "float": _number, "float32": _number, "bool": _truth}
_RECORDS = "[{column: value, …}, …]"
_SPLIT = '{"columns": [name, …], "data": [[value, …], …]}'
_COLUMNS = "{column: [value, …], …}"
_CSV = "a line of column names, then a line for each row"


def _bad(title: str, *, at: str = "", fix: str = "", status: int = 422) -> Refused:
    return Refused(status, title, at=at, fix=fix, code="KF403")
