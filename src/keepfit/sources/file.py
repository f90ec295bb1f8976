"""What sources that are files share: clear errors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from keepfit import errors

if TYPE_CHECKING:
    import polars as pl

__all__ = ["read_file"]


def read_file(path: Path, read: Callable[[Path], pl.DataFrame]) -> pl.DataFrame:
    """Read a table from a file, or say why that cannot be done."""
    import polars as pl  # the command line starts without it

    at = f"keepfit.toml: data.source: {path.name}"
    if not path.exists():
        raise errors.MissingSource(f"'{path.name}' is not there", at=at, fix=f"put the file at {path}, or mend data.source")
    empty = errors.EmptyTable(f"'{path.name}' holds no row", at=at, fix="write a table with a header and rows into it")
    if path.is_file() and path.stat().st_size == 0:
        raise empty
    try:
        frame = read(path)
    except pl.exceptions.NoDataError:
        raise empty from None
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).splitlines()[0][:200]
        raise errors.UnreadableTable(
            f"'{path.name}' cannot be read as a table: {reason}", at=at, fix="check the file's form and its rights"
        ) from error
    if frame.height == 0:
        raise empty
    return frame
