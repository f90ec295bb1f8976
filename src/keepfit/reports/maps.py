"""Maps: cells and bars in rows, as of what is taken for what, what moved when, and what was open from when to when."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keepfit.reports.page import Tone
from keepfit.reports.svg import LETTER, NARROW, Frame, clipped, drawing, element, label, moments, x_axis

if TYPE_CHECKING:
    from markupsafe import Markup

__all__ = ["Period", "heat", "periods"]


def heat(width: int, title: str, rows: Sequence[str], heads: Sequence[str], cells: Sequence[Sequence[tuple[float, str, bool]]]) -> Markup:
    """A cell for each row and column: how strong it is, in [0, 1], what it says, and whether it is marked."""
    narrow = width <= NARROW
    left = min(0.34 * width, LETTER * 1.2 * max(len(one) for one in rows) + 16)
    step = (width - left) / max(1, len(heads))
    tall = 22 if len(rows) > 6 else 28
    inner = []
    every = max(1, math.ceil(LETTER * (1 + max(len(one) for one in heads)) / step))
    for place, head in enumerate(heads):
        if place % every == 0:
            fits = left + step * place + LETTER * len(head) <= width
            at = left + step * place + 1 if fits else float(width)
            inner.append(label(at, 12, clipped(head, step * every), anchor="start" if fits else "end"))
    for line, (name, found) in enumerate(zip(rows, cells, strict=True)):
        top = 20.0 + tall * line
        inner.append(label(left - 8, top + tall / 2 + 4, clipped(name, left - 8), anchor="end", kind="row"))
        for place, (strength, said, marked) in enumerate(found):
            box = {"x": left + step * place + 1, "y": top + 1, "width": step - 2, "height": tall - 2.0, "rx": 2.0}
            shade = f"{0.06 + 0.94 * min(1.0, max(0.0, strength)):.2f}"
            inner.append(element("rect", element("title", said), class_="cell", fill_opacity=shade, **box))
            if marked:
                inner.append(element("circle", cx=left + step * (place + 0.5), cy=top + tall / 2, r=3.0 if narrow else 3.5, class_="flag"))
    return drawing(width, 24.0 + tall * len(rows), title, inner)


@dataclass(frozen=True, slots=True)
class Period:
    """Something that lasted, in microseconds; without an end it lasts."""

    name: str
    begin: int
    end: int | None
    tone: Tone
    said: str


def periods(width: int, title: str, found: Sequence[Period], begin: int, end: int) -> Markup:
    """A bar for each, from when to when; one that lasts reaches the right end."""
    narrow = width <= NARROW
    left = 4.0 if narrow else min(230.0, LETTER * 1.2 * max(len(one.name) for one in found) + 16)
    step = 38 if narrow else 26
    frame = Frame(left, width - 14.0, 8.0, 8.0 + step * len(found))
    x = frame.x(float(begin), float(end))
    inner = x_axis(frame, x, "", moments(begin, end, 4 if narrow else 8))
    for place, one in enumerate(found):
        y = frame.top + step * (place + (0.72 if narrow else 0.5))
        if narrow:
            inner.append(label(left, y - 9, clipped(one.name, width - left), kind="row"))
        else:
            inner.append(label(left - 10, y + 4, clipped(one.name, left - 12), anchor="end", kind="row"))
        first, last = x(max(one.begin, begin)), x(end if one.end is None else max(one.end, one.begin))
        box = {"x": first, "y": y - 5.0, "width": max(4.0, last - first), "height": 10.0, "rx": 3.0}
        inner.append(element("rect", element("title", one.said), class_=f"period is-{one.tone}", **box))
    return drawing(width, frame.bottom + 26, title, inner)
