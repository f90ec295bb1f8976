"""How good it is: over time, against what was said, by threshold, and how its outputs are distributed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from keepfit.evaluation import Evaluation, Measured
from keepfit.instant import micros
from keepfit.loop.curves import Stretch
from keepfit.loop.report import Promotion, Report, Rescored
from keepfit.reports import metrics, plots
from keepfit.reports.numbers import between, count, date, interval, number, share
from keepfit.reports.page import Block, Figure, Picture, Section, Table
from keepfit.reports.svg import NARROW, WIDE
from keepfit.window import Window

if TYPE_CHECKING:
    from markupsafe import Markup

__all__ = ["calibration", "capital", "in_test", "in_windows", "picture", "trust", "worth"]


def picture(draw: Callable[[int], Markup], text: str) -> Picture:
    """A drawing for both widths."""
    return Picture(draw(WIDE), draw(NARROW), text)


def capital(text: str) -> str:
    """A text that begins a sentence."""
    return text[:1].upper() + text[1:]


def in_test(evaluation: Evaluation, stretches: Sequence[Stretch]) -> Figure | None:
    """The selecting metric over the time of the test."""
    if len(stretches) < 2 or evaluation.selects not in evaluation.metrics:
        return None
    name, whole = metrics.title(evaluation.selects), evaluation.metrics[evaluation.selects].value
    values = [one.measured.value for one in stretches]
    apart = [one for one in stretches if one.clear]
    if apart:
        worst = max(apart, key=lambda one: abs(one.measured.value - whole))
        word = "worse" if (worst.measured.value > whole) == (worst.measured.better == "lower") else "better"
        days = (worst.end - worst.begin).days
        when = f"on {date(worst.begin)}" if days == 1 else f"in the {days} days from {date(worst.begin)} on"
        title = f"{capital(name)} was clearly {word} {when}: {number(worst.measured.value)}, against {number(whole)} over the whole test"
    else:
        title = f"{capital(name)} lay between {number(min(values))} and {number(max(values))} through the test; no stretch clearly differs"
    points = [
        plots.Point(
            micros(one.begin), micros(one.end), one.measured.value, one.measured.low, one.measured.high, 0, _point(one.measured, one)
        )
        for one in stretches
    ]
    table = Table(
        f"{capital(name)} by stretch of the test",
        ("from", "rows", name, "95 % interval"),
        tuple(
            (date(one.begin), count(one.rows), number(one.measured.value), interval(one.measured.low, one.measured.high))
            for one in stretches
        ),
        frozenset({1, 2}),
    )
    return Figure(title, picture(lambda width: plots.timeline(width, title, points, name, level=whole), title), _reading(evaluation), table)


def _point(measured: Measured, one: Stretch | Window) -> str:
    return f"{between(one.begin, one.end)}: {number(measured.value)} [{interval(measured.low, measured.high)}]"


def _reading(evaluation: Evaluation) -> str:
    better = evaluation.metrics[evaluation.selects].better
    said = metrics.meaning(evaluation.selects)
    explained = f"{capital(metrics.title(evaluation.selects))}: {said}. " if said else ""
    way = "Lower is better." if better == "lower" else "Higher is better."
    return f"{explained}{way} Bars are 95 % intervals; the dashed line is the whole test."


def in_windows(evaluation: Evaluation | None, windows: Sequence[Window], promotions: Sequence[Promotion]) -> Figure | None:
    """The selecting metric in live windows, each release by itself, with the instants at which releases took over."""
    answered = [one for one in windows if one.role == "champion"]
    seen = [(one, one.evaluation) for one in answered if one.evaluation is not None and one.evaluation.selects in one.evaluation.metrics]
    if len({one.begin for one, _ in seen}) < 2:
        return None
    selects = seen[-1][1].selects
    of = [(one, found.metrics[selects]) for one, found in seen if found.selects == selects]
    releases = list(dict.fromkeys(one.release for one, _ in of))
    name = metrics.title(selects)
    level = evaluation.metrics[selects].value if evaluation and selects in evaluation.metrics else None
    values = [found.value for _, found in of]
    title = f"{capital(name)} lay between {number(min(values))} and {number(max(values))} in {len({one.begin for one, _ in of})} windows"
    newest = of[-1][0]
    if newest.change is not None:
        word = "clearly worse than" if newest.change.high < 0 else "clearly better than" if newest.change.low > 0 else "about as good as"
        title = f"In the newest window {newest.release} was {word} at its release: {name} {number(of[-1][1].value)}"
    points = [
        plots.Point(
            micros(one.begin),
            micros(one.end),
            found.value,
            found.low,
            found.high,
            releases.index(one.release),
            f"{one.release}, {_point(found, one)}",
        )
        for one, found in of
    ]
    marks = [(micros(one.at), one.release) for one in promotions]
    table = Table(
        f"{capital(name)} by window",
        ("window", "release", "predictions", "labels", name, "95 % interval"),
        tuple(
            (
                between(one.begin, one.end),
                one.release,
                count(one.predictions),
                count(one.labels),
                number(found.value),
                interval(found.low, found.high),
            )
            for one, found in of
        ),
        frozenset({2, 3, 4}),
    )
    meaning = metrics.meaning(selects)
    reading = (f"{capital(name)}: {meaning}. " if meaning else "") + "Each colour is a release; vertical lines show when one took over. "
    reading += "Bars are 95 % intervals; the dashed line is this candidate on its test rows."
    return Figure(title, picture(lambda width: plots.timeline(width, title, points, name, level=level, marks=marks), title), reading, table)


def trust(tested: Rescored, *, shown: Figure | None = None) -> Section | None:
    """Whether what it says comes about, and how its outputs are distributed; without a figure that is shown elsewhere."""
    blocks: list[Block] = [one for one in (calibration(tested), _piles(tested)) if one is not None and one.title != (shown and shown.title)]
    return Section("trust", "How far to trust a number that it gives", tuple(blocks)) if blocks else None


def calibration(tested: Rescored) -> Figure | None:
    if len(tested.bins) < 2:
        return None
    shown = share if tested.is_chance else number
    apart = [one for one in tested.bins if one.clear]
    if apart:
        worst = max(apart, key=lambda one: abs(one.said - one.happened))
        word = "too much" if worst.said > worst.happened else "too little"
        title = f"It promises {word} around {shown(worst.said)}: there, {shown(worst.happened)} came about"
    elif tested.is_chance:
        title = "Its chances keep their word, as far as these rows can tell"
    else:
        title = "Low and high predictions alike are right on average, as far as these rows can tell"
    names = (tested.axes["said"], tested.axes["happened"])
    table = Table(
        "What was said and what happened, over bins of about equally many rows",
        ("rows", names[0], names[1], "95 % interval"),
        tuple((count(one.rows), shown(one.said), shown(one.happened), f"{shown(one.low)} to {shown(one.high)}") for one in tested.bins),
        frozenset({0, 1, 2}),
    )
    reading = f"Each point stands for about {count(tested.bins[0].rows)} rows. On the dashed line, what was said is what happened; "
    reading += "above it, more happened. Bars are 95 % intervals."
    drawn = picture(lambda width: plots.calibration(width, title, [tested.bins], names, is_chance=tested.is_chance), title)
    return Figure(title, drawn, reading, table)


def _piles(tested: Rescored) -> Figure | None:
    if not tested.piles:
        return None
    parts = list(tested.piles[0].rows)
    means = {part: _mean(tested, part) for part in parts}
    shown = share if tested.is_chance else number
    title = "; ".join(f"{part}: {shown(mean)} on average" for part, mean in means.items())
    if len(parts) == 2:
        title = f"{capital(parts[0])} got {shown(means[parts[0]])} on average, {parts[1]} {shown(means[parts[1]])}"
    elif not tested.is_chance:
        title = f"Predictions are {number(abs(means[parts[0]]))} too {'high' if means[parts[0]] > 0 else 'low'} on average"
    table = Table(
        "Rows by what the model gave",
        (tested.axes["parts"], *parts),
        tuple((f"{shown(one.low)} to {shown(one.high)}", *(count(one.rows[part]) for part in parts)) for one in tested.piles),
        frozenset(range(1, 1 + len(parts))),
    )
    reading = "Shares of the rows of each kind: " + ", ".join(
        f"{part} ({'filled' if not place else 'outlined'})" for place, part in enumerate(parts)
    )
    drawn = picture(lambda width: plots.piles(width, title, tested.piles, tested.axes["parts"], is_chance=tested.is_chance), title)
    return Figure(
        title,
        drawn,
        f"{reading}. The further apart the two lie, the better it tells them apart." if len(parts) == 2 else reading + ".",
        table,
    )


def _mean(tested: Rescored, part: str) -> float:
    rows = sum(one.rows[part] for one in tested.piles)
    return sum((one.low + one.high) / 2 * one.rows[part] for one in tested.piles) / rows if rows else 0.0


def worth(report: Report, tested: Rescored) -> Section | None:
    """What decisions are worth from each threshold on."""
    cuts = [one for one in tested.cuts if one.value is not None]
    if len(cuts) < 2:
        return None
    chosen = report.candidate.threshold
    at = min(cuts, key=lambda one: abs(one.threshold - chosen))
    near = [one.threshold for one in cuts if one.value is not None and at.low is not None and one.value >= at.low]
    title = f"Acting from {share(chosen)} on is worth {number(at.value or 0.0)} per 1,000 rows"
    if at.low is not None and at.low > 0:
        title += ", clearly more than nothing"
    elif at.high is not None and at.high < 0:
        title += ", clearly less than nothing"
    reading = f"Worth per 1,000 rows {report.about.against}, in the project file's unit; the band is its 95 % interval."
    if near:
        reading += f" Thresholds from {share(min(near))} to {share(max(near))} are worth about the same. "
        reading += "The chosen one was not chosen on these rows."
    step = max(1, len(cuts) // 20)
    rows = [one for place, one in enumerate(cuts) if place % step == 0 or one is at]
    table = Table(
        "Decisions by threshold, per 1,000 rows",
        ("threshold", "yes", "of those right", "worth", "95 % interval"),
        tuple(
            (share(one.threshold), number(one.yes), number(one.right), number(one.value or 0.0), interval(one.low, one.high))
            for one in rows
        ),
        frozenset(range(4)),
    )
    drawn = picture(lambda width: plots.value(width, title, [plots.Worth(cuts, chosen, "chosen")], "worth per 1,000 rows"), title)
    return Section("worth", "What its decisions are worth", (Figure(title, drawn, reading, table),))
