"""A table as it is kept: every column under one of the stored types, instants in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from keepfit import errors
from keepfit.schema import Dtype

if TYPE_CHECKING:
    import polars as pl

__all__ = ["as_instants", "dtype_of", "normal", "plain_part", "read_as", "stored_type"]

#: How a time may be written as text: ISO 8601, with a blank in place of the T, without seconds, or a day alone.
_ISO = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?\s?(Z|[+-]\d{2}(:?\d{2})?)?)?$"
_FORMS = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%d")
#: Values that show whether a column of text may hold times.
_LOOKED_AT = 200
_TRUE, _FALSE = ["true", "t", "yes", "y", "1"], ["false", "f", "no", "n", "0"]


def normal(frame: pl.DataFrame, timezone: str) -> pl.DataFrame:
    """Bring columns to the stored types: int, float, float32, bool, text, and instants in UTC.

    Text whose every value is a time in ISO 8601 is a column of instants.

    Raises
    ------
    UnreadableTable, Faults
        A column holds what is not a plain value; or several do.
    """
    kept, odd = plain_part(frame, timezone)
    if len(odd) > 1:
        raise errors.Faults(odd.values(), at="the table")
    for fault in odd.values():
        raise fault
    return kept


def plain_part(frame: pl.DataFrame, timezone: str) -> tuple[pl.DataFrame, dict[str, errors.UnreadableTable]]:
    """The columns that hold plain values, in the stored types, and what is wrong with each of the others."""
    kept: list[pl.Series] = []
    odd: dict[str, errors.UnreadableTable] = {}
    for name in frame.columns:
        try:
            kept.append(_normal(frame[name], timezone))
        except errors.UnreadableTable as fault:
            odd[name] = fault
    return frame.select(kept), odd


def _normal(values: pl.Series, timezone: str) -> pl.Series:
    import polars as pl  # the command line starts without it

    dtype, at = values.dtype, f"column {values.name}"
    if dtype.is_integer():
        narrow = values.cast(pl.Int64, strict=False)
        if narrow.null_count() > values.null_count():
            fix = f"store it as text, or as a number with a fraction, or leave it out: {values.name} = {{ ignore = true }} in [columns]"
            raise errors.UnreadableTable(f"column '{values.name}' holds whole numbers of more than 64 bits", at=at, fix=fix)
        return narrow
    if dtype.is_decimal() or (dtype.is_float() and dtype != pl.Float32):
        return values.cast(pl.Float64)
    if isinstance(dtype, pl.Datetime):
        return _in_utc(values, timezone)
    if dtype == pl.Date:
        return _in_utc(values.cast(pl.Datetime("us")), timezone)
    if dtype in (pl.Float32, pl.Boolean):
        return values
    if dtype in (pl.Categorical, pl.Enum, pl.Null, pl.String):
        text = values.cast(pl.String)
        return _times(text, timezone) if dtype == pl.String else text
    fix = f"make it numbers, truth values, text or times, or leave it out: {values.name} = {{ ignore = true }} in [columns]"
    raise errors.UnreadableTable(f"column '{values.name}' holds {dtype}, which is not a plain value", at=at, fix=fix)


def _in_utc(values: pl.Series, timezone: str) -> pl.Series:
    if values.dtype.time_zone is None:  # type: ignore[attr-defined]
        values = values.dt.replace_time_zone(timezone, ambiguous="earliest", non_existent="null")
    return values.dt.convert_time_zone("UTC").dt.cast_time_unit("us")


def _times(text: pl.Series, timezone: str) -> pl.Series:
    """Text as instants where all of it is, else as it was."""
    known = text.drop_nulls()
    if known.is_empty() or not known.head(_LOOKED_AT).str.contains(_ISO).all():
        return text
    instants = as_instants(text, timezone)
    return instants if instants.null_count() == text.null_count() else text


def as_instants(text: pl.Series, timezone: str) -> pl.Series:
    """Times in ISO 8601 as instants: each under its own offset, and under `timezone` without one; null where a text is no time."""
    import polars as pl  # the command line starts without it

    frame = pl.DataFrame({"text": text.str.strip_chars()}).with_columns(written=pl.col("text").str.contains(_ISO))
    offset = pl.col("text").str.extract(r"(Z|[+-]\d{2}:?(?:\d{2})?)$")
    clock = pl.col("text").str.slice(10).str.replace(r"\s?(Z|[+-]\d{2}:?(?:\d{2})?)$", "").str.replace("T", " ")
    plain = pl.when("written").then(pl.col("text").str.slice(0, 10) + clock)
    local = pl.coalesce([plain.str.to_datetime(form, time_unit="us", strict=False) for form in _FORMS])
    digits = offset.str.replace_all(r"\D", "").str.pad_end(4, "0")
    minutes = digits.str.slice(0, 2).cast(pl.Int64, strict=False) * 60 + digits.str.slice(2, 2).cast(pl.Int64, strict=False)
    ahead = pl.when(offset == "Z").then(0).when(offset.str.starts_with("-")).then(-minutes).otherwise(minutes)
    # A day alone ends in digits that look like an offset: it has none.
    has_offset = offset.is_not_null() & (pl.col("text").str.len_chars() > 10)
    found = frame.select(
        pl.when(has_offset)
        .then(local.dt.replace_time_zone("UTC") - pl.duration(minutes=ahead))
        .otherwise(local.dt.replace_time_zone(timezone, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC"))
    ).to_series()
    return found.alias(text.name)


def read_as(values: pl.Series, dtype: Dtype, timezone: str) -> pl.Series:
    """A column of a stored type under another, null where a value cannot be read as one; as it was where none can.

    >>> import polars as pl
    >>> read_as(pl.Series(["1.5", "n/a"]), "float", "UTC").to_list()
    [1.5, None]
    """
    import polars as pl  # the command line starts without it

    now = dtype_of(values.dtype)
    if now == dtype:
        return values
    wanted = stored_type(dtype)
    if now == "text":
        clean = values.str.strip_chars()
        if dtype == "instant":
            return as_instants(values, timezone)
        if dtype == "bool":
            low = clean.str.to_lowercase()
            return pl.select(pl.when(low.is_in(_TRUE)).then(True).when(low.is_in(_FALSE)).then(False)).to_series().alias(values.name)
        return clean.cast(wanted, strict=False)
    if dtype == "text":
        return values if now == "instant" else values.cast(pl.String)
    if "instant" in (now, dtype):
        return values
    if dtype == "bool":
        whole = values.cast(pl.Float64)
        return pl.select(pl.when(whole == 1).then(True).when(whole == 0).then(False)).to_series().alias(values.name)
    if dtype == "int":
        whole = values.cast(pl.Int64, strict=False)
        return pl.select(pl.when(whole.cast(pl.Float64) == values.cast(pl.Float64)).then(whole)).to_series().alias(values.name)
    return values.cast(wanted, strict=False)


def dtype_of(dtype: pl.DataType) -> Dtype:
    """The name of a stored type."""
    return next((name for name, stored in _types().items() if dtype == stored), "instant")


def stored_type(dtype: Dtype) -> pl.DataType:
    """The stored type behind a name."""
    return _types()[dtype]


def _types() -> Mapping[Dtype, pl.DataType]:
    import polars as pl  # the command line starts without it

    return {
        "int": pl.Int64(),
        "float": pl.Float64(),
        "float32": pl.Float32(),
        "bool": pl.Boolean(),
        "text": pl.String(),
        "instant": pl.Datetime("us", "UTC"),
    }
