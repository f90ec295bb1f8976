"""Plots: each drawn for a width, from plain numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keepfit.column import Bar
from keepfit.loop.curves import Bin, Cut, Pile
from keepfit.reports.numbers import brief, count, interval, share, ticks
from keepfit.reports.page import Tone
from keepfit.reports.svg import LETTER, NARROW, Frame, Scale, clipped, dots, drawing, element, label, moments, path, x_axis, y_axis

if TYPE_CHECKING:
    from markupsafe import Markup

__all__ = ["Point", "Rank", "Worth", "calibration", "piles", "ranks", "spark", "timeline", "value", "waffle"]


@dataclass(frozen=True, slots=True)
class Point:
    """A value over a stretch of time, in microseconds, with its interval; `series` are drawn apart, in the order of `tone`."""

    begin: int
    end: int
    value: float
    low: float | None
    high: float | None
    series: int
    said: str


@dataclass(frozen=True, slots=True)
class Rank:
    """A named value with its interval; `beside` is a second value to compare with, `tone` what its place says."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    beside: float | None = None
    tone: Tone = "plain"


def timeline(
    width: int,
    title: str,
    points: Sequence[Point],
    name: str,
    *,
    level: float | None = None,
    marks: Sequence[tuple[int, str]] = (),
    names: Sequence[str] = (),
) -> Markup:
    """Values over time with their intervals, a level to compare with, and marked instants; `names` are those of several series."""
    bounds = [one for point in points for one in (point.value, point.low, point.high) if one is not None]
    room = _wide(_trimmed(bounds, [point.value for point in points]) + ([level] if level is not None else []))
    frame, y = _framed(width, 236, room, brief)
    first, last = min([one.begin for one in points]), max([one.end for one in points])
    x = frame.x(float(first), float(last))
    inner = [*y_axis(frame, y, name, brief), *x_axis(frame, x, "", moments(first, last, 4 if width <= NARROW else 8))]
    if level is not None:
        inner.append(element("line", x1=float(frame.left), x2=float(frame.right), y1=y(level), y2=y(level), class_="level"))
    for place, (at, said) in enumerate(sorted(marks)):
        if first <= at <= last:
            inner.append(element("line", x1=x(at), x2=x(at), y1=frame.top, y2=frame.bottom, class_="mark"))
            anchor = "end" if x(at) > frame.right - 30 else "start"
            inner.append(label(x(at) + (-4 if anchor == "end" else 4), frame.top + 10 + 13 * (place % 2), said, anchor=anchor, kind="name"))
    for series in sorted({point.series for point in points}):
        those = [point for point in points if point.series == series]
        middle = {point: x((point.begin + point.end) / 2) for point in those}
        kind = f"s{series % 4}"
        for point in those:
            if point.low is not None and point.high is not None:
                ends = [min(max(y(one), frame.top), frame.bottom) for one in (point.low, point.high)]
                inner.append(element("line", x1=middle[point], x2=middle[point], y1=ends[0], y2=ends[1], class_=f"whisker {kind}"))
        inner.append(path([(middle[point], y(point.value)) for point in those], f"line {kind}"))
        inner += dots([(middle[point], y(point.value), point.said) for point in those], f"dot {kind}")
    right = float(frame.right)
    for series, each in reversed(list(enumerate(names))):  # at the top, from the right
        inner.append(label(right, 12, each, anchor="end", kind="name"))
        inner.append(element("circle", cx=right - 1.15 * LETTER * len(each) - 8, cy=8.0, r=4.5, class_=f"dot s{series % 4}"))
        right -= 1.15 * LETTER * len(each) + 28
    return drawing(width, 262, title, inner)


def _framed(width: int, bottom: float, ends: tuple[float, float], shown: Callable[[float], str]) -> tuple[Frame, Scale]:
    """The inner part of a plot, with room for the numbers on its left, and the scale that they stand on."""
    room = 14 + LETTER * max(len(shown(one)) for one in ticks(*ends, 5))
    frame = Frame(room, width - 14.0, 34.0, bottom)
    return frame, frame.y(*ends)


def _trimmed(bounds: list[float], values: list[float]) -> list[float]:
    """Ends of an axis that no single wide interval stretches: at most as far beyond the values as twice their own range."""
    low, high = min(values), max(values)
    room = max(high - low, 0.25 * max(abs(low), abs(high)))
    return [max(min(bounds), low - room), min(max(bounds), high + room)]


