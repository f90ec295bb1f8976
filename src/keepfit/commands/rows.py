"""Rows as people write them on a command line: `column=value`, csv, or JSON in its usual forms."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keepfit import errors

__all__ = ["Written", "typed", "written"]


@dataclass(frozen=True, slots=True)
class Written:
    """Rows, with the ids and subjects that a body of the server's own form may give. `texts`: every value is a text, as csv has it."""

    rows: Sequence[Mapping[str, Any]]
    texts: bool
    ids: Sequence[str] | None = None
    subjects: Sequence[str | None] | None = None


def written(arguments: Sequence[str], *, read: Callable[[], str] = lambda: sys.stdin.read()) -> Written:
    """Rows from the arguments of a command: `column=value`s, a file, or what `read` gives where there is none or a `-`.

    Raises
    ------
    BadArgument
        They are neither; the file cannot be read; or it holds no rows.
    """
    if arguments and all("=" in one for one in arguments):
        return Written([dict(_pair(one) for one in arguments)], texts=True)
    if len(arguments) > 1:
        odd = next(one for one in arguments if "=" not in one)
        raise errors.BadArgument(f"'{odd}' is not column=value", at="ROW", fix="give one row as column=value …, or one file, or -")
    name = arguments[0] if arguments else "-"
    if Path(name).suffix == ".parquet":
        raise errors.BadArgument("Parquet is not sent to a server", at=name, fix=f"keepfit score {name}")
    try:
        text = read() if name == "-" else Path(name).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise errors.BadArgument(f"rows cannot be read: {said}", at=name, fix="give column=value …, a csv or JSON file, or -") from None
    place = "standard input" if name == "-" else name
    found = _json(text, place) if text.lstrip()[:1] in ("{", "[") else Written(_csv(text, place), texts=True)
    if not found.rows or not all(isinstance(row, dict) for row in found.rows):
        raise errors.BadArgument(
            "there are no rows", at=place, fix="a csv file with a heading; or JSON: a row, a list of rows, a row in each line"
        )
    return found


def typed(rows: Iterable[Mapping[str, Any]], columns: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Texts as the values that they stand for, by the columns of a release; nothing is missing.

    What is no value of its column stays as it is: the server says what is wrong with it.

    >>> typed([{"age": "31", "name": "31", "gift": "true", "size": ""}],
    ...       [{"name": "age", "dtype": "int", "uses": []}, {"name": "gift", "dtype": "bool", "uses": []}])
    [{'age': 31, 'name': '31', 'gift': True, 'size': None}]
    """
    kinds = {column["name"]: "text" if "subject" in column["uses"] else column["dtype"] for column in columns}
    return [{name: _value(text, kinds.get(name, "text")) for name, text in row.items()} for row in rows]


_FORMS = "a row, a list of rows, or a row in each line"


def _value(text: Any, dtype: str) -> Any:
    if text == "":
        return None
    try:
        if dtype == "bool":
            return {"true": True, "false": False}.get(text.lower(), text)
        return int(text) if dtype == "int" else float(text) if dtype in ("float", "float32") else text
    except ValueError:
        return text


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


def _csv(text: str, place: str) -> list[dict[str, Any]]:
    rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=False))
    for number, row in enumerate(rows, 2):
        if None in row or None in row.values():
            raise errors.BadArgument(
                f"row {number} has not as many values as the heading", at=place, fix="see whether a comma needs quotes"
            )
    return rows


def _json(text: str, place: str) -> Written:
    try:
        form = json.loads(text)
    except json.JSONDecodeError:
        try:
            form = [json.loads(line) for line in text.splitlines() if line.strip()]
        except json.JSONDecodeError as error:
            raise errors.BadArgument(
                f"this is not JSON: {error.msg}", at=place, fix="a row, a list of rows, or a row in each line"
            ) from None
    if isinstance(form, dict) and isinstance(form.get("rows"), list):
        return Written(form["rows"], texts=False, ids=form.get("ids"), subjects=form.get("subjects"))
    return Written([form] if isinstance(form, dict) else form, texts=False)
