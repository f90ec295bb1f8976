"""Records: frozen dataclasses with a name, a version and one JSON form.

The JSON form is an object whose first members are `record` and `version`; times are ISO 8601 in UTC.
It is what files hold, what `--json` prints and what the golden files in the tests pin. Reading is
lenient towards members that this version does not know and refuses a version that it cannot read.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar, Protocol, TypeVar

import msgspec

from keepfit import digest
from keepfit.errors import BrokenFile, NewerFormat
from keepfit.instant import Duration

__all__ = ["Record", "digest_of", "from_json", "parsed", "plain", "read", "text", "to_json"]


class Record(Protocol):
    """A frozen dataclass that is stored or shown."""

    __dataclass_fields__: ClassVar[dict[str, Any]]
    record: ClassVar[str]
    version: ClassVar[int]


T = TypeVar("T", bound=Record)


def _encode(value: object) -> object:
    if isinstance(value, Duration):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _decode(kind: type, value: Any) -> Any:
    if kind is Duration:
        return Duration.parse(value)
    raise TypeError(f"{kind.__name__} has no JSON form")


def plain(value: object) -> Any:
    """A value as JSON's own types, members of records in the order of their definition.

    Raises
    ------
    ValueError
        A number is NaN or infinite: JSON has neither, and a stored record must not lose one silently.
    """
    result = msgspec.to_builtins(value, enc_hook=_encode)
    _refuse_non_finite(result)
    return result


def _refuse_non_finite(value: object) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a record cannot hold NaN or infinity")
    if isinstance(value, dict):
        for item in value.values():
            _refuse_non_finite(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_non_finite(item)


def to_json(record: Record) -> dict[str, Any]:
    """A record's one JSON form."""
    return {"record": record.record, "version": record.version, **plain(record)}


def text(record: Record) -> str:
    """The canonical text of a record: what is stored and digested."""
    return digest.canonical(to_json(record))


def digest_of(record: Record) -> str:
    """The name of a record as an artifact."""
    return digest.of_bytes(text(record).encode())


def from_json(kind: type[T], value: Any, *, at: str = "") -> T:
    """A record from its JSON form.

    Raises
    ------
    NewerFormat
        A newer keepfit wrote it.
    BrokenFile
        It is no such record.
    """
    if not isinstance(value, dict) or value.get("record") != kind.record:
        raise BrokenFile(f"this is not a {kind.record} record", at=at)
    written = value.get("version")
    if type(written) is not int or written < 1:
        raise BrokenFile(f"the {kind.record} record has no version", at=at)
    if written > kind.version:
        fix = "install the keepfit that wrote it, or a later one"
        raise NewerFormat(f"{kind.record} is of version {written}; this keepfit reads up to {kind.version}", at=at, fix=fix)
    try:
        return msgspec.convert(value, kind, dec_hook=_decode)  # members that the record does not have are passed over
    except msgspec.ValidationError as error:
        raise BrokenFile(f"the {kind.record} record is damaged: {error}", at=at) from error


def parsed(data: bytes) -> dict[str, Any] | None:
    """The JSON form that bytes hold; None where they hold no record."""
    try:
        value = msgspec.json.decode(data)
    except msgspec.DecodeError:
        return None
    return value if isinstance(value, dict) and {"record", "version"} <= value.keys() else None


def read(kind: type[T], data: bytes | str, *, at: str = "") -> T:
    """A record from its stored text; raises as `from_json` does."""
    try:
        value = msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        raise BrokenFile(f"the {kind.record} record is not JSON: {error}", at=at) from error
    return from_json(kind, value, at=at)
