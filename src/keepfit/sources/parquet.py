"""Parquet files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from keepfit import errors
from keepfit.source import Address, is_pattern
from keepfit.sources import objects
from keepfit.sources.files import files_of, is_remote
from keepfit.sources.reading import batched, collected, empty, unreadable

if TYPE_CHECKING:
    import polars as pl

__all__ = ["ParquetSource"]


class ParquetSource:
    """One Parquet file, all below a folder, or all that fit a pattern; folders named `column=value` are columns."""

    kind = "parquet"

    def __init__(self, address: Address) -> None:
        self._address = address

    @property
    def files(self) -> tuple[Path, ...]:
        return () if is_remote(self._address) else files_of(self._address, self.kind)

    def read(self) -> pl.DataFrame:
        with objects.answered(self._address):
            return collected(self._scan(), self._address.url, self._address.at)

    def batches(self, rows: int) -> Iterator[pl.DataFrame]:
        with objects.answered(self._address):
            yield from batched(self._scan(), rows, self._address.url, self._address.at)

    def _scan(self) -> pl.LazyFrame:
        import polars as pl  # the command line starts without it

        at = self._address.at
        if is_remote(self._address):
            return objects.scan_parquet(self._address)
        files = self.files
        schemas = [_schema(path, at) for path in files]
        partitioned = _partitioned(self._address, files)
        if all(schema == schemas[0] for schema in schemas):
            return pl.scan_parquet(list(files), glob=False, hive_partitioning=partitioned)
        whole = _together(files, schemas, at)
        scans = [pl.scan_parquet(path, glob=False, hive_partitioning=partitioned) for path in files]
        return pl.concat([_brought_to(scan, schema, whole) for scan, schema in zip(scans, schemas, strict=True)], how="diagonal")


def _partitioned(address: Address, files: Sequence[Path]) -> bool:
    """Whether folders below the one that the address names are called `column=value`."""
    root = address.folder / address.url
    while is_pattern(root):
        root = root.parent
    return root.is_dir() and any("=" in part for path in files for part in path.relative_to(root).parts[:-1])


def _schema(path: Path, at: str) -> Mapping[str, pl.DataType]:
    import polars as pl  # the command line starts without it

    if path.stat().st_size == 0:
        raise empty(path.name, at)
    with unreadable(path.name, at):
        return pl.read_parquet_schema(path)


def _together(files: Sequence[Path], schemas: Sequence[Mapping[str, pl.DataType]], at: str) -> Mapping[str, pl.DataType]:
    """The types of all files' columns together: a later file may bring a column and may not lose one.

    Raises
    ------
    UnreadableTable
        A column is gone from a later file, or holds another kind of value there.
    """
    whole: dict[str, pl.DataType] = {}
    first: dict[str, Path] = {}
    for path, schema in zip(files, schemas, strict=True):
        gone = [name for name in whole if name not in schema]
        if gone:
            message = f"'{path.name}' lacks the column '{gone[0]}' that '{first[gone[0]].name}' has"
            raise errors.UnreadableTable(message, at=at, fix="write the column into every later file, empty where it is not known")
        for name, dtype in schema.items():
            joined = _joined(whole.get(name), dtype)
            if joined is None:
                message = f"the column '{name}' holds {whole[name]} in '{first[name].name}' and {dtype} in '{path.name}'"
                raise errors.UnreadableTable(message, at=at, fix="write it with one type into every file")
            whole[name] = joined
            first.setdefault(name, path)
    return whole


def _joined(one: pl.DataType | None, other: pl.DataType) -> pl.DataType | None:
    """The type that holds the values of both, where they are of one kind."""
    import polars as pl  # the command line starts without it

    if one is None or one == other or one == pl.Null:
        return other
    if other == pl.Null:
        return one
    both_numbers = one.is_numeric() and other.is_numeric()
    both_times = one.is_temporal() and other.is_temporal()
    if not both_numbers and not both_times:
        return None
    try:
        columns = [pl.DataFrame(schema={"c": dtype}) for dtype in (one, other)]
        return pl.concat(columns, how="vertical_relaxed").schema["c"]
    except pl.exceptions.PolarsError:
        return None


def _brought_to(scan: pl.LazyFrame, schema: Mapping[str, pl.DataType], whole: Mapping[str, pl.DataType]) -> pl.LazyFrame:
    import polars as pl  # the command line starts without it

    casts = [pl.col(name).cast(dtype) for name, dtype in whole.items() if name in schema and schema[name] != dtype]
    absent = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in whole.items() if name not in schema]
    return scan.with_columns(*casts, *absent)
