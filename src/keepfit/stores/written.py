"""Tables written to files while they come: whole or not at all."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keepfit import errors, files

if TYPE_CHECKING:
    import polars as pl

__all__ = ["check_ending", "write_file"]

#: How a file of each ending is written. Of numbers, zstd at its first level leaves hardly more than at its third, in less time.
_PARQUET: tuple[str, dict[str, Any]] = ("sink_parquet", {"compression": "zstd", "compression_level": 1})
_SINKS: dict[str, tuple[str, dict[str, Any]]] = {".csv": ("sink_csv", {}), ".parquet": _PARQUET, ".pq": _PARQUET}
#: What the operating system refuses, behind the library's own words for it.
_REFUSALS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)


def check_ending(path: Path, *, at: str) -> None:
    """Refuse a file whose ending says neither csv nor Parquet.

    Raises
    ------
    BadArgument
        It does not.
    """
    if path.suffix.lower() not in _SINKS:
        raise errors.BadArgument(f"'{path.name}' is neither .csv nor .parquet", at=at, fix="name a file that ends in one of these")


def write_file(batches: Iterator[pl.DataFrame], path: Path) -> None:
    """Write batches of one schema, of which the first may be empty, to a csv or Parquet file in bounded memory."""
    from polars.io.plugins import register_io_source  # the command line starts without it

    first = next(batches)
    raised: list[BaseException] = []

    def each() -> Iterator[pl.DataFrame]:
        yield first
        try:
            yield from batches
        except BaseException as error:
            raised.append(error)  # which Polars hides in an error of its own
            raise

    stream = register_io_source(lambda *_: each(), schema=first.schema, is_pure=True)
    try:
        files.write_whole(path, lambda beside: _sink(stream, *_SINKS[path.suffix.lower()], beside))
    except Exception as error:
        if raised and error is not raised[0]:
            raise raised[0] from None
        raise


def _sink(stream: pl.LazyFrame, writer: str, options: dict[str, Any], path: Path) -> None:
    import polars as pl  # the command line starts without it

    try:
        getattr(stream, writer)(path, **options)
    except (pl.exceptions.PolarsError, OSError) as error:
        for code in _REFUSALS:
            if f"(os error {code})" in str(error):
                raise OSError(code, str(error)) from error
        raise
