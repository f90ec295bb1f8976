"""What tells rows apart: the text of a row's key, and a number that follows from its values."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from keepfit import digest
from keepfit.schema import Schema

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

__all__ = ["key_texts", "numbers_of", "row_keys", "row_numbers", "shares"]

#: Characters that JSON writes otherwise.
_ESCAPED = r'[\x00-\x1f"\\]'
_ODD = {"nan": '"NaN"', "inf": '"Infinity"', "-inf": '"-Infinity"'}


def row_keys(frame: pl.DataFrame, known: Schema) -> list[str]:
    """The canonical JSON of each row's key; of all its public columns where the problem names none."""
    return key_texts(frame, known).to_list()


def key_texts(frame: pl.DataFrame, known: Schema) -> pl.Series:
    """The same as a column of text; empty where there is nothing to tell rows apart by."""
    import polars as pl  # the command line starts without it

    texts = [_texts(frame[name]) for name in _names(frame, known)]
    if not texts or not frame.height:
        return pl.Series(dtype=pl.String)
    return pl.select(pl.concat_str([pl.lit("["), *_between(texts), pl.lit("]")])).to_series()


def row_numbers(frame: pl.DataFrame, known: Schema) -> NDArray[np.uint64]:
    """A number for each row that follows from its key's values alone, the same on every machine; shape (rows,).

    Of all its public columns where the problem names no key. Mixed by SplitMix64: Steele, Lea and Flood (2014), Fast
    splittable pseudorandom number generators, OOPSLA.
    """
    return numbers_of(frame.select(_names(frame, known)))


def numbers_of(frame: pl.DataFrame) -> NDArray[np.uint64]:
    """The same of all columns of a table."""
    import numpy as np  # the command line starts without it

    found = np.full(frame.height, 0x243F6A8885A308D3, dtype=np.uint64)
    for values in frame.get_columns():
        found = _mixed(found ^ (_bits(values) + np.uint64(0x9E3779B97F4A7C15)))
    return found


def shares(numbers: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Numbers as shares in [0, 1), spread evenly."""
    import numpy as np  # the command line starts without it

    return np.asarray((numbers >> np.uint64(11)).astype(np.float64) * 2.0**-53)


def _names(frame: pl.DataFrame, known: Schema) -> list[str]:
    there = [name for name in known.key if name in frame.columns]  # a key's private column is not
    return there or [column.name for column in known.public if column.name in frame.columns]


def _between(texts: list[pl.Series]) -> Iterable[pl.Series | pl.Expr]:
    import polars as pl  # the command line starts without it

    for number, text in enumerate(texts):
        if number:
            yield pl.lit(",")
        yield text


def _texts(values: pl.Series) -> pl.Series:
    """Values as JSON."""
    import polars as pl  # the command line starts without it

    dtype = values.dtype
    if dtype.is_float():
        texts = pl.Series([None if value is None else _float(value) for value in values.to_list()], dtype=pl.String)
    elif isinstance(dtype, pl.Datetime):
        whole, part = values.dt.strftime('"%Y-%m-%dT%H:%M:%S'), values.dt.strftime(".%6f")
        texts = pl.select(pl.concat_str([whole, pl.when(part != ".000000").then(part).otherwise(pl.lit("")), pl.lit('Z"')])).to_series()
    elif dtype == pl.String:
        odd = values.str.contains(_ESCAPED)
        if odd.any():
            texts = pl.Series([None if value is None else digest.canonical(value) for value in values.to_list()], dtype=pl.String)
        else:
            texts = pl.select(pl.concat_str([pl.lit('"'), values, pl.lit('"')])).to_series()
    else:
        texts = values.cast(pl.String)
    return texts.fill_null("null")


def _float(value: float) -> str:
    return repr(value) if math.isfinite(value) else _ODD[repr(value)]


def _bits(values: pl.Series) -> NDArray[np.uint64]:
    """64 bits of each value."""
    import numpy as np  # the command line starts without it
    import polars as pl

    dtype, missing = values.dtype, values.is_null().to_numpy()
    if dtype == pl.String:
        names = values.drop_nulls().unique().sort()
        each = [int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little") for name in names]
        codes = values.rank("dense").fill_null(1).cast(pl.Int64).to_numpy() - 1
        bits = np.array([*each, 0], dtype=np.uint64)[codes]
    elif dtype.is_float():
        numbers = values.cast(pl.Float64).fill_null(0.0).to_numpy() + 0.0  # one zero
        bits = np.where(np.isnan(numbers), np.nan, numbers).view(np.uint64)
    else:
        bits = values.to_physical().cast(pl.Int64).fill_null(0).to_numpy().view(np.uint64)
    return np.where(missing, np.uint64(0xA5A5A5A5A5A5A5A5), _mixed(bits))


def _mixed(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    import numpy as np  # the command line starts without it

    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(bits ^ (bits >> np.uint64(31)))
