"""Delta tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from keepfit import errors
from keepfit.source import DELTA_LOG, Address
from keepfit.sources.objects import answered
from keepfit.sources.reading import batched, collected, reason, unreadable

try:
    import deltalake.exceptions
except ImportError as missing:
    raise errors.ExtraNeeded("a Delta table needs deltalake", fix="pip install 'keepfit[delta]'") from missing

if TYPE_CHECKING:
    import polars as pl

__all__ = ["DeltaSource"]


class DeltaSource:
    """The newest version of a Delta table: a folder that holds a log, or `delta+s3://bucket/table` in an object store.

    Files that an older version needs and the newest does not are left alone: what was deleted is not read.
    """

    kind = "delta"

    def __init__(self, address: Address) -> None:
        self._address = address

    @property
    def files(self) -> tuple[Path, ...]:
        """The log's files, of which a version more is one more; none in an object store."""
        if "://" in self._address.url:
            return ()
        folder = self._address.folder / self._address.url / DELTA_LOG
        return tuple(sorted(path for path in folder.glob("*") if path.is_file()))

    def read(self) -> pl.DataFrame:
        with self._told() as scan:
            return collected(scan, self._address.url, self._address.at)

    def batches(self, rows: int) -> Iterator[pl.DataFrame]:
        with self._told() as scan:
            yield from batched(scan, rows, self._address.url, self._address.at)

    @contextmanager
    def _told(self) -> Iterator[pl.LazyFrame]:
        """The table as it is now, and clear errors while it is read."""
        import polars as pl  # the command line starts without it

        url, at = self._address.url, self._address.at
        scheme, is_remote, rest = url.partition("://")
        place = f"{scheme.removeprefix('delta+')}://{rest}" if is_remote else str(self._address.folder / url)
        try:
            with answered(self._address):
                with unreadable(url, at):
                    scan = pl.scan_delta(place)
                yield scan
        except deltalake.exceptions.TableNotFoundError as error:
            fix = "name the folder that holds _delta_log"
            raise errors.MissingSource(f"'{url}' is no Delta table", at=at, fix=fix) from error
        except deltalake.exceptions.DeltaError as error:
            fix = "read it with the library that wrote it; a feature that deltalake does not know can be switched off there"
            raise errors.UnreadableTable(f"'{url}' cannot be read as a Delta table: {reason(error)}", at=at, fix=fix) from error
