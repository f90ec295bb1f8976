"""A table or a query of a SQLite file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from keepfit import errors
from keepfit.source import Address, There
from keepfit.sources import sql

try:
    import adbc_driver_sqlite.dbapi as driver
except ImportError as missing:
    raise errors.ExtraNeeded("a source in SQLite needs its ADBC driver", fix="pip install 'keepfit[sql]'") from missing

if TYPE_CHECKING:
    import polars as pl

__all__ = ["SqliteSource"]

#: SQLite gives each value a type of its own; a column's follows from so many rows, which come in one batch.
_TYPED_BY = 250_000


class SqliteSource:
    """Rows of one statement. `sqlite:///file.db` starts at the project's folder, `sqlite:////srv/file.db` at the root.

    SQLite has no type for times and truth values: times come as text, truth values as 0 and 1.
    """

    kind = "sqlite"

    def __init__(self, address: Address) -> None:
        self._address = address

    @property
    def files(self) -> tuple[Path, ...]:
        """The file, and beside it the changes that are not yet in it."""
        path = _path(self._address)
        return tuple(one for one in (path, path.with_name(f"{path.name}-wal")) if one.exists())

    def read(self) -> pl.DataFrame:
        return sql.read(self._address, _SQLITE)

    def batches(self, rows: int) -> Iterator[pl.DataFrame]:
        return sql.batches(self._address, _SQLITE, rows)

    def write(self, batches: Iterator[pl.DataFrame], there: There) -> None:
        sql.write(self._address, _SQLITE, batches, there)


def _path(address: Address) -> Path:
    return address.folder / address.url.removeprefix("sqlite://").removeprefix("/")


def _connect(address: Address) -> Any:
    path = _path(address)
    if not path.is_file():
        raise errors.MissingSource(f"'{path.name}' is not there", at=address.at, fix=f"put it at {path}, or mend the URL")
    return driver.connect(f"file:{quote(str(path))}?mode=ro")


def _connect_to_write(address: Address) -> Any:
    return driver.connect(f"file:{quote(str(_path(address)))}")


def _form(frame: pl.DataFrame) -> pl.DataFrame:
    """Times as text in ISO 8601, truth values as 0 and 1."""
    import polars as pl  # the command line starts without it
    import polars.selectors as cs

    return frame.with_columns(cs.temporal().dt.to_string("iso:strict"), cs.boolean().cast(pl.Int64))


_SQLITE = sql.Database(_connect, _connect_to_write, _form, False, {"adbc.sqlite.query.batch_rows": str(_TYPED_BY)})