def _wide(values: Sequence[float]) -> tuple[float, float]:
    """Ends of an axis that leave a little room."""
    low, high = min(values), max(values)
    room = 0.06 * (high - low) or 0.1 * abs(high) or 1.0
    return (0.0 if 0 <= low < room else low - room), high + room


def calibration(width: int, title: str, series: Sequence[Sequence[Bin]], names: tuple[str, str], *, is_chance: bool) -> Markup:
    """What was said against what happened, of one model or several, beside the line on which the two agree."""
    height = min(width, 400)
    bins = [one for each in series for one in each]
    ends = [one for bin_ in bins for one in (bin_.said, bin_.happened)]
    ends += _trimmed([one for bin_ in bins for one in (bin_.low, bin_.high)], ends)
    low, high = _wide(ends)
    if is_chance:
        low, high = 0.0, min(1.0, high)
    shown = share if is_chance else brief
    frame, y = _framed(width, height - 48.0, (low, high), shown)
    x = frame.x(low, high)
    most = 4 if width <= NARROW else 6
    inner = [*y_axis(frame, y, names[1], shown), *x_axis(frame, x, names[0], [(one, shown(one)) for one in ticks(low, high, most)])]
    inner.append(path([(x(low), y(low)), (x(high), y(high))], "level"))
    for number, each in enumerate(series):
        for one in each:
            reach = [min(max(y(end), frame.top), frame.bottom) for end in (one.low, one.high)]
            inner.append(element("line", x1=x(one.said), x2=x(one.said), y1=reach[0], y2=reach[1], class_=f"whisker s{number}"))
        inner.append(path([(x(one.said), y(one.happened)) for one in each], f"line s{number}"))
        inner += dots([(x(one.said), y(one.happened), _said(one, shown)) for one in each], f"dot s{number}")
    return drawing(width, height, title, inner)


def _said(one: Bin, shown: Callable[[float], str]) -> str:
    return f"said {shown(one.said)}, happened {shown(one.happened)} [{interval(one.low, one.high)}], {count(one.rows)} rows"


@dataclass(frozen=True, slots=True)
class Worth:
    """What decisions are worth from each threshold on, and the threshold that was chosen, under the name that marks it."""

    cuts: Sequence[Cut]
    chosen: float
    name: str


def value(width: int, title: str, series: Sequence[Worth], name: str) -> Markup:
    """What decisions are worth from each threshold on, of one model or several, with intervals and chosen thresholds."""
    ends = [one for each in series for cut in each.cuts for one in (cut.value, cut.low, cut.high) if one is not None]
    highest = max(ends)
    # Acting on everything may cost a multiple of what is at stake; the interesting part lies above.
    lowest = max(min(ends), -1.2 * max(highest, 1e-9))
    frame, y = _framed(width, 230, _wide([lowest, highest, 0.0]), brief)
    furthest = max([*(cut.threshold for each in series for cut in each.cuts), *(each.chosen for each in series)])
    x = frame.x(0.0, min(1.0, 1.05 * furthest))
    inner = [*y_axis(frame, y, name, brief), *x_axis(frame, x, "threshold", [(one, share(one)) for one in ticks(x.low, x.high, 5)])]
    inner.append(element("line", x1=frame.left, x2=frame.right, y1=y(0.0), y2=y(0.0), class_="base"))
    for number, each in enumerate(series):
        within = [one for one in each.cuts if one.value is not None and one.value >= lowest]
        band = [(x(one.threshold), y(max(one.high, lowest))) for one in within if one.high is not None]
        band += [(x(one.threshold), y(max(one.low, lowest))) for one in reversed(within) if one.low is not None]
        inner.append(path(band, f"band s{number}"))
        inner.append(path([(x(one.threshold), y(one.value)) for one in within if one.value is not None], f"line s{number}"))
        inner.append(element("line", x1=x(each.chosen), x2=x(each.chosen), y1=frame.top, y2=frame.bottom, class_="mark"))
        before = x(each.chosen) > (frame.left + frame.right) / 2
        at = (x(each.chosen) + (-5 if before else 5), frame.bottom - 8 - 14 * number)
        inner.append(label(*at, each.name, anchor="end" if before else "start", kind="name"))
    return drawing(width, 272, title, inner)


