"""Files in an object store: S3 and what speaks its language, Google Cloud Storage, Azure; credentials come from the environment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from keepfit import errors
from keepfit.source import Address
from keepfit.sources.files import is_remote
from keepfit.sources.reading import reason

if TYPE_CHECKING:
    import polars as pl

__all__ = ["answered", "first_line", "options", "scan_parquet"]

#: How often a request is tried again.
_RETRIES = 4
#: How Polars calls a pattern that no object fits.
_NO_OBJECT = re.compile(r"expanded paths were empty|no files found", re.IGNORECASE)
#: The characters that make a pattern of a name.
_PATTERN = re.compile(r"[*?\[]")


def options(address: Address) -> dict[str, Any] | None:
    """How Polars asks the store; None for files of this machine."""
    return {"max_retries": _RETRIES} if is_remote(address) else None


@contextmanager
def answered(address: Address) -> Iterator[None]:
    """Turn what an object store answers, or does not, into an error that says what to do.

    Raises
    ------
    MissingSource
        No object has this name, or fits this pattern.
    SourceUnreachable
        The store does not answer, or refuses these credentials.
    """
    import polars as pl  # the command line starts without it

    name, at = address.url, address.at
    try:
        yield
    except errors.UnreadableTable as error:
        if isinstance(error.__cause__, OSError) and (is_remote(address) or isinstance(error.__cause__, FileNotFoundError)):
            raise _unanswered(error.__cause__, address) from error
        if isinstance(error.__cause__, pl.exceptions.PolarsError) and _NO_OBJECT.search(str(error.__cause__)):
            fix = "see that the name is right, with its ending; in a pattern ** goes through folders"
            raise errors.MissingSource(f"no object fits '{name}'", at=at, fix=fix) from error
        raise


def _unanswered(error: OSError, address: Address) -> errors.KeepfitError:
    name, at = address.url, address.at
    if isinstance(error, FileNotFoundError):
        fix = "see that the name is right, the bucket with it, and that the environment names the right store"
        return errors.MissingSource(f"'{name}' is not there", at=at, fix=fix)
    refused = isinstance(error, PermissionError) or "403" in str(error) or "401" in str(error)
    fix = "see that the environment holds credentials that may read it, its region, and the store's address where it is not the cloud's own"
    what = "refuses this user" if refused else "does not answer"
    return errors.SourceUnreachable(f"the object store {what}: {reason(error)}", at=at, fix=fix)


def scan_parquet(address: Address) -> pl.LazyFrame:
    """Parquet objects: one, or all that fit a pattern; a column that a later one lacks is empty there."""
    import polars as pl  # the command line starts without it

    return pl.scan_parquet(address.url, missing_columns="insert", storage_options=options(address))


def first_line(address: Address) -> str:
    """The header line of the first object."""
    import polars as pl  # the command line starts without it

    lines = pl.scan_lines(address.url, storage_options=options(address), glob=bool(_PATTERN.search(address.url))).head(1).collect()
    return str(lines.item()).removeprefix("\ufeff").rstrip("\r\n") if lines.height else ""
