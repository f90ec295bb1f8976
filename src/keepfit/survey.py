"""A survey: what a table that nobody has described looks like, column by column."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from keepfit.column import Kinds, look
from keepfit.schema import Dtype

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Form", "Survey", "Trait", "survey"]

#: What the texts of a column have in common.
Form: TypeAlias = Literal["email", "phone", "address", "date"]

#: The values of a column with at most so many different ones are counted one by one.
FEW = 50
#: Texts that are read to find their form, and the share of them that must have it.
_READ, _MOST = 2000, 0.8
_FORMS: Mapping[Form, str] = {
    "email": r"^[^@\s]+@[^@\s]+\.[^@\s]+$",
    "phone": r"^(\+|00|\()[\d ()/.-]{6,}$",
    "address": r"^(?:\d{1,3}\.){3}\d{1,3}$",
    "date": r"^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T]\d{1,2}:\d{2}.*)?$",
}


@dataclass(frozen=True, slots=True)
class Trait:
    """One column: its stored type and kind, how many rows lack it, how many different values it has.

    `values` counts them where they are few. `least` and `most` bound numbers, and instants in microseconds. `prose`
    is free text; `whole` says of numbers that none has a fraction; `spread` is their standard deviation.
    """

    name: str
    dtype: Dtype
    kind: str
    missing: int
    distinct: int
    values: tuple[tuple[Any, int], ...] = ()
    least: float | None = None
    most: float | None = None
    whole: bool = False
    spread: float | None = None
    prose: bool = False
    form: Form | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the name, in small letters.

        >>> Trait("customerID_no.2", "int", "number", 0, 1).words
        ('customer', 'id', 'no', '2')
        """
        parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+", self.name)
        return tuple(part.lower() for part in parts)


@dataclass(frozen=True, slots=True)
class Survey:
    """A table's rows and columns, in the order of the source."""

    rows: int
    columns: tuple[Trait, ...]

    def __getitem__(self, name: str) -> Trait:
        return next(column for column in self.columns if column.name == name)

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]


def survey(frame: pl.DataFrame, dtypes: Mapping[str, Dtype], kinds: Kinds) -> Survey:
    """Look at every column of a table in its stored types."""
    return Survey(frame.height, tuple(_trait(frame[name], dtype, kinds) for name, dtype in dtypes.items()))


def _trait(values: pl.Series, dtype: Dtype, kinds: Kinds) -> Trait:
    known = values.drop_nulls()
    seen = look(values) if dtype == "text" else None
    kind = next((name for name, one in kinds.items() if one.claims(dtype, seen)), "category")
    distinct = known.n_unique()
    counted = tuple((value, count) for value, count in known.value_counts().sort(by=known.name).rows()) if distinct <= FEW else ()
    least = most = spread = None
    whole = dtype == "int"
    if dtype in ("int", "float", "float32", "instant") and len(known):
        numbers = known.cast(int) if dtype == "instant" else known
        finite = numbers.filter(numbers.is_finite()) if dtype.startswith("float") else numbers
        least, most = (float(finite.min()), float(finite.max())) if len(finite) else (None, None)  # type: ignore[arg-type]
        spread = float(finite.std()) if len(finite) > 1 else None  # type: ignore[arg-type]
        whole = whole or (dtype != "instant" and len(finite) > 0 and bool((finite == finite.round(0)).all()))
    form = _form(known) if dtype == "text" else None
    return Trait(
        values.name,
        dtype,
        kind,
        values.null_count(),
        distinct,
        counted,
        least,
        most,
        whole,
        spread,
        bool(seen and seen.prose),
        form,
    )


def _form(texts: pl.Series) -> Form | None:
    read = texts.gather_every(max(1, len(texts) // _READ))
    for form, pattern in _FORMS.items():
        if len(read) and (read.str.contains(pattern).mean() or 0.0) >= _MOST:  # type: ignore[operator]
            return form
    return None
