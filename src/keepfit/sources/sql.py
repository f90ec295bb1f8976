"""What sources in databases share: one statement, whose rows come as Arrow batches through ADBC."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from keepfit import errors
from keepfit.source import Address, There
from keepfit.sources.reading import empty, reason

if TYPE_CHECKING:
    import polars as pl

try:
    import adbc_driver_manager
except ImportError as missing:
    raise errors.ExtraNeeded("a source in a database needs ADBC", fix="pip install 'keepfit[sql]'") from missing

__all__ = ["Database", "batches", "read", "statement", "write"]

#: The bytes of a UUID, and how its hexadecimal digits are grouped: the first of each group, and how many.
_UUID = 16
_GROUPS = ((0, 8), (8, 4), (12, 4), (16, 4), (20, 12))


@dataclass(frozen=True, slots=True)
class Database:
    """A kind of database: how it is entered, whether over a network that may fail, and options of its statements."""

    connect: Callable[[Address], Any]
    connect_to_write: Callable[[Address], Any]
    #: The form in which it holds the values of a table.
    form: Callable[[pl.DataFrame], pl.DataFrame]
    remote: bool = True
    options: Mapping[str, str] = field(default_factory=dict)


def statement(address: Address) -> str:
    """The query, or the one that asks for a whole table; `schema.table` names a table in a schema."""
    if address.query is not None:
        return address.query.strip().rstrip(";")
    quoted = ".".join('"' + part.replace('"', '""') + '"' for part in parts_of(str(address.table)))
    return " ".join(("SELECT * FROM", quoted))


def parts_of(table: str) -> list[str]:
    """The schema and the name of a table."""
    schema, dot, name = table.partition(".")
    return [schema, name] if dot else [schema]


def read(address: Address, database: Database) -> pl.DataFrame:
    """All rows of the statement."""
    with _answered(address, database) as scan:
        frame = _plain(scan.collect())
    if frame.height == 0:
        raise empty(_name(address), address.at)
    return frame


def batches(address: Address, database: Database, rows: int) -> Iterator[pl.DataFrame]:
    """The rows of the statement, so many at a time."""
    with _answered(address, database) as scan:
        types = scan.collect_schema()
        some = False
        for batch in scan.collect_batches(chunk_size=rows, maintain_order=True):
            if batch.height:
                some = True
                yield _plain(batch)
        if not some:
            import polars as pl  # the command line starts without it

            yield _plain(pl.DataFrame(schema=types))


@contextmanager
def _answered(address: Address, database: Database) -> Iterator[pl.LazyFrame]:
    """The statement's rows as a table that is read while it comes in."""
    import polars as pl  # the command line starts without it

    name = _name(address)
    with _entered(address, database.connect) as connection, closing(connection.cursor()) as cursor:
        try:
            cursor.adbc_statement.set_options(**database.options)
            cursor.execute(statement(address))
            scan = pl.scan_arrow_c_stream(cursor.fetch_arrow())
            yield scan
        except adbc_driver_manager.ProgrammingError as error:
            fix = "try the query in the database's own shell"
            raise errors.UnreadableTable(f"the database refuses '{name}': {reason(error)}", at=address.at, fix=fix) from error
        except (adbc_driver_manager.Error, pl.exceptions.PolarsError) as error:
            fix = "run this again: nothing was taken; if it breaks off at the same place, try the query in the database's own shell"
            if not database.remote:
                raise errors.UnreadableTable(f"'{name}' cannot be read as a table: {reason(error)}", at=address.at, fix=fix) from error
            raise errors.SourceBroke(f"'{name}' broke off while it was read: {reason(error)}", at=address.at, fix=fix) from error
        except BaseException as error:
            if type(error).__name__ == "PanicException":  # how Polars refuses Arrow types that it does not know, such as intervals
                fix = "leave columns of such a type out by a query, or cast them there"
                message = f"'{name}' has a column of a type that cannot be read"
                raise errors.UnreadableTable(message, at=address.at, fix=fix) from error
            raise


def write(address: Address, database: Database, batches: Iterator[pl.DataFrame], there: There) -> None:
    """Write batches into the address's table, in one transaction."""
    place = parts_of(str(address.table))
    options = {"db_schema_name": place[0]} if len(place) == 2 else {}
    mode: str = {"refuse": "create", "append": "create_append", "replace": "replace"}[there]
    with _entered(address, database.connect_to_write) as connection, closing(connection.cursor()) as cursor:
        for batch in batches:
            try:
                cursor.adbc_ingest(place[-1], database.form(batch).rechunk(), mode=mode, **options)
            except adbc_driver_manager.Error as error:
                raise _refused(error, address, there) from error
            mode = "append"
        try:
            connection.commit()
        except adbc_driver_manager.Error as error:
            raise _refused(error, address, there) from error


def _refused(error: Exception, address: Address, there: There) -> errors.KeepfitError:
    name = address.table
    if there == "refuse" and "already exists" in str(error):
        fix = "add --append to put the rows beside those of before, or --replace to put them in their place"
        return errors.BadArgument(f"the table '{name}' is there already", at=address.at, fix=fix)
    fix = "nothing was written: see that the table has columns for what is written, and that the user may write"
    return errors.RowsRefused(f"'{name}' does not take the rows: {reason(error)}", at=address.at, fix=fix)


@contextmanager
def _entered(address: Address, connect: Callable[[Address], Any]) -> Iterator[Any]:
    try:
        connection = connect(address)
    except adbc_driver_manager.Error as error:
        fix = "see that the database runs, that the URL names it, and that the user may enter"
        raise errors.SourceUnreachable(f"the database does not answer: {reason(error)}", at=address.at, fix=fix) from error
    with closing(connection):
        yield connection


def _name(address: Address) -> str:
    return address.table or "the query"


def _plain(frame: pl.DataFrame) -> pl.DataFrame:
    """Numbers of any precision as floats, and what else a database sends in a form of its own as text."""
    import polars as pl  # the command line starts without it

    for name, dtype in frame.schema.items():
        values = frame[name]
        if isinstance(dtype, pl.BaseExtension):
            values = values.ext.storage()
            values = values.cast(pl.Float64) if "numeric" in (dtype.ext_metadata() or "") else values
        elif dtype == pl.Binary and values.bin.size().drop_nulls().eq(_UUID).all():
            digits = values.bin.encode("hex").str
            values = pl.select(pl.concat_str([digits.slice(begin, length) for begin, length in _GROUPS], separator="-")).to_series()
        elif dtype == pl.Time:
            values = values.cast(pl.String)
        frame = frame.with_columns(values.alias(name))
    return frame
