"""Where each setting stands: a line of a file (which the standard library's parser does not say), a variable, an option."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from keepfit.spec import toml

__all__ = ["FILE", "Key", "Places", "lines_of"]

FILE = "keepfit.toml"
#: The keys on the way to a value.
Key: TypeAlias = tuple[str, ...]

_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")
_STRING = re.compile(r'''"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?'{3,5}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*\'''', re.S)
_SCALAR = re.compile(r"[^\s,\]}#]+(?: \d[^\s,\]}#]*)?")


@dataclass(frozen=True, slots=True)
class Places:
    """Where each key's value came from: a line of a file, a variable, an option."""

    found: Mapping[Key, str] = field(default_factory=dict)

    def of(self, key: Key) -> str:
        """The place of a key, or of the nearest table around it."""
        for end in range(len(key), 0, -1):
            if place := self.found.get(key[:end]):
                return f"{place}: {toml.dotted(key)}"
        return f"{FILE}: {toml.dotted(key)}"

    def origin(self, key: Key) -> str:
        """Where a value stands, `default` where nobody set it."""
        return self.found.get(key, "default")


def lines_of(text: str) -> dict[Key, int]:
    """The line of every table, key and element of a valid TOML text, counted from 1; elements by their number from 0.

    >>> lines_of('[problem]\\nname = "x"\\nkey = ["a",\\n  "b"]')[("problem", "key", "1")]
    4
    """
    scan = _Scan(text)
    table: Key = ()
    while scan.skip():
        if scan.takes("["):
            many = scan.takes("[")
            line = scan.line
            table = scan.key()
            scan.takes("]")
            if many:
                scan.takes("]")
                number = scan.counted.get(table, 0)
                scan.counted[table] = number + 1
                scan.found.setdefault(table, line)
                table = (*table, str(number))
            scan.found.setdefault(table, line)
        elif not scan.pair(table):
            break
    return scan.found


class _Scan:
    """A place in the text, and what was found before it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line = 1
        self.found: dict[Key, int] = {}
        self.counted: dict[Key, int] = {}

    def skip(self) -> bool:
        """Pass over space, ends of lines and comments; false at the end of the text."""
        self._past(_SPACE)
        return self.at < len(self.text)

    def takes(self, character: str) -> bool:
        self.skip()
        if not self.text.startswith(character, self.at):
            return False
        self.at += 1
        return True

    def key(self) -> Key:
        """A key with its dots."""
        parts = []
        while part := self._past(_KEY):
            parts.append(str(tomllib.loads(f"k = {part}")["k"]) if part[0] in "\"'" else part)
            if not self.takes("."):
                break
            self.skip()
        return tuple(parts)

    def pair(self, within: Key) -> bool:
        """A key with its value, and everything inside it; false where no key stands."""
        self.skip()
        line, name = self.line, self.key()
        if not name or not self.takes("="):
            return False
        for end in range(1, len(name) + 1):
            self.found.setdefault((*within, *name[:end]), line)
        self.value((*within, *name))
        return True

    def value(self, path: Key) -> None:
        self.skip()
        self.found.setdefault(path, self.line)
        if self.takes("["):
            self._elements(path)
        elif self.takes("{"):
            while not self.takes("}") and self.pair(path):
                self.takes(",")
        elif not self._past(_STRING):
            self._past(_SCALAR)

    def _elements(self, path: Key) -> None:
        number = 0
        while not self.takes("]") and self.at < len(self.text):
            before = self.at
            self.value((*path, str(number)))
            number += 1
            self.takes(",")
            if self.at == before:
                return

    def _past(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        if match is None:
            return ""
        self.at = match.end()
        self.line += match[0].count("\n")
        return match[0]
