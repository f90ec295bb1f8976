"""The demo as a picture: what refitting saves week by week, when releases took over, and what happens now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from rich.console import Group
from rich.text import Text

from keepfit.demo.course import WEEK, Week
from keepfit.demo.story import MONDAY, Scene

__all__ = ["picture"]

_BLOCKS = " ▁▂▃▄▅▆▇█"
#: Lines for what is above and what is below the axis.
_UP, _DOWN = 4, 2
_MARGIN = 11


def picture(scene: Scene, width: int) -> Group:
    """The scene in about twenty lines that fit into `width` columns."""
    each = 2 if width >= _MARGIN + 2 * (scene.of + 1) + 12 else 1
    lines = [_head(scene, width), Text(), *_saved(scene, each), *_marks(scene, each), Text(), *_late(scene, each), Text(), *_words(scene)]
    for line in lines:
        line.no_wrap, line.overflow = True, "ellipsis"
    return Group(*lines)


def _head(scene: Scene, width: int) -> Text:
    date = f"{scene.now:%a %d %b %Y}"
    line = Text("keepfit demo", style="bold")
    asks = "  will a flight from New York arrive 30 or more minutes late?"
    if width > len(line) + len(asks) + len(date) + 2:
        line.append(asks)
    line.append(date.rjust(max(len(date) + 2, width - len(line))), style="bold")
    return line


def _saved(scene: Scene, each: int) -> list[Text]:
    """Bars of what refitting saved of each week's log loss; green above the axis, red below it."""
    title = Text("log loss saved in each week by refitting, against the first model, frozen", style="dim")
    found = {_place(week.begin): week.saved for week in scene.weeks}
    unit = max([max(found.values(), default=0) / _UP, -min(found.values(), default=0) / _DOWN, 0.001])
    lines = []
    for row in range(_UP - 1, -1, -1):
        label = f"+{unit * _UP:.3f}" if row == _UP - 1 else "0" if row == 0 else ""
        line = _label(f"{label:>{_MARGIN - 2}} ▕")
        for place in range(scene.of + 1):
            level = _eighths(found.get(place, 0.0) / unit - row)
            line.append(_BLOCKS[level] * each, style="green")
        lines.append(line)
    for row in range(_DOWN):
        label = f"-{unit * _DOWN:.3f}" if row == _DOWN - 1 else ""
        line = _label(f"{label:>{_MARGIN - 2}} ▕")
        for place in range(scene.of + 1):
            level = _eighths(-found.get(place, 0.0) / unit - row)
            line.append(_BLOCKS[8 - level] * each, style="red reverse") if level else line.append(" " * each)
        lines.append(line)
    return [title, *lines]


def _marks(scene: Scene, each: int) -> list[Text]:
    """Under the axis: the months, which release took over when, and when incidents were opened."""
    months = " " * (each * (scene.of + 1))
    for place in range(scene.of + 1):
        begin = MONDAY + (place - 1) * WEEK
        if place == 0 or (begin.day <= 7 and place > 2):
            name = f"{begin + timedelta(days=6):%b}"
            months = months[: place * each] + name + months[place * each + len(name) :]
    axis = Text(" " * _MARGIN).append(months[: each * (scene.of + 1)], style="dim")
    promoted = {_place(week.begin): _short(week.promoted, each) for week in scene.weeks if week.promoted}
    opened = {_place(week.begin): "!" for week in scene.weeks if week.opened}
    return [axis, _row("promoted", scene, each, promoted, "bold green"), _row("incidents", scene, each, opened, "bold yellow")]


def _late(scene: Scene, each: int) -> list[Text]:
    """How many were late, what was expected by the models that answered, and by the first one."""
    rows: tuple[tuple[str, Callable[[Week], float], str], ...] = (
        ("late", lambda week: week.happened, "bold"),
        ("expected", lambda week: week.expected, "green"),
        ("frozen", lambda week: week.frozen_expected, "red"),
    )
    most = max((value(week) for week in scene.weeks for _, value, _ in rows), default=1.0)
    lines = [Text("share of late flights, what the answers expected, and the first model, frozen", style="dim")]
    for name, value, style in rows:
        levels = {_place(week.begin): _BLOCKS[max(1, _eighths(value(week) / most))] * each for week in scene.weeks}
        line = _row(name, scene, each, levels, style)
        if scene.weeks:
            line.append(f" {value(scene.weeks[-1]):6.1%}", style=style)
        lines.append(line)
    return lines


def _words(scene: Scene) -> list[Text]:
    """What was gained so far, who answers, what is open, what is done now and what comes next."""
    gained = "no challenger was promoted yet"
    if scene.gain is not None:
        flights, gain = scene.gain
        gained = f"{gain} log loss, on {flights:,} flights that promoted ones answered"
    answers = f"{scene.champion or 'nobody'}, after {scene.flights:,} flights"
    answers += f"; {scene.challenger} waits as challenger" if scene.challenger else ""
    troubles = "; ".join(f"{one.kind} of {one.release or 'the data'} since {one.since:%d %b}" for one in scene.incidents[-3:])
    due = scene.now + timedelta(days=(1 - scene.now.weekday()) % 7 or 7)
    following = f"the last labels of {_span(due - timedelta(days=8))} come by {due:%A %d %B}" if len(scene.weeks) <= scene.of else ""
    told = (
        ("gained", gained, "bold"),
        ("answers", answers, ""),
        ("open", troubles or "no incident", "yellow" if troubles else ""),
        ("now", scene.doing, "cyan"),
        ("next", following, ""),
    )
    return [_label(f"{name:<{_MARGIN}}").append(said, style=style) for name, said, style in told]


def _row(name: str, scene: Scene, each: int, cells: Mapping[int, str], style: str) -> Text:
    """A named line with a cell for each week."""
    line = _label(f"{name:<{_MARGIN}}")
    return line.append("".join(f"{cells.get(place, ''):<{each}}" for place in range(scene.of + 1)), style=style)


def _label(text: str) -> Text:
    return Text().append(text, style="dim")


def _short(release: str | None, each: int) -> str:
    """A release in a cell: its number where that fits."""
    return "" if release is None else release[1:] if len(release) <= each + 1 else "▲"


def _place(begin: datetime) -> int:
    """Which column a week has; the days before the first whole week have the first."""
    return (begin - MONDAY) // WEEK + 1


def _eighths(share: float) -> int:
    return max(0, min(8, round(share * 8)))


def _span(begin: datetime) -> str:
    end = begin + timedelta(days=6)
    return f"{begin:%d}-{end:%d %b}" if begin.month == end.month else f"{begin:%d %b}-{end:%d %b}"
