"""Drawings as SVG: elements, scales and axes. Colours come from the page's style, so that one drawing serves light and dark."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from markupsafe import Markup, escape

from keepfit.instant import from_micros, micros
from keepfit.reports.numbers import ticks

__all__ = ["NARROW", "WIDE", "Frame", "Scale", "clipped", "dots", "drawing", "element", "label", "moments", "path", "x_axis", "y_axis"]

#: The widths that pictures are drawn for: a column of text, and a phone.
WIDE, NARROW = 720, 352
#: About how wide a letter of a label is.
LETTER = 7.0


def element(name: str, *inner: Markup | str, **attributes: object) -> Markup:
    """An element; text inside and attributes are escaped, numbers rounded, and underscores stand for hyphens.

    >>> element("text", "a < b", class_="axis", x=1.23456)
    Markup('<text class="axis" x="1.23">a &lt; b</text>')
    """
    named = [(key.rstrip("_").replace("_", "-"), _text(value)) for key, value in attributes.items() if value is not None]
    given = Markup("").join(Markup(' {}="{}"').format(*one) for one in named)
    within = Markup("").join(escape(part) for part in inner)
    whole = Markup("<{0}{1}>{2}</{0}>") if within else Markup("<{0}{1}/>")
    return whole.format(name, given, within)


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return str(value)


def drawing(width: float, height: float, title: str, inner: Iterable[Markup]) -> Markup:
    """A whole picture, with its title for those who cannot see it."""
    named = element("title", title)
    return element("svg", named, *inner, viewBox=f"0 0 {width:g} {height:g}", width=float(width), height=float(height), role="img")


@dataclass(frozen=True, slots=True)
class Scale:
    """From numbers in [`low`, `high`] to places in [`begin`, `end`]."""

    low: float
    high: float
    begin: float
    end: float

    def __call__(self, value: float) -> float:
        if not self.high > self.low:
            return (self.begin + self.end) / 2
        return self.begin + (value - self.low) / (self.high - self.low) * (self.end - self.begin)


@dataclass(frozen=True, slots=True)
class Frame:
    """The inner part of a plot, between its axes."""

    left: float
    right: float
    top: float
    bottom: float

    def x(self, low: float, high: float) -> Scale:
        return Scale(low, high, self.left, self.right)

    def y(self, low: float, high: float) -> Scale:
        return Scale(low, high, self.bottom, self.top)


def label(x: float, y: float, text: str, *, anchor: str = "start", kind: str = "tick") -> Markup:
    """A line of text."""
    return element("text", text, x=float(x), y=float(y), class_=kind, text_anchor=anchor)


def clipped(text: str, width: float) -> str:
    """A text that fits into a width, cut off where it must be."""
    shown = " ".join(text.split())
    most, taken = max(4.0, width / LETTER), 0.0
    for place, letter in enumerate(shown):
        taken += _letters(letter)
        if taken > most:
            return f"{shown[: max(1, place - 1)]}…"
    return shown


def _letters(letter: str) -> float:
    """As how many letters of usual width one counts."""
    if unicodedata.east_asian_width(letter) in "WF":
        return 2.0
    return 1.6 if letter in "MWmw@%" else 1.15 if letter.isupper() or letter in "xkvyz_" else 1.0


def path(points: Iterable[tuple[float, float]], kind: str) -> Markup:
    """A line through points."""
    said = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return element("path", d=f"M{said}", class_=kind) if said else Markup("")


def dots(points: Iterable[tuple[float, float, str]], kind: str, radius: float = 3.5) -> list[Markup]:
    """Points that say what they are when they are pointed at."""
    return [element("circle", element("title", said), cx=float(x), cy=float(y), r=float(radius), class_=kind) for x, y, said in points]


def y_axis(frame: Frame, scale: Scale, name: str, shown: Callable[[float], str], most: int = 5) -> list[Markup]:
    """Lines across with their numbers, and above them what they are."""
    found = [label(0, frame.top - 14, name, kind="axis")]
    for value in ticks(scale.low, scale.high, most):
        at = scale(value)
        found.append(element("line", x1=float(frame.left), x2=float(frame.right), y1=at, y2=at, class_="grid"))
        found.append(label(frame.left - 6, at + 4, shown(value), anchor="end"))
    return found


def x_axis(frame: Frame, scale: Scale, name: str, at: Sequence[tuple[float, str]]) -> list[Markup]:
    """The line at the bottom with its marks, and below them what they are."""
    found = [element("line", x1=float(frame.left), x2=float(frame.right), y1=float(frame.bottom), y2=float(frame.bottom), class_="base")]
    for value, said in at:
        place = scale(value)
        found.append(element("line", x1=place, x2=place, y1=float(frame.bottom), y2=frame.bottom + 4.0, class_="base"))
        half = len(said) * LETTER / 2
        # A mark at the end of the axis keeps its words within the picture.
        anchor = "end" if place + half > frame.right + 14 else "start" if place - half < 0 else "middle"
        found.append(label(place, frame.bottom + 17, said, anchor=anchor))
    return [*found, label(frame.right, frame.bottom + 35, name, anchor="end", kind="axis")]


def moments(low: int, high: int, most: int) -> list[tuple[float, str]]:
    """Marks for a stretch of time in microseconds: days, weeks from Monday on, or months, with their names."""
    begin, end = (from_micros(one) for one in (low, high))
    days = max(1, (end - begin).days + 1)
    if days / most <= 28:
        step = next((one for one in (1, 2, 7, 14, 28) if days / one <= most), 28)
        midnight = begin.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        first = midnight + timedelta(days=(-midnight.weekday()) % 7 if step >= 7 else 0)
        found = [first + timedelta(days=step * place) for place in range(most + 2)]
        return [(float(micros(one)), f"{one.day} {one:%b}") for one in found if begin <= one <= end]
    months = (end.year - begin.year) * 12 + end.month - begin.month + 1
    step = next(one for one in (1, 2, 3, 6, 12, 24, 60, 120, 600, 12_000) if months / one <= most)
    found = []
    for place in range(begin.year * 12 + begin.month - 1, end.year * 12 + end.month, 1):
        if place % step == 0 and begin <= (one := datetime(place // 12, place % 12 + 1, 1, tzinfo=UTC)) <= end:
            found.append(one)
    return [(float(micros(one)), str(one.year) if step >= 12 else f"{one:%b} {one.year}") for one in found]
