"""How long a window is: a length of time, or a number of rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Self, TypeAlias

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from keepfit.instant import Duration

__all__ = ["FEWEST_ROWS", "RowCount", "WindowLength", "window_length"]

#: Fewer rows tell nothing of a window, and make no block of a reference.
FEWEST_ROWS = 50
_ROWS = re.compile(r"\s*(\d{1,12})\s*rows\s*")


@dataclass(frozen=True, slots=True)
class RowCount:
    """A number of answered rows.

    >>> str(RowCount.parse("5000 rows"))
    '5000 rows'
    """

    rows: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """A number and the word `rows`.

        Raises
        ------
        ValueError
            The text is not of this form.
        """
        found = _ROWS.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is not a number of rows")
        return cls(int(found[1]))

    def __str__(self) -> str:
        return f"{self.rows} rows"


def window_length(value: Any) -> Duration | RowCount:
    """What a person wrote as the length of a window.

    Raises
    ------
    ValueError
        It is neither a duration nor a number of rows.
    """
    if isinstance(value, Duration | RowCount):
        return value
    if isinstance(value, str):
        return RowCount.parse(value) if _ROWS.fullmatch(value) else Duration.parse(value)
    raise ValueError(f"{value!r} is not a duration")


#: `7d`, `12h`, or `5000 rows`.
WindowLength: TypeAlias = Annotated[
    Duration | RowCount,
    PlainValidator(window_length),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^\s*\d+\s*(ms|s|m|h|d|w|rows)\s*$", "examples": ["7d", "12h", "5000 rows"]}),
]
