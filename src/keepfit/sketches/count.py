"""Rows, and how many of them lack a value."""

from __future__ import annotations

from typing import ClassVar

from keepfit.sketch import State

__all__ = ["Count"]


class Count:
    """Exact."""

    name: ClassVar[str] = "count"
    version: ClassVar[int] = 1

    def of(self, rows: int, missing: int) -> State:
        return {"version": self.version, "rows": rows, "missing": missing}

    def merge(self, first: State, second: State) -> State:
        return self.of(first["rows"] + second["rows"], first["missing"] + second["missing"])