def ranks(
    width: int, title: str, items: Sequence[Rank], name: str, *, zero: float | None = None, shown: Callable[[float], str] = brief
) -> Markup:
    """Named values below one another with their intervals, and a line to compare with; on a phone the names stand above."""
    narrow = width <= NARROW
    longest = max(len(item.name) for item in items)
    left = 12 if narrow else min(260, int(longest * LETTER * 1.2) + 24)
    step = 38 if narrow else 25
    frame = Frame(left, width - 16, 8, 8 + step * len(items))
    ends = [one for item in items for one in (item.value, item.low, item.high, item.beside) if one is not None]
    low, high = _wide([*_trimmed(ends, [item.value for item in items]), *(() if zero is None else (zero,))])
    x = frame.x(low, high)
    inner = x_axis(frame, x, name, [(one, shown(one)) for one in ticks(low, high, 3 if narrow else 6)])
    if zero is not None:
        inner.append(element("line", x1=x(zero), x2=x(zero), y1=float(frame.top), y2=float(frame.bottom), class_="level"))
    for place, item in enumerate(items):
        y = frame.top + step * (place + (0.7 if narrow else 0.5))
        kind = f"is-{item.tone}"
        if narrow:
            inner.append(label(0, y - 11, clipped(item.name, width), kind="row"))
        else:
            inner.append(label(left - 12, y + 4, clipped(item.name, left - 16), anchor="end", kind="row"))
        if item.low is not None and item.high is not None:
            ends = [min(max(x(one), frame.left), frame.right) for one in (item.low, item.high)]
            inner.append(element("line", x1=ends[0], x2=ends[1], y1=y, y2=y, class_=f"whisker {kind}"))
        if item.beside is not None:
            inner.append(element("line", x1=x(item.beside), x2=x(item.beside), y1=y - 7, y2=y + 7, class_="beside"))
        said = f"{item.name}: {shown(item.value)}" + ("" if item.low is None else f" [{interval(item.low, item.high)}]")
        inner += dots([(x(item.value), y, said)], f"dot {kind}", 4.5)
    return drawing(width, frame.bottom + 44, title, inner)


def piles(width: int, title: str, found: Sequence[Pile], name: str, *, is_chance: bool) -> Markup:
    """How numbers are distributed, as shares of each part's rows, one part over the other."""
    parts = list(found[0].rows)
    totals = {part: sum(pile.rows[part] for pile in found) or 1 for part in parts}
    highest = max(pile.rows[part] / totals[part] for pile in found for part in parts)
    frame, y = _framed(width, 190, (0.0, highest * 1.08), share)
    x, shown = frame.x(found[0].low, found[-1].high), share if is_chance else brief
    inner = [*y_axis(frame, y, "share of rows", share, 4)]
    for place, part in enumerate(parts):
        for pile in found:
            size = pile.rows[part] / totals[part]
            said = f"{part}, {shown(pile.low)} to {shown(pile.high)}: {count(pile.rows[part])} rows, {share(size)}"
            box = {"x": x(pile.low), "y": y(size), "width": x(pile.high) - x(pile.low), "height": frame.bottom - y(size)}
            inner.append(element("rect", element("title", said), class_=f"pile s{place}", **box))
    inner += x_axis(frame, x, name, [(one, shown(one)) for one in ticks(x.low, x.high, 4 if width <= NARROW else 7)])
    return drawing(width, 234, title, inner)


def waffle(title: str, counts: Sequence[tuple[str, int, str]]) -> Markup:
    """A thousand squares, as many of each kind as of 1,000 rows; `counts` gives words, how many, and the kind."""
    across, side = 40, NARROW / 40
    inner, place = [], 0
    for words, many, kind in counts:
        box = f"h{side - 1.4:.1f}v{side - 1.4:.1f}h-{side - 1.4:.1f}z"
        squares = [f"M{at % across * side + 0.7:.1f} {at // across * side + 0.7:.1f}{box}" for at in range(place, place + many)]
        place += many
        if squares:
            inner.append(element("path", element("title", f"{words}: {count(many)} of 1,000"), d="".join(squares), class_=kind))
    return drawing(NARROW, math.ceil(1000 / across) * side, title, inner)


def spark(bars: Sequence[Bar], said: str) -> Markup:
    """A small picture of a distribution: filled for the reference, outlined for the current rows."""
    width, height = 120.0, 30.0
    highest = max([max(bar.reference, bar.current) for bar in bars], default=0) or 1.0
    step = width / max(1, len(bars))
    y = Scale(0.0, highest, height, 2.0)
    inner = [
        element("rect", x=place * step + 0.5, y=y(bar.reference), width=max(1.0, step - 1), height=height - y(bar.reference), class_="bar")
        for place, bar in enumerate(bars)
    ]
    outline = [(at, y(bar.current)) for place, bar in enumerate(bars) for at in (place * step, (place + 1) * step)]
    return drawing(width, height, said, [*inner, path(outline, "outline")])
