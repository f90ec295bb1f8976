"""Numbers as people read them."""

from __future__ import annotations

import math
from datetime import datetime

__all__ = ["between", "brief", "count", "date", "interval", "number", "share", "signed", "ticks"]

#: Keeps a number and its unit on one line.
_GAP = "\u00a0"


def number(value: float) -> str:
    """A number with at most four digits that count, whole from 100 on, thousands apart.

    >>> [number(one) for one in (0.38124, 12.0, 479.31, 1234567.0, 0.00001234, 0.0)]
    ['0.3812', '12', '479', '1,234,567', '1.234e-05', '0']
    """
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else str(value)
    if abs(value) >= 100:
        return f"{value:,.0f}" if abs(value) < 1e15 else f"{value:.3g}"
    return f"{value:.4g}"


def brief(value: float) -> str:
    """A number as an axis has room for it.

    >>> [brief(one).replace(chr(160), " ") for one in (0.25, 1500.0, 2_500_000.0, -3e9, 4e20)]
    ['0.25', '1,500', '2.5 M', '-3 bn', '4e+20']
    """
    for unit, name in ((1e9, "bn"), (1e6, "M")):
        if unit <= abs(value) < 1e5 * unit:
            return f"{number(value / unit)}{_GAP}{name}"
    return number(value) if abs(value) < 1e6 else f"{value:.3g}"


def signed(value: float) -> str:
    """A number that always has its sign.

    >>> [signed(one) for one in (0.5, -0.25, 0.0)]
    ['+0.5', '-0.25', '0']
    """
    return f"+{number(value)}" if value > 0 else number(value)


def share(value: float) -> str:
    """A share in percent, with a digit more where it is small.

    >>> [share(one).replace(chr(160), " ") for one in (0.163, 0.0163, 0.00004, 0.0, 1.0, 0.9996)]
    ['16 %', '1.6 %', '<0.1 %', '0 %', '100 %', '99.9 %']
    """
    percent = 100 * value
    if 0 < percent < 0.1:
        return f"<0.1{_GAP}%"
    if 99.9 < percent < 100:
        return f"99.9{_GAP}%"
    return f"{percent:.0f}{_GAP}%" if percent >= 9.95 or percent == 0 else f"{percent:.1f}{_GAP}%"


def count(rows: int) -> str:
    """A count, thousands apart."""
    return f"{rows:,}"


def interval(low: float | None, high: float | None) -> str:
    """Both ends of an interval, or that they are not known."""
    return "not known" if low is None or high is None else f"{number(low)} to {number(high)}"


def date(instant: datetime) -> str:
    """The day of an instant, for people.

    >>> date(datetime(2013, 3, 1))
    '1 Mar 2013'
    """
    return f"{instant.day} {instant:%b} {instant.year}"


def between(begin: datetime, end: datetime) -> str:
    """From one day to another, the year once where it is the same.

    >>> between(datetime(2013, 3, 1), datetime(2013, 4, 9))
    '1 Mar to 9 Apr 2013'
    """
    first = f"{begin.day} {begin:%b}" if begin.year == end.year else date(begin)
    return f"{first} to {date(end)}"


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers from `low` to `high`, at most `most` and at least one.

    >>> ticks(0.0, 1.0)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    if not high > low:
        return [low]
    raw = (high - low) / max(1, most - 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * one for one in (1.0, 2.0, 2.5, 5.0, 10.0) if power * one >= raw * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{place * step:.12g}") + 0.0 for place in range(first, last + 1)] or [low]
