"""Progress: how long work says what it is doing, to whoever shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

__all__ = ["Progress", "silent"]

#: Called with a short line about what begins now.
Progress: TypeAlias = Callable[[str], None]


def silent(line: str) -> None:
    """Show nothing."""
