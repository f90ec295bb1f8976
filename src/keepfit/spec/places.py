"""Where in a TOML file a key stands: the parser of the standard library does not say."""

from __future__ import annotations

import re

__all__ = ["lines_of"]

_TABLE = re.compile(r"\s*\[+\s*([^\]]+?)\s*\]+\s*(#.*)?$")
_KEY = re.compile(r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))


def lines_of(text: str) -> dict[tuple[str, ...], int]:
    """The line of every table and key of a TOML text, counted from 1; of inline tables their first line.

    >>> lines_of('[problem]\\nname = "x"')
    {('problem',): 1, ('problem', 'name'): 2}
    """
    found: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if match := _TABLE.match(line):
            table = _parts(match[1])
            found.setdefault(table, number)
        elif match := _KEY.match(line):
            key = table + _parts(match[1])
            found.setdefault(key, number)
            for inner in re.findall(r"[{,]\s*([A-Za-z0-9_-]+)\s*=", line[match.end() :]):
                found.setdefault((*key, inner), number)
    return found
