"""`[data]` and `[columns]`: where the table comes from, and what its columns are for."""

from __future__ import annotations

from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from keepfit import digest
from keepfit.spec.strict import Strict

__all__ = ["ColumnSpec", "DataSpec"]


class DataSpec(Strict):
    """The source of the table."""

    #: A file, a folder (of files, or a Delta table) or a pattern, relative to the project file; such a file or pattern in an object
    #: store, as `s3://bucket/days/*.parquet`, or a Delta table there, as `delta+s3://bucket/rows`; a database's URL; or
    #: `module:function`. `${NAME}` is read from the environment.
    source: str
    #: The table of the database; `schema.table` for one in a schema.
    table: str | None = None
    #: What to ask the database, in place of a whole table.
    query: str | None = None
    #: Texts that stand for no value in files of text, as `NA`.
    missing: Annotated[tuple[str, ...], Field(strict=False)] = ()
    #: The time zone of times without an offset.
    timezone: str = "UTC"

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"{value!r} is not a time zone of the IANA database") from None
        return value

    @model_validator(mode="after")
    def _one_statement(self) -> DataSpec:
        if self.table is not None and self.query is not None:
            raise ValueError("table and query exclude each other: name the table, or write the query")
        return self

    @property
    def origin(self) -> str:
        """What names the data in entries: the source, with the table or the digest of the query."""
        if self.query is not None:
            return f"{self.source} query {digest.of_value(self.query)[3:15]}"
        return f"{self.source} {self.table}" if self.table is not None else self.source


class ColumnSpec(Strict):
    """What cannot be inferred about one column."""

    #: A kind of column, instead of the inferred one.
    kind: str | None = None
    #: "later": not known when the decision is due, so never a feature.
    known: Literal["before", "later"] = "before"
    #: Whose data the row is: stored as a keyed hash.
    subject: bool = False
    #: Personal data: dropped when the data is taken, unless `keep = true`.
    personal: bool = False
    #: Keep a personal column, apart from the features.
    keep: bool = False
    #: Measured, never a feature.
    protected: bool = False
    #: Neither a feature nor kept for anything else.
    ignore: bool = False
    #: The least number that it may hold.
    min: float | None = None
    #: The greatest number that it may hold.
    max: float | None = None
    #: The only values that it may hold.
    values: Annotated[tuple[bool | int | float | str, ...], Field(strict=False)] | None = None
    #: The greatest share of rows that may lack it, from 0 to 1.
    missing: Annotated[float, Field(ge=0, le=1)] | None = None

    @model_validator(mode="after")
    def _possible(self) -> ColumnSpec:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min is more than max")
        if self.keep and not self.personal:
            raise ValueError("keep = true is for personal columns")
        if self.ignore and (self.subject or self.protected or self.known == "later"):
            raise ValueError("ignore = true leaves no other use for the column")
        return self
