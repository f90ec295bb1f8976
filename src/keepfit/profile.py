"""A profile: what a table's columns look like, in counts. Of a snapshot it is the reference, of a window the current one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from keepfit.column import Kinds
from keepfit.schema import Column

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Profile", "profile"]


@dataclass(frozen=True, slots=True)
class Profile:
    """Column -> the sketch that its kind made."""

    record: ClassVar[str] = "profile"
    version: ClassVar[int] = 1

    rows: int
    columns: Mapping[str, Mapping[str, Any]]


def profile(frame: pl.DataFrame, columns: list[Column], kinds: Kinds, *, like: Profile | None = None) -> Profile:
    """Count a table's columns; with `like`, on the bins of that profile."""
    sketches: dict[str, Mapping[str, Any]] = {}
    for column in columns:
        reference = like.columns.get(column.name) if like else None
        if column.name in frame.columns and (like is None or reference is not None):
            sketches[column.name] = kinds[column.kind].sketch(frame[column.name], dict(reference) if reference else None)
    return Profile(frame.height, sketches)
