"""Whether a column of numbers came in another unit, from the quantiles that it had and has."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["UNITS", "unit_change"]

#: What a number is multiplied by, and what is added then, when its unit changes; each also the other way round.
UNITS: dict[str, tuple[float, float]] = {
    "1,000 times as large": (1000.0, 0.0),
    "100 times as large": (100.0, 0.0),
    "60 times as large, as minutes in place of hours": (60.0, 0.0),
    "3,600 times as large, as seconds in place of hours": (3600.0, 0.0),
    "24 times as large, as hours in place of days": (24.0, 0.0),
    "in Fahrenheit in place of Celsius": (1.8, 32.0),
    "in kilometres in place of miles": (1.609344, 0.0),
    "in pounds in place of kilograms": (2.204623, 0.0),
    "in feet in place of metres": (3.28084, 0.0),
    "in centimetres in place of inches": (2.54, 0.0),
    "with the other sign": (-1.0, 0.0),
}
_BACK = {
    "1,000 times as large": "a thousandth as large",
    "100 times as large": "a hundredth as large",
    "60 times as large, as minutes in place of hours": "a sixtieth as large, as hours in place of minutes",
    "3,600 times as large, as seconds in place of hours": "1/3,600 as large, as hours in place of seconds",
    "24 times as large, as hours in place of days": "a 24th as large, as days in place of hours",
    "in Fahrenheit in place of Celsius": "in Celsius in place of Fahrenheit",
    "in kilometres in place of miles": "in miles in place of kilometres",
    "in pounds in place of kilograms": "in kilograms in place of pounds",
    "in feet in place of metres": "in metres in place of feet",
    "in centimetres in place of inches": "in inches in place of centimetres",
    "with the other sign": "with the other sign",
}


def unit_change(before: Sequence[float], now: Sequence[float]) -> tuple[str, float, float] | None:
    """The change of unit that fits best, with how far the quantiles lie apart without and with it.

    Parameters
    ----------
    before, now : the same quantiles in ascending order, evenly spaced, at least three

    Returns
    -------
    (words, without, with) or None
        Distances are means over the quantiles, in units of the lesser spread between the outer quantiles of both; 0 for equal
        quantiles. None where one of them has no spread.

    >>> words, without, with_it = unit_change([10, 15, 20, 25], [50.0, 59.0, 68.0, 77.0])
    >>> words, round(without, 2), with_it
    ('in Fahrenheit in place of Celsius', 3.07, 0.0)
    """
    if not before[-1] > before[0] or not now[-1] > now[0]:
        return None
    found = []
    for words, (factor, shift) in UNITS.items():
        for said, forward in ((words, True), (_BACK[words], False)):
            changed = [factor * one + shift if forward else (one - shift) / factor for one in before]
            if factor < 0:
                changed = changed[::-1]
            found.append((_apart(changed, now), said))
    least, said = min(found)
    return said, _apart(before, now), least


def _apart(before: Sequence[float], now: Sequence[float]) -> float:
    spread = min(before[-1] - before[0], now[-1] - now[0])
    return sum(abs(one - other) for one, other in zip(before, now, strict=True)) / (len(before) * spread)
