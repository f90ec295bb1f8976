"""What a release takes and gives, as JSON Schema: its columns, its answers, and examples from its own sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from keepfit import errors, record
from keepfit.profile import Profile
from keepfit.release import Release
from keepfit.request import single
from keepfit.schema import Column
from keepfit.serving.rows import carried, identity_of, needed_of
from keepfit.serving.served import Served

__all__ = ["answer_schema", "examples", "key_schema", "row_schema", "value_schema"]

#: Values of a column that are named as examples, and the rows that must hold one for it to be named: a rare one may be somebody's.
MOST_VALUES = 20
LEAST_ROWS = 10

_LARGEST = 1.7976931348623157e308
_SCHEMAS: dict[str, dict[str, Any]] = {
    "int": {"type": "integer", "format": "int64", "minimum": -(2**63), "maximum": 2**63 - 1},
    "float": {"type": "number", "format": "double", "minimum": -_LARGEST, "maximum": _LARGEST},
    "float32": {"type": "number", "format": "float", "minimum": -_LARGEST, "maximum": _LARGEST},
    "bool": {"type": "boolean"},
    "text": {"type": "string"},
    "instant": {"type": "string", "format": "date-time"},
}
_STAND_INS: dict[str, Any] = {"int": 1, "float": 0.5, "float32": 0.5, "bool": True, "text": "text", "instant": "2024-01-01T00:00:00Z"}


def examples(served: Served) -> list[dict[str, Any]]:
    """Rows of the release's sample as requests may carry them, without a private column's value; there is at least one."""
    release = served.release
    given = {column.name: column for column in release.columns}
    rows = []
    for row in served.sample.rows or ({},):
        shown = {name: _short(row[name], one) for name, one in given.items() if name in row and not one.private}
        lacking = [column for column in release.columns if column.name in needed_of(release) and shown.get(column.name) is None]
        rows.append(shown | {column.name: _STAND_INS[carried(column)] for column in lacking})
    return rows


def _short(value: Any, column: Column) -> Any:
    """A number of 32 bits with no more digits than it needs."""
    if column.dtype != "float32" or not isinstance(value, float):
        return value
    return next((short for digits in range(1, 9) if single(short := float(f"{value:.{digits}g}")) == value), value)


def row_schema(served: Served) -> dict[str, Any]:
    """The schema of one row of a request."""
    release = served.release
    names = _names(served)
    needed, identity = needed_of(release), identity_of(release)
    first = examples(served)[0]
    properties = {}
    for column in release.columns:
        shown = names.get(column.name) or ([first[column.name]] if first.get(column.name) is not None else [])
        schema = _schema(column, nullable=column.name not in identity)
        properties[column.name] = schema | {"description": _says(column, release)} | ({"examples": shown} if shown else {})
    return {
        "type": "object",
        "description": "One row: its columns by name. Text that was not seen in training is answered, with a warning.",
        "properties": properties,
        "required": [column.name for column in release.columns if column.name in needed],
        "additionalProperties": False,
    }


def key_schema(release: Release) -> dict[str, Any]:
    """The schema of a row's key, by which a label may name it."""
    columns = [column for column in release.columns if column.name in release.key]
    return {
        "type": "object",
        "properties": {column.name: _schema(column, nullable=False) for column in columns},
        "required": [column.name for column in columns],
        "additionalProperties": False,
    }


def value_schema(release: Release) -> dict[str, Any]:
    """The schema of a value that the target may have."""
    return {"enum": list(release.classes)} if release.classes else {"type": "number"}


def answer_schema(served: Served) -> dict[str, Any]:
    """The schema of what is said of one row."""
    value = value_schema(served.release)
    decision = served.example[1]
    outputs: dict[str, Any] = {name: {"type": "number"} for name in served.fields}
    if "score" in outputs:
        outputs["score"] = {"type": "number", "minimum": 0, "maximum": 1, "description": f"The chance of {served.release.classes[-1]!r}."}
    own = {
        "id": {"type": "string", "description": "By it a label names this prediction."},
        **outputs,
        "prediction": {**value, "description": "The value of the target that is predicted."},
        "decision": {"type": "boolean"} if isinstance(decision, bool) else dict(value),
        "warnings": {"type": "array", "items": {"type": "string"}, "description": "What was unusual about the row."},
    }
    more = {
        "release": {"type": "string", "description": "Who answered, where it is not the champion."},
        "replayed": {"const": True, "description": "It is what was answered before under the same id."},
    }
    return {"type": "object", "properties": own | more, "required": list(own), "additionalProperties": False}


def _schema(column: Column, *, nullable: bool) -> dict[str, Any]:
    schema = _SCHEMAS[carried(column)]
    return schema | {"type": [schema["type"], "null"]} if nullable else dict(schema)


def _says(column: Column, release: Release) -> str:
    if column.private:
        words = {"subject": "Whose row it is; kept as a keyed hash", "protected": "Measured", "personal": "Personal"}
        uses = [words[use] for use in column.uses if use in words]
        return f"{uses[0]}, never an input of the model."
    parts = ["time of the row"] if column.name == release.time else []
    parts += ["part of the key"] if column.name in release.key else []
    parts += [f"{column.kind}, input of the model"] if column.name in release.inputs else ["not used by the model"]
    said = "; ".join(parts)
    return f"{said[0].upper()}{said[1:]}."


def _names(served: Served) -> Mapping[str, Sequence[Any]]:
    """The most frequent values of the category columns that are inputs."""
    try:
        path = served.folder / "profile.json"
        profile = record.read(Profile, path.read_bytes(), at=str(path))
    except (OSError, errors.KeepfitError):  # it was removed meanwhile: examples are no more than that
        return {}
    found: dict[str, Sequence[Any]] = {}
    for column in served.release.columns:
        if column.kind != "category" or column.private or column.name not in served.release.inputs:
            continue
        state = profile.columns.get(column.name, {}).get("names")
        if state is not None:
            often = [name for name, rows in zip(state["names"], state["counts"], strict=False) if rows >= LEAST_ROWS]
            found[column.name] = [_read(name, column.dtype) for name in often[:MOST_VALUES]]
    return found


def _read(name: str, dtype: str) -> Any:
    """A value by the name under which it is counted."""
    try:
        if dtype == "bool":
            return name == "true"
        return int(name) if dtype == "int" else float(name) if dtype in ("float", "float32") else name
    except ValueError:
        return name
