"""What pydantic finds wrong, as faults for people: what was found, where, and what was expected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from keepfit import errors
from keepfit.errors import KeepfitError
from keepfit.spec.places import Key, Places

__all__ = ["faults_of"]

#: More of a value than this is not repeated in a message.
_SHOWN = 60

_TYPES: Mapping[str, tuple[str, str]] = {
    "int_type": ("is not a whole number", "write digits without quotes, as in 7"),
    "int_from_float": ("is not a whole number", "write a number without a fraction"),
    "float_type": ("is not a number", "write a number without quotes, as in 0.5"),
    "bool_type": ("is neither true nor false", "write true or false, without quotes"),
    "string_type": ("is not text", 'put it in quotes, as in "…"'),
    "tuple_type": ("is not a list", 'write a list, as in ["a", "b"]'),
    "list_type": ("is not a list", 'write a list, as in ["a", "b"]'),
    "dict_type": ("is not a table", "write it as a section, or as { key = value }"),
    "model_type": ("is not a table", "write it as a section, or as { key = value }"),
}
_BOUNDS: Mapping[str, tuple[str, str]] = {
    "greater_than_equal": ("ge", "at least {}"),
    "greater_than": ("gt", "more than {}"),
    "less_than_equal": ("le", "at most {}"),
    "less_than": ("lt", "less than {}"),
}
_FORMS: Mapping[str, str] = {
    "name": "small letters, digits and hyphens, a letter first",
    "from": "module:function",
}


def faults_of(error: ValidationError, model: type[BaseModel], places: Places, within: Key = ()) -> list[KeepfitError]:
    """The faults that pydantic found in a table, with their places in the file and a remedy.

    Parameters
    ----------
    model : the class that was to be made
    within : the keys on the way to the table
    """
    found: list[KeepfitError] = []
    seen: set[Key] = set()
    for item in error.errors(include_url=False, include_context=True):
        local = tuple(str(part) for part in item["loc"])
        # A union reports one fault for each member it tried; the place without the member's name is said once.
        key = within + tuple(part for part in local if not _is_union_tag(part))
        if key in seen:
            continue
        seen.add(key)
        at = places.of(key)
        if item["type"] == "extra_forbidden":
            found.append(errors.UnknownKey(f"unknown key '{local[-1]}'", at=at, fix=_elsewhere(model, local, within)))
        elif item["type"] == "missing":
            found.append(errors.MissingKey(f"'{'.'.join(key)}' is missing", at=at, fix=f"add {local[-1]} = …"))
        else:
            message, fix = _what(item, key)
            found.append(errors.WrongValue(message, at=at, fix=fix))
    return found


def _is_union_tag(part: str) -> bool:
    return part in {"bool", "int", "str", "float"} or part.startswith(("function-", "constrained-", "tuple["))


def _elsewhere(model: Any, path: Key, within: Key) -> str:
    """The remedy for an unknown key: a near one in its table, or the section that has one of this name."""
    name = path[-1]
    sections = [section for section in _fields(model, ()) if name in _fields(model, (section,))]
    if sections and len(path) <= 2 and not within:
        return f"it belongs to [{sections[0]}]"
    return errors.near_match(name, _fields(model, path[:-1]))


def _fields(model: Any, path: Key) -> list[str]:
    """The keys of the table that a path leads to."""
    for part in path:
        fields = getattr(model, "model_fields", {})
        info = fields.get(part) or next((one for one in fields.values() if one.alias == part), None)
        annotation = info.annotation if info else None
        inner = [a for a in (annotation, *getattr(annotation, "__args__", ())) if isinstance(a, type) and issubclass(a, BaseModel)]
        if inner:
            model = inner[0]
        elif info is not None:
            return []
    return [field.alias or name for name, field in getattr(model, "model_fields", {}).items()]


def _what(item: Any, key: Key) -> tuple[str, str]:
    """What was found, and what was expected."""
    kind, given, context = item["type"], item.get("input"), item.get("ctx", {})
    shown = _shown(given)
    if kind in _TYPES:
        what, fix = _TYPES[kind]
        return f"{shown} {what}", fix
    if kind in _BOUNDS:
        name, form = _BOUNDS[kind]
        return f"{shown} is out of range", form.format(context[name])
    if kind == "literal_error":
        expected = [part.strip(" '") for part in str(context["expected"]).replace(" or ", ", ").split(",")]
        return f"{shown} is not one of its values", errors.near_match(str(given), expected)
    if kind in ("too_short", "string_too_short"):
        return f"{shown} is too short", f"at least {context['min_length']}"
    if kind == "string_pattern_mismatch":
        return f"{shown} is not of the form that is asked for", _FORMS.get(key[-1], f"it must match {context['pattern']}")
    message = str(item["msg"]).removeprefix("Value error, ")
    if "is not a duration" in message:
        return message, "write a number and a unit: 7d, 12h, 30m" + (", or 5000 rows" if key[-1] == "window" else "")
    if "is not a time zone" in message:
        return message, "as in Europe/Berlin, America/New_York, UTC"
    if isinstance(given, (str, int, float, bool)) and repr(given) not in message:
        message = f"{shown}: {message[0].lower()}{message[1:]}"
    return message, ""


def _shown(given: Any) -> str:
    """A value for a message: short, and never a URL, which may hold a password."""
    if isinstance(given, str):
        if "://" in given:
            return "the URL"
        return repr(given) if len(given) <= _SHOWN else repr(given[:_SHOWN] + "…")
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, Mapping):
        return "a table"
    if isinstance(given, Iterable):
        return "a list" if given else "an empty list"
    return str(given)
