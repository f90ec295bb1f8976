"""A snapshot: an immutable version of a table, as a manifest of Parquet parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

__all__ = ["DAY_OF_ITS_OWN", "Part", "Snapshot", "part_of_day"]

#: Days with fewer rows are joined by month, once the month is over.
DAY_OF_ITS_OWN = 10_000


@dataclass(frozen=True, slots=True)
class Part:
    """One Parquet file: `name` says which rows it holds, `digest` which bytes.

    `private` is the digest of its sibling with the protected, subject and kept personal columns, row by
    row in the same order; None when there are none.
    """

    name: str
    digest: str
    rows: int
    private: str | None = None

    @property
    def file(self) -> str:
        return f"{self.name}.{self.digest[3:19]}.parquet"

    @property
    def private_file(self) -> str | None:
        return f"{self.name}.{self.private[3:19]}.private.parquet" if self.private else None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A table as it was: its schema's digest, its parts in order, how many rows have a known target.

    `origin` is the source as the project file names it, or `log` for the prediction log joined with its
    labels. Two takes of the same rows give the same manifest, so its digest names the data.
    """

    record: ClassVar[str] = "snapshot"
    version: ClassVar[int] = 1

    origin: str
    schema: str
    parts: tuple[Part, ...]
    rows: int
    known: int

    def new_since(self, older: Snapshot | None) -> list[Part]:
        """The parts that an older snapshot lacks."""
        had = {part.digest for part in older.parts} if older else set()
        return [part for part in self.parts if part.digest not in had]


def part_of_day(rows_by_day: Mapping[str, int], now: datetime) -> dict[str, str]:
    """The part in which each day's rows lie.

    Parameters
    ----------
    rows_by_day : day (`2013-02-01`) -> rows
    now : months that ended before it are over

    >>> part_of_day({"2013-01-01": 10, "2013-01-02": 20_000, "2013-02-01": 5}, datetime(2013, 2, 3))
    {'2013-01-01': '2013-01', '2013-01-02': '2013-01-02', '2013-02-01': '2013-02-01'}
    """
    current = f"{now:%Y-%m}"
    return {day: day if rows >= DAY_OF_ITS_OWN or day[:7] >= current else day[:7] for day, rows in rows_by_day.items()}


def ordered(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Parts in the order of a manifest: by name."""
    return tuple(sorted(parts, key=lambda part: part.name))
