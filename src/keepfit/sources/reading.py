"""What sources share: tables from lazy ones, and clear errors that show no value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from keepfit import errors

if TYPE_CHECKING:
    import polars as pl

__all__ = ["batched", "collected", "empty", "reason", "unreadable"]

_QUOTED = re.compile(r"`[^`]*`", re.DOTALL)


def collected(scan: pl.LazyFrame, name: str, at: str) -> pl.DataFrame:
    """A lazy table's rows, of which there must be one."""
    with unreadable(name, at):
        frame = scan.collect()
    if frame.height == 0:
        raise empty(name, at)
    return frame


def batched(scan: pl.LazyFrame, rows: int, name: str, at: str) -> Iterator[pl.DataFrame]:
    """A lazy table's rows, so many at a time."""
    with unreadable(name, at):
        some = False
        for batch in scan.collect_batches(chunk_size=rows, maintain_order=True):
            if batch.height:
                some = True
                yield batch
        if not some:
            yield scan.head(0).collect()


@contextmanager
def unreadable(name: str, at: str) -> Iterator[None]:
    """Turn what goes wrong in reading a table into an error that says where."""
    import polars as pl  # the command line starts without it

    try:
        yield
    except pl.exceptions.NoDataError:
        raise empty(name, at) from None
    except (OSError, pl.exceptions.PolarsError) as error:
        fix = "check the form of what is read, and the rights to it"
        raise errors.UnreadableTable(f"'{name}' cannot be read as a table: {reason(error)}", at=at, fix=fix) from error


def empty(name: str, at: str) -> errors.EmptyTable:
    return errors.EmptyTable(f"'{name}' holds no row", at=at, fix="give it a header and rows")


def reason(error: BaseException) -> str:
    """The first line of a library's message, without what it quotes from the data.

    >>> reason(ValueError("could not parse `secret` as dtype"))
    'could not parse … as dtype'
    """
    return _QUOTED.sub("…", str(error)).strip().split("\n")[0][:200]
