"""A Parquet file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from keepfit.sources.file import read_file

if TYPE_CHECKING:
    import polars as pl

__all__ = ["ParquetSource"]


class ParquetSource:
    """One Parquet file."""

    kind = "parquet"

    def __init__(self, url: str, folder: Path) -> None:
        self._path = folder / url

    @property
    def files(self) -> tuple[Path, ...]:
        return (self._path,)

    def read(self) -> pl.DataFrame:
        import polars as pl  # the command line starts without it

        return read_file(self._path, lambda path: pl.read_parquet(path, glob=False))
