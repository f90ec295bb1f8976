"""TOML as text: keys and values written so that they read back as they were, whatever a column is called."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["dotted", "key", "parts", "value"]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SHORT = {"\b": r"\b", "\t": r"\t", "\n": r"\n", "\f": r"\f", "\r": r"\r", '"': r"\"", "\\": r"\\"}


def key(name: str) -> str:
    """A key, in quotes where it needs them.

    >>> key("arr_delay"), key("arr delay"), key("a.b")
    ('arr_delay', '"arr delay"', '"a.b"')
    """
    return name if _BARE.fullmatch(name) else _text(name)


def dotted(path: Sequence[str]) -> str:
    """The keys on the way to a value, joined by dots."""
    return ".".join(map(key, path))


def parts(text: str) -> tuple[str, ...]:
    """The keys that a dotted text joins.

    >>> parts('columns."a b".ignore')
    ('columns', 'a b', 'ignore')

    Raises
    ------
    ValueError
        It is no dotted key.
    """
    try:
        found: Any = tomllib.loads(f"{text} = 0") if "\n" not in text else {}
    except tomllib.TOMLDecodeError:
        found = {}
    keys: list[str] = []
    while isinstance(found, dict) and len(found) == 1:
        [(name, found)] = found.items()
        keys.append(name)
    if found != 0 or not keys:
        raise ValueError(f"'{text}' is not a key, with dots between its parts")
    return tuple(keys)


def value(item: Any) -> str:
    """A value on one line: text, a number, a truth value, a list, or an inline table.

    >>> value({"known": "later", "share": [1, 2.5, True]})
    '{ known = "later", share = [1, 2.5, true] }'
    """
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, str):
        return _text(item)
    if isinstance(item, int):
        return str(item)
    if isinstance(item, float):
        return repr(item) if math.isfinite(item) else str(item)
    if isinstance(item, Mapping):
        return "{ " + ", ".join(f"{key(name)} = {value(one)}" for name, one in item.items()) + " }" if item else "{}"
    if isinstance(item, Sequence):
        return "[" + ", ".join(map(value, item)) + "]"
    raise TypeError(f"{type(item).__name__} has no form in TOML")


def _text(text: str) -> str:
    return '"' + "".join(map(_character, text)) + '"'


def _character(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    return f"\\u{ord(character):04X}" if ord(character) < 32 or ord(character) == 127 else character
