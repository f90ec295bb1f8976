"""Rows as requests carry them: decoded straight into one typed struct, made from the columns of the releases that may answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from keepfit import errors
from keepfit.instant import parse
from keepfit.release import Release
from keepfit.schema import Column

__all__ = ["Asked", "Rows", "carried", "identity_of", "needed_of"]

_INTEGER = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
#: How JSON carries the stored types. A whole number may be written 2.0, and a time is looked at after it was decoded.
_TYPES: dict[str, Any] = {"int": _INTEGER | float, "float": float, "float32": float, "bool": bool, "text": str, "instant": str}
EXPECTED = {
    "int": "a whole number of at most 64 bits",
    "float": "a number",
    "float32": "a number",
    "bool": "true or false",
    "text": "text",
    "instant": "an instant in ISO 8601 with an offset, as in 2013-07-01T17:00Z",
}
_PLACE = re.compile(r" - at `\$\.?(.*)`$", re.DOTALL)
_ROW = re.compile(r"((?:rows)?\[\d+\])\.(.+)", re.DOTALL)
_QUOTED = re.compile(r"`(.*)`", re.DOTALL)
_LONGEST = 80
_ESCAPED = re.compile(r'[\x00-\x1f"\\]')


class Asked(Struct, gc=False):
    """What a request asks: its rows, each a struct of `Rows.names`, and the ids and subjects that it gives them."""

    rows: list[Any]
    ids: list[str] | None = None
    subjects: list[str | None] | None = None


class Rows:
    """Reads the rows of requests.

    Parameters
    ----------
    release : the one that answers; its columns must fit, and those that it needs must be there
    others : what others that may answer too can take besides; where two differ, the first one's type counts

    A name that stands twice in one row counts as it stands last. A number too large for a float, a whole number
    beyond 64 bits and a column that no release knows are refused.
    """

    def __init__(self, release: Release, others: Sequence[Release] = ()) -> None:
        columns = {column.name: column for one in (*others, release) for column in one.columns}
        self._columns, self.names = columns, tuple(columns)
        #: How each column is carried, by its name.
        self.carries = {name: carried(column) for name, column in columns.items()}
        self._identity = identity = identity_of(release)
        needed = needed_of(release)
        fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
        for at, (name, column) in enumerate(columns.items()):
            kind = _TYPES[carried(column)]
            given = kind if name in identity else kind | None
            fields.append((f"c{at}", given) if name in needed else (f"c{at}", given, None))
        # A struct's member cannot have a name that JSON must escape; such a column goes by a stand-in.
        self._stand_ins = {name: f"column {at}" for at, name in enumerate(columns) if _ESCAPED.search(name)}
        self._names = {stand_in: name for name, stand_in in self._stand_ins.items()}
        spelled = {f"c{at}": self._stand_ins.get(name, name) for at, name in enumerate(columns)}
        row = msgspec.defstruct("Row", fields, rename=spelled, forbid_unknown_fields=True, kw_only=True, gc=False)
        asked = msgspec.defstruct("Predict", [("rows", list[row])], bases=(Asked,), kw_only=True, forbid_unknown_fields=True)  # type: ignore[valid-type]
        self._list: Any = list[row]  # type: ignore[valid-type]
        self._asked: Any = asked
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(asked).decode
        held = {f"c{at}": name for at, name in enumerate(columns)}
        self._whole = [(field, name) for field, name in held.items() if carried(columns[name]) == "int"]
        self._instants = [(field, name) for field, name in held.items() if carried(columns[name]) == "instant"]

    def decode(self, body: bytes) -> Asked:
        """The body of a native predict request.

        Raises
        ------
        BadRequest
            A column is unknown, missing or of the wrong type; it names the place and never shows a value.
        msgspec.DecodeError, UnicodeDecodeError, RecursionError
            It is not JSON, or nested too deep.
        """
        try:
            asked: Asked = self._decode(body) if not self._stand_ins else self._decode_with_stand_ins(body)
        except msgspec.ValidationError as error:
            raise self._fault(str(error)) from None
        if self._whole or self._instants:
            self._settle(asked.rows)
        return asked

    def _decode_with_stand_ins(self, body: bytes) -> Asked:
        form = msgspec.json.decode(body)
        if isinstance(form, dict) and isinstance(form.get("rows"), list):
            form["rows"] = [self._with_stand_ins(row) if isinstance(row, dict) else row for row in form["rows"]]
        asked: Asked = msgspec.convert(form, self._asked)
        return asked

    def _with_stand_ins(self, row: Mapping[str, Any]) -> dict[str, Any]:
        return {self._stand_ins.get(name, f"{name} " if name in self._names else name): value for name, value in row.items()}

    def convert(self, rows: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Rows that were decoded in another form; NaN and the infinities are missing. Raises `BadRequest` as `decode` does."""
        finite = [{name: None if value != value or value in _INFINITE else value for name, value in row.items()} for row in rows]
        if self._stand_ins:
            finite = [self._with_stand_ins(row) for row in finite]
        try:
            found: list[Any] = msgspec.convert(finite, self._list)
        except msgspec.ValidationError as error:
            raise self._fault(str(error), within="rows") from None
        self._settle(found)
        return found

    def _settle(self, rows: Sequence[Any]) -> None:
        """Whole numbers as such, and times that are none refused."""
        for number, row in enumerate(rows):
            for field, name in self._whole:
                value = getattr(row, field)
                if type(value) is float:
                    if not value.is_integer() or abs(value) >= 2**53:
                        raise self._wrong(f"rows[{number}].{name}", name)
                    setattr(row, field, int(value))
            for field, name in self._instants:
                value = getattr(row, field)
                if value is not None:
                    try:
                        parse(value)
                    except (ValueError, OverflowError):
                        raise self._wrong(f"rows[{number}].{name}", name) from None

    def _fault(self, said: str, within: str = "") -> errors.BadRequest:
        """What msgspec found, in our words: it names types and places, and of unknown members their name."""
        found = _PLACE.search(said)
        place, what = within + found[1] if found else within, said[: found.start()] if found else said
        row = _ROW.fullmatch(place)
        quoted = _QUOTED.search(what)
        name = self._names.get(quoted[1], quoted[1]) if quoted else ""
        column = self._names.get(row[2], row[2]) if row else ""
        if row and column in self._columns:
            return self._wrong(f"{row[1]}.{column}", column)
        if what.startswith("Object contains unknown field"):
            if place.startswith("rows["):
                fix = errors.near_match(name[:_LONGEST], self._columns)
                return errors.BadRequest(f"unknown column '{name[:_LONGEST]}'", at=f"{place}.{name[:_LONGEST]}", fix=fix)
            return errors.BadRequest("the body has a member that is not known", at=place, fix="rows, and where wanted ids and subjects")
        if what.startswith("Object missing required field"):
            return errors.BadRequest(f"column '{name}' is missing" if place else f"'{name}' is missing", at=f"{place}.{name}".lstrip("."))
        return errors.BadRequest(f"{what[0].lower()}{what[1:]}", at=place, fix='a request is {"rows": [{column: value, …}, …]}')

    def _wrong(self, place: str, name: str) -> errors.BadRequest:
        or_null = "" if name in self._identity else " or null"
        return errors.BadRequest(f"'{name[:_LONGEST]}' must be {EXPECTED[carried(self._columns[name])]}{or_null}", at=place)


_INFINITE = (float("inf"), float("-inf"))


def identity_of(release: Release) -> frozenset[str]:
    """The columns that say which row it is, and when: they are never null."""
    return frozenset((*release.key, *([release.time] if release.time else [])))


def needed_of(release: Release) -> frozenset[str]:
    """The columns that a row must hold: those that name it, and inputs that no training row lacked."""
    return identity_of(release) | {column.name for column in release.columns if column.name in release.inputs and not column.nullable}


def carried(column: Column) -> str:
    """The stored type as a request carries it: a subject is always text."""
    return "text" if "subject" in column.uses else column.dtype
