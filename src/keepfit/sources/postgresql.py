"""A table or a query of a PostgreSQL database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keepfit import errors
from keepfit.source import Address, There
from keepfit.sources import sql

try:
    import adbc_driver_postgresql.dbapi as driver
except ImportError as missing:
    raise errors.ExtraNeeded("a source in PostgreSQL needs its ADBC driver", fix="pip install 'keepfit[sql]'") from missing

if TYPE_CHECKING:
    import polars as pl

__all__ = ["PostgresSource"]

#: Seconds to wait for a server that does not answer.
_PATIENCE = 15


class PostgresSource:
    """Rows of one statement, read in one transaction that may not write: all of them as they are at one moment."""

    kind = "postgresql"
    files: tuple[Path, ...] = ()

    def __init__(self, address: Address) -> None:
        self._address = address

    def read(self) -> pl.DataFrame:
        return sql.read(self._address, _POSTGRES)

    def batches(self, rows: int) -> Iterator[pl.DataFrame]:
        return sql.batches(self._address, _POSTGRES, rows)

    def write(self, batches: Iterator[pl.DataFrame], there: There) -> None:
        sql.write(self._address, _POSTGRES, batches, there)


def _connect(address: Address) -> Any:
    connection = _connect_to_write(address)
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")
    return connection


def _connect_to_write(address: Address) -> Any:
    url = address.url
    if "connect_timeout" not in url:
        url += f"{'&' if '?' in url else '?'}connect_timeout={_PATIENCE}"
    return driver.connect(url)


_POSTGRES = sql.Database(_connect, _connect_to_write, lambda frame: frame)
