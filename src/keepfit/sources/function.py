"""A function of the owner's that gives a table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keepfit import errors, plugin
from keepfit.source import Address
from keepfit.sources.reading import empty, reason

if TYPE_CHECKING:
    import polars as pl

__all__ = ["FunctionSource"]


class FunctionSource:
    """`module:function`, looked for in the project's folder: called without arguments, it gives a table.

    A table is a Polars frame, or whatever hands its columns over by the Arrow interface: a table of pyarrow, DuckDB or
    pandas.
    """

    kind = "function"
    files: tuple[Path, ...] = ()

    def __init__(self, address: Address) -> None:
        self._address = address

    def read(self) -> pl.DataFrame:
        frame = self._frame()
        if frame.height == 0:
            raise empty(self._address.url, self._address.at)
        return frame

    def batches(self, rows: int) -> Iterator[pl.DataFrame]:
        frame = self._frame()
        yield from frame.iter_slices(rows) if frame.height else [frame]

    def _frame(self) -> pl.DataFrame:
        url, at = self._address.url, self._address.at
        function = plugin.find("sources", url, at=at, folder=self._address.folder)
        if not callable(function):
            raise errors.BadSource(f"'{url}' is no function", at=at, fix="name a function that takes nothing and gives a table")
        try:
            given = function()
        except errors.KeepfitError:
            raise
        except Exception as error:
            where = _line(error)
            raise errors.BadSource(f"'{url}' raised {type(error).__name__}{where}", at=at, fix="mend the function") from error
        return _as_frame(given, url, at)


def _as_frame(given: Any, url: str, at: str) -> pl.DataFrame:
    import polars as pl  # the command line starts without it

    if isinstance(given, pl.LazyFrame):
        given = given.collect()
    if isinstance(given, pl.DataFrame):
        return given
    if isinstance(given, pl.Series) or not hasattr(given, "__arrow_c_stream__"):
        fix = "give a Polars frame, or a table of pyarrow, DuckDB or pandas"
        raise errors.BadSource(f"'{url}' gave {type(given).__name__}, which is no table", at=at, fix=fix)
    try:
        return pl.DataFrame(given)
    except ImportError as error:
        fix = "pip install pyarrow, or give a Polars frame"
        raise errors.ExtraNeeded(f"the table that '{url}' gave needs pyarrow to be read", at=at, fix=fix) from error
    except (pl.exceptions.PolarsError, TypeError, ValueError) as error:
        raise errors.BadSource(f"'{url}' gave a table that cannot be read: {reason(error)}", at=at, fix="give a Polars frame") from error


def _line(error: BaseException) -> str:
    """Where in the owner's code it was raised: the innermost line."""
    found = ""
    trace = error.__traceback__
    while trace is not None:
        found = f" in {Path(trace.tb_frame.f_code.co_filename).name}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return found
