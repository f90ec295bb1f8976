"""A source: brings a table as it is now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Source"]


class Source(Protocol):
    """A place that a table is read from."""

    kind: str

    def __init__(self, url: str, folder: Path) -> None:
        """`url` with every `${NAME}` replaced; relative paths start at `folder`, the project's."""
        ...

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that the table is made of, in order; none where it comes from elsewhere."""
        ...

    def read(self) -> pl.DataFrame:
        """The whole table.

        Raises
        ------
        MissingSource, UnreadableTable
            It is not there, or no table.
        """
        ...
