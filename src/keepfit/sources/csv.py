"""Files of text: values between commas, semicolons or tabs."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from keepfit import errors
from keepfit.source import Address
from keepfit.sources import objects
from keepfit.sources.files import files_of, is_remote
from keepfit.sources.reading import batched, collected, empty, reason, unreadable

if TYPE_CHECKING:
    import polars as pl

__all__ = ["CsvSource"]

#: Lines that are looked through for the one at fault.
_LOOKED_THROUGH = 5_000_000
#: How texts begin that are not UTF-8 and say so.
_OTHER_TEXT = (b"\xff\xfe", b"\xfe\xff")


class CsvSource:
    """One file with a header line in UTF-8, all below a folder, or all that fit a pattern.

    The header line shows whether commas, semicolons or tabs stand between the values. Types follow from all rows of
    all files; times stay text here. Lines without a value are no rows.
    """

    kind = "csv"

    def __init__(self, address: Address) -> None:
        self._address = address

    @property
    def files(self) -> tuple[Path, ...]:
        return () if is_remote(self._address) else files_of(self._address, self.kind)

    def read(self) -> pl.DataFrame:
        with objects.answered(self._address), self._explained():
            return collected(self._scan(), self._address.url, self._address.at)

    def batches(self, rows: int) -> Iterator[pl.DataFrame]:
        with objects.answered(self._address), self._explained():
            yield from batched(self._scan(), rows, self._address.url, self._address.at)

    def _scan(self) -> pl.LazyFrame:
        import polars as pl  # the command line starts without it

        if is_remote(self._address):
            with unreadable(self._address.url, self._address.at):
                line = objects.first_line(self._address)
            found: list[str] | list[Path] = [self._address.url]
            separator, names = _separator(line), _names(line)
        else:
            found = list(self.files)
            separator, names = _header(self.files, self._address.at)
        scan = pl.scan_csv(
            found,
            separator=separator,
            infer_schema_length=None,
            infer_schema_files=len(found),
            null_values=list(self._address.missing) or None,
            missing_columns="insert",
            glob=is_remote(self._address),
            storage_options=objects.options(self._address),
        )
        scan = scan.rename({_as_polars_reads(name): name for name in names if '"' in name}, strict=False)
        return scan.filter(~pl.all_horizontal(pl.all().is_null())) if len(names) > 1 else scan

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Name the line at fault, where there is one: Polars names none."""
        import polars as pl  # the command line starts without it

        try:
            yield
        except errors.UnreadableTable as error:
            if isinstance(error.__cause__, pl.exceptions.PolarsError):
                self._explain(error)
            raise

    def _explain(self, error: errors.UnreadableTable) -> None:
        for path in self.files:
            if found := _fault(path, _separator(_first_line(path))):
                line, what = found
                at = f"{self._address.at}: {path.name}: line {line}"
                fix = 'a value that holds a separator, a quote or a line break stands in quotes, its own quotes doubled: "say ""so"""'
                raise errors.UnreadableTable(f"'{path.name}' cannot be read as a table: {what}", at=at, fix=fix) from error


def _as_polars_reads(name: str) -> str:
    """Polars leaves the doubled quotes of a header as they are."""
    return name.replace('"', '""')


def _first_line(path: Path) -> str:
    with path.open("rb") as file:
        return file.readline(1 << 20).decode("utf-8-sig", errors="replace").rstrip("\r\n")


def _separator(header: str) -> str:
    """What stands between the names of a header line.

    >>> _separator('when;"amount, net";bad')
    ';'
    """
    outside = "".join(header.split('"')[::2])
    return max(",;\t", key=outside.count)


def _names(header: str) -> list[str]:
    return next(csv.reader([header], delimiter=_separator(header)), [])


def _header(files: Sequence[Path], at: str) -> tuple[str, list[str]]:
    """The separator of all files and the columns that they have together.

    Raises
    ------
    UnreadableTable
        The files do not go together, two columns have one name, or the text is not UTF-8.
    """
    separators: dict[str, Path] = {}
    known: dict[str, Path] = {}
    for path in files:
        with path.open("rb") as file:
            begin = file.read(2)
        if not begin:
            raise empty(path.name, at)
        if begin in _OTHER_TEXT:
            raise errors.UnreadableTable(f"'{path.name}' is not UTF-8 text", at=at, fix="save it as UTF-8")
        line = _first_line(path)
        separators.setdefault(_separator(line), path)
        names = _names(line)
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            raise errors.UnreadableTable(
                f"'{path.name}' has several columns named '{twice[0]}'", at=at, fix="give each column its own name"
            )
        gone = [name for name in known if name not in names]
        if gone:
            message = f"'{path.name}' lacks the column '{gone[0]}' that '{known[gone[0]].name}' has"
            raise errors.UnreadableTable(message, at=at, fix="write the column into every later file, empty where it is not known")
        known |= {name: path for name in names if name not in known}
    if len(separators) > 1:
        one, other = [path.name for path in separators.values()][:2]
        raise errors.UnreadableTable(f"'{one}' and '{other}' have different separators", at=at, fix="write all files with the same one")
    return next(iter(separators)), list(known)


def _fault(path: Path, separator: str) -> tuple[int, str] | None:
    """The first line that is no row, and what is wrong with it."""
    with path.open("rb") as file:
        for number, line in enumerate(islice(file, _LOOKED_THROUGH), 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                return number, "the text is not UTF-8"
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(islice(file, _LOOKED_THROUGH), delimiter=separator, strict=True)
        try:
            width = len(next(reader))
            for row in reader:
                if len(row) > width:
                    return reader.line_num, f"{len(row)} values in a line, and {width} columns in the header"
        except csv.Error as error:
            return reader.line_num, f"broken quoting, {reason(error)}"
    return None
