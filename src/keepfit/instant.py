"""Instants and durations: UTC and microseconds inside, and every text form that a person may write."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import total_ordering
from typing import Self

__all__ = ["EPOCH", "WEEKS_BEGIN", "Duration", "from_micros", "micros", "parse", "show"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: The first Monday: windows are counted from here, so that those of `7d` begin on Mondays.
WEEKS_BEGIN = datetime(1970, 1, 5, tzinfo=UTC)

_MICROSECOND = timedelta(microseconds=1)
_UNITS = {"ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000, "w": 604_800_000_000}
#: Added to an instant of our days it is still an instant.
_LONGEST = 365_250 * _UNITS["d"]
_DURATION = re.compile(r"\s*(\d+)\s*(ms|s|m|h|d|w)\s*")


def parse(text: str) -> datetime:
    """An instant from ISO 8601 text with an offset (or `Z`).

    Raises
    ------
    ValueError
        The text is not an instant, or it names no offset.

    >>> parse("2013-03-01T01:00+01:00").isoformat()
    '2013-03-01T00:00:00+00:00'
    """
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} has no offset; write it with Z or +00:00")
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{text!r} is an instant outside the years 1 to 9999 in UTC") from None


def show(instant: datetime) -> str:
    """The shortest exact text of an instant: what `parse` reads.

    >>> show(datetime(2013, 3, 1, tzinfo=UTC))
    '2013-03-01T00:00:00Z'
    """
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def micros(instant: datetime) -> int:
    """Microseconds since 1970-01-01T00:00Z, exact."""
    return (instant - EPOCH) // _MICROSECOND


def from_micros(value: int) -> datetime:
    """The inverse of `micros`."""
    return EPOCH + value * _MICROSECOND


@total_ordering
class Duration:
    """An exact length of time: `7d` is 168 hours.

    >>> Duration.parse("36h").delta.days
    1
    >>> str(Duration.parse("48h"))
    '2d'
    """

    __slots__ = ("_microseconds",)

    def __init__(self, microseconds: int) -> None:
        self._microseconds = microseconds

    @property
    def microseconds(self) -> int:
        return self._microseconds

    @classmethod
    def parse(cls, text: str) -> Self:
        """A number and a unit: ms, s, m, h, d or w.

        Raises
        ------
        ValueError
            The text is not of this form, or longer than a thousand years.
        """
        found = _DURATION.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is not a duration")
        duration = cls(int(found[1]) * _UNITS[found[2]])
        if duration.microseconds > _LONGEST:
            raise ValueError(f"{text!r} is longer than a thousand years")
        return duration

    @property
    def delta(self) -> timedelta:
        return timedelta(microseconds=self.microseconds)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Duration) and self._microseconds == other._microseconds

    def __lt__(self, other: Duration) -> bool:
        return self._microseconds < other._microseconds

    def __hash__(self) -> int:
        return hash(self._microseconds)

    def __repr__(self) -> str:
        return f"Duration({self._microseconds})"

    def __str__(self) -> str:
        for unit in ("d", "h", "m", "s"):
            if self.microseconds and self.microseconds % _UNITS[unit] == 0:
                return f"{self.microseconds // _UNITS[unit]}{unit}"
        return f"{self.microseconds // 1000}ms" if self.microseconds else "0s"
