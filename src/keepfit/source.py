"""A source: brings a table as it is now."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    import polars as pl

__all__ = ["DATABASES", "DELTA_LOG", "ENDINGS", "Address", "Database", "Source", "There", "from_here", "kind_of"]

_FUNCTION = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*")
_PATTERN = re.compile(r"[*?\[]")
#: What a file's name ends in, and the kind of source that reads it.
ENDINGS = {".csv": "csv", ".tsv": "csv", ".parquet": "parquet", ".pq": "parquet"}
#: The folder that makes one a Delta table, and how the URL of one in an object store begins.
DELTA_LOG, _DELTA = "_delta_log", "delta+"
#: How a URL begins, and the kind of source that reads it; of object stores the ending says it.
_SCHEMES = {"postgres": "postgresql", "postgresql": "postgresql", "sqlite": "sqlite"}
#: What happens to a table that is there: nothing, and an error; or the new rows join those of before; or take their place.
There: TypeAlias = Literal["refuse", "append", "replace"]
#: The kinds that are asked for a table or a query.
DATABASES = frozenset(_SCHEMES.values())


@dataclass(frozen=True, slots=True)
class Address:
    """Where a table is, and how it is to be read.

    Parameters
    ----------
    url : a path (relative ones start at `folder`, the project's), a URL, or `module:function`, with every `${NAME}` replaced
    at : where that is written, for messages
    table, query : which table of a database, or what to ask it; one of the two
    missing : texts that stand for no value in files of text
    """

    url: str
    folder: Path
    at: str = "data.source"
    table: str | None = None
    query: str | None = None
    missing: tuple[str, ...] = ()


class Source(Protocol):
    """A place that a table is read from. `keepfit.testing.source` tests one.

    Making a source reads nothing, so that a project file is checked without its data.
    """

    kind: str

    def __init__(self, address: Address) -> None: ...

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that the table is made of, in order: unchanged files are an unchanged table. None where it comes from elsewhere."""
        ...

    def read(self) -> pl.DataFrame:
        """The whole table, which has a row at least.

        Raises
        ------
        MissingSource, UnreadableTable, EmptyTable, SourceUnreachable, SourceBroke
            It is not there, no table, without a row, does not answer, or broke off.
        """
        ...

    def batches(self, rows: int) -> Iterator[pl.DataFrame]:
        """The rows of `read` in order, so many at a time in bounded memory; at least one batch, empty where there is no row."""
        ...


class Database(Source, Protocol):
    """A source in a database, to which rows can be written too."""

    def write(self, batches: Iterator[pl.DataFrame], there: There) -> None:
        """Write batches of one schema into the address's table, in one transaction: all of them are there, or none.

        Raises
        ------
        SourceUnreachable, RowsRefused
            The database does not answer; or it does not take the rows, as where the table is there and must not be.
        """
        ...


def from_here(text: str) -> str:
    """An address as a person writes it: a path begins where the person stands, not in the project's folder.

    >>> from_here("rows:today"), from_here("sqlite:///x.db")
    ('rows:today', 'sqlite:///x.db')
    """
    is_path = "://" not in text and (not _FUNCTION.fullmatch(text) or Path(text).exists())
    return str(Path(text).absolute()) if is_path else text


def kind_of(address: Address) -> str | None:
    """The kind of source that reads an address; None when nothing tells it.

    >>> here = Path("/nowhere")
    >>> [kind_of(Address(url, here)) for url in ("a.csv", "days/*.parquet", "postgresql://db/x", "rows:today", "s3://b/a.parquet", "a.xls")]
    ['csv', 'parquet', 'postgresql', 'function', 'parquet', None]
    >>> kind_of(Address("delta+s3://bucket/rows", here))
    'delta'
    """
    scheme, is_url, rest = address.url.partition("://")
    if is_url and scheme in _SCHEMES:
        return _SCHEMES[scheme]
    if is_url and scheme.startswith(_DELTA):
        return "delta"
    if is_url:
        return ENDINGS.get(_ending(rest))
    if _FUNCTION.fullmatch(address.url):
        return "function"
    path = address.folder / address.url
    if (path / DELTA_LOG).is_dir():
        return "delta"
    if path.is_dir():
        return _of_folder(path)
    return ENDINGS.get(_ending(address.url))


def is_pattern(path: Path) -> bool:
    """Whether a path stands for several: a name that is there is a name, whatever characters it holds."""
    return _PATTERN.search(str(path)) is not None and not path.exists()


def tables_below(folder: Path) -> Iterator[str]:
    """The paths of csv and Parquet files in a folder and below, in no order.

    Names that begin with a dot or an underscore are for the programs that wrote them.
    """
    waiting = [str(folder)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.name.startswith((".", "_")):
                    continue
                if entry.is_dir():
                    waiting.append(entry.path)
                elif _ending(entry.name) in ENDINGS:
                    yield entry.path


def _ending(text: str) -> str:
    return text[text.rfind(".") :].lower() if "." in text else ""


def _of_folder(folder: Path) -> str | None:
    return next((ENDINGS[_ending(path)] for path in tables_below(folder)), None)
