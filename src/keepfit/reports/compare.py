"""Two candidates on the same rows as a page."""

from __future__ import annotations

from collections.abc import Sequence

from keepfit.evaluation import Gain
from keepfit.instant import micros, show
from keepfit.loop.compare import Comparison, Contest, Side
from keepfit.reports import metrics, plots
from keepfit.reports.numbers import between, count, date, interval, number, share, signed
from keepfit.reports.opening import thousand
from keepfit.reports.page import Block, Figure, Gate, Opening, Page, Section, Table, Text, Tone
from keepfit.reports.quality import capital, picture

__all__ = ["page"]

#: Metrics that the first screen lists.
MOST_LISTED = 4
MOST_SHOWN = 12


def page(found: Comparison) -> Page:
    """The whole page."""
    first, second = found.first, found.second
    over_time = _over_time(found)
    sections = [
        _groups(found),
        _trust(found),
        _worth(found),
        _made(found),
        _evidence(found),
    ]
    if over_time is None:
        shown = _calibrations(found)
        sections[1] = None
    else:
        shown = over_time
    about = found.about
    footer = f"Made by keepfit {about.keepfit} at {show(about.made_at.replace(microsecond=0))}, ledger entry {about.head.seq}."
    return Page(
        f"{second.name} against {first.name} · {about.project}", _opening(found, shown), tuple(one for one in sections if one), footer
    )


def _selecting(found: Comparison) -> Gain | None:
    return found.gains.get(found.second.evaluation.selects)


def _verdict(gain: Gain | None) -> tuple[str, Tone]:
    if gain is None or gain.low <= 0 <= gain.high:
        return "Not clear", "unsure"
    return ("Better", "good") if gain.low > 0 else ("Worse", "bad")


def _opening(found: Comparison, figure: Figure | None) -> Opening:
    first, second = found.first, found.second
    gain = _selecting(found)
    word, tone = _verdict(gain)
    clearly = {"Better": "is clearly better than", "Worse": "is clearly worse than"}.get(
        word, "is neither clearly better nor clearly worse than"
    )
    many = thousand(found.agreed)
    when = f" from {between(found.begin, found.end)}" if found.begin and found.end else ""
    sentences = [
        f"Of 1,000 rows both get {many['both']} right; {many['second']} only {second.name} gets right, {many['first']} only {first.name}.",
        f"Compared on {count(second.evaluation.count)} rows{when}, none of which either learned from.",
    ]
    if (value := found.gains.get("value")) is not None:
        worth = f"The decisions of {second.name} are worth {signed(value.value)} per 1,000 rows against those of {first.name}"
        sentences.insert(1, f"{worth}, most likely between {signed(value.low)} and {signed(value.high)}.")
    listed = metrics.ordered(found.gains, second.evaluation.selects)[:MOST_LISTED]
    legend = (
        ("both right", many["both"], "right n3"),
        (f"only {second.name} right", many["second"], "right n0"),
        (f"only {first.name} right", many["first"], "wrong n2"),
        ("neither right", many["neither"], "neither"),
    )
    title = "Of 1,000 rows: " + ", ".join(f"{rows} {words}" for words, rows, _ in legend)
    return Opening(
        kicker=f"{found.about.project} · {second.name} ({second.role}) against {first.name} ({first.role})",
        headline=f"{second.name} {clearly} {first.name}",
        sentences=tuple(sentences),
        picture=picture(lambda _: plots.waffle(title, legend), title),
        legend=legend,
        verdict=word,
        tone=tone,
        verdict_says=f"by {metrics.title(second.evaluation.selects)}, the metric by which candidates compete",
        gates=tuple(_line(found, name) for name in listed),
        figure=figure,
    )


def _line(found: Comparison, name: str) -> Gate:
    gain = found.gains[name]
    word, tone = _verdict(gain)
    ours, theirs = found.second.evaluation[name].value, found.first.evaluation[name].value
    because = f"{number(theirs)} → {number(ours)}, gain {signed(gain.value)} [{signed(gain.low)}, {signed(gain.high)}]"
    return Gate(metrics.title(name), word.lower(), tone, because)


def _over_time(found: Comparison) -> Figure | None:
    if len(found.stretches) < 2:
        return None
    name = metrics.title(found.second.evaluation.selects)
    ahead = [one for one in found.stretches if one.gain.value > 0]
    title = f"{found.second.name} was ahead in {len(ahead)} of {len(found.stretches)} stretches of time"
    clear = [one for one in found.stretches if one.gain.low > 0 or one.gain.high < 0]
    title += f", clearly one way or the other in {len(clear)}" if clear else ", in none of them clearly one way or the other"
    timed = [(one, one.begin, one.end) for one in found.stretches if one.begin is not None and one.end is not None]
    points = [
        plots.Point(micros(begin), micros(end), one.gain.value, one.gain.low, one.gain.high, 0, f"{date(begin)}: {one.gain}")
        for one, begin, end in timed
    ]
    label = f"gain in {name}"
    table = Table(
        f"{capital(label)} of {found.second.name} over {found.first.name}, by stretch of time",
        ("from", "rows", "gain", "interval"),
        tuple((date(begin), count(one.rows), signed(one.gain.value), interval(one.gain.low, one.gain.high)) for one, begin, _ in timed),
        frozenset({1, 2}),
    )
    reading = f"Above the dashed line {found.second.name} is better, below it {found.first.name}. "
    reading += "The intervals hold for all stretches together with 95 %."
    return Figure(title, picture(lambda width: plots.timeline(width, title, points, label, level=0.0), title), reading, table)


def _groups(found: Comparison) -> Section | None:
    blocks: list[Block] = [figure for column, groups in found.groups.items() if (figure := _by(found, column, groups)) is not None]
    return Section("groups", "Who gains and who loses", tuple(blocks)) if blocks else None


def _by(found: Comparison, column: str, groups: Sequence[Contest]) -> Figure | None:
    if len(groups) < 2:
        return None
    name = metrics.title(found.second.evaluation.selects)
    better = [one for one in groups if one.gain.low > 0]
    worse = [one for one in groups if one.gain.high < 0]
    if worse:
        title = f"{column}: {found.second.name} is clearly worse for “{worse[-1].name}”" + (
            f" and {len(worse) - 1} more" if len(worse) > 1 else ""
        )
    elif better:
        title = f"{column}: {found.second.name} is clearly better for “{better[0].name}”" + (
            f" and {len(better) - 1} more" if len(better) > 1 else ""
        )
        title += ", clearly worse for none"
    else:
        title = f"{column}: neither is clearly better for any group"
    # Of many groups those that gain most and those that lose most are drawn.
    half = MOST_SHOWN // 2
    drawn = groups if len(groups) <= MOST_SHOWN else [*groups[:half], *groups[-half:]]
    tones: dict[str, Tone] = {**{one.name: "good" for one in better}, **{one.name: "bad" for one in worse}}
    items = [plots.Rank(one.name, one.gain.value, one.gain.low, one.gain.high, tone=tones.get(one.name, "plain")) for one in drawn]
    label = f"gain in {name}"
    table = Table(
        f"{capital(label)} by {column}, the largest first",
        (column, "rows", "gain", "interval"),
        tuple((one.name, count(one.rows), signed(one.gain.value), interval(one.gain.low, one.gain.high)) for one in groups),
        frozenset({1, 2}),
    )
    reading = f"Right of the dashed line {found.second.name} is better. The intervals hold for all groups of the column together with 95 %."
    return Figure(title, picture(lambda width: plots.ranks(width, title, items, label, zero=0.0, shown=signed), title), reading, table)


def _calibrations(found: Comparison) -> Figure | None:
    sides = [side for side in (found.first, found.second) if len(side.bins) >= 2]
    if len(sides) < 2:
        return None
    shown = share if found.is_chance else number
    clear = [side.name for side in sides if any(one.clear for one in side.bins)]
    if clear:
        title = f"What it says and what happens clearly differ somewhere for {' and for '.join(clear)}"
    else:
        title = "What they say comes about with both, as far as these rows can tell"
    names = (found.axes["said"], found.axes["happened"])
    body = tuple(
        (side.name, count(one.rows), shown(one.said), shown(one.happened), f"{shown(one.low)} to {shown(one.high)}")
        for side in sides
        for one in side.bins
    )
    table = Table("What was said and what happened", ("model", "rows", *names, "95 % interval"), body, frozenset({1, 2, 3}))
    drawn = picture(lambda width: plots.calibration(width, title, [side.bins for side in sides], names, is_chance=found.is_chance), title)
    return Figure(title, drawn, f"{_colours(found)} On the dashed line, what was said is what happened. Bars are 95 % intervals.", table)


def _colours(found: Comparison) -> str:
    return f"Blue is {found.first.name}, orange {found.second.name}."


def _trust(found: Comparison) -> Section | None:
    figure = _calibrations(found)
    return Section("trust", "How far to trust a number that they give", (figure,)) if figure else None


def _worth(found: Comparison) -> Section | None:
    sides = [(side, [one for one in side.cuts if one.value is not None]) for side in (found.first, found.second)]
    gain = found.gains.get("value")
    if any(len(cuts) < 2 for _, cuts in sides) or gain is None:
        return None
    word = {"Better": "more", "Worse": "less"}.get(_verdict(gain)[0])
    if word:
        title = f"At their thresholds {found.second.name} is worth clearly {word}: {signed(gain.value)} per 1,000 rows"
    else:
        title = f"At their thresholds neither is worth clearly more; the difference is {signed(gain.value)} per 1,000 rows"
    series = [plots.Worth(cuts, side.candidate.threshold, side.name) for side, cuts in sides]
    body = []
    for side, cuts in sides:
        step = max(1, len(cuts) // 12)
        body += [
            (side.name, share(one.threshold), number(one.yes), number(one.right), number(one.value or 0.0), interval(one.low, one.high))
            for one in cuts[::step]
        ]
    heads = ("model", "threshold", "yes", "of those right", "worth", "95 % interval")
    table = Table("Decisions by threshold, per 1,000 rows", heads, tuple(body), frozenset({1, 2, 3, 4}))
    reading = f"{_colours(found)} Worth per 1,000 rows {found.about.against}; bands are 95 % intervals, dotted lines the chosen thresholds."
    drawn = picture(lambda width: plots.value(width, title, series, "worth per 1,000 rows"), title)
    return Section("worth", "What their decisions are worth", (Figure(title, drawn, reading, table),))


def _made(found: Comparison) -> Section:
    first, second = found.first, found.second
    rows = [(name, one, two) for (name, one), (_, two) in zip(_facts(first), _facts(second), strict=True)]
    names = dict.fromkeys([*first.candidate.parameters, *second.candidate.parameters])
    for name in names:
        one, two = (str(side.candidate.parameters.get(name, "")) for side in (first, second))
        if one != two:
            rows.append((name, one, two))
    head = ("what", first.name, second.name)
    return Section("made", "How they were made", (Table("Facts, and parameters that differ", head, tuple(rows)),))


def _facts(side: Side) -> list[tuple[str, str]]:
    candidate = side.candidate
    until = candidate.fitted_before
    return [
        ("candidate", candidate.id),
        ("role", side.role),
        ("estimator", candidate.estimator),
        ("learned from", f"{count(candidate.fitted_rows)} rows" + (f" up to {date(until)}" if until else "")),
        ("final fit", "without its test rows" if candidate.final_fit == "development" else "on every row known then"),
        ("threshold", number(candidate.threshold)),
        ("calibrated", "yes" if candidate.calibration else "no"),
        ("answering one row", f"{number(candidate.serving.median)} µs" if candidate.serving else "not measured"),
        ("recipes tried", count(candidate.trials)),
    ]


def _evidence(found: Comparison) -> Section:
    first, second = found.first, found.second
    body = []
    for name in metrics.ordered(found.gains, second.evaluation.selects):
        gain = found.gains[name]
        ours, theirs = second.evaluation[name].value, first.evaluation[name].value
        body.append(
            (
                metrics.title(name),
                number(theirs),
                number(ours),
                signed(gain.value),
                interval(gain.low, gain.high),
                _verdict(gain)[0].lower(),
            )
        )
    heads = ("metric", first.name, second.name, "gain", "95 % interval", f"{second.name} is")
    many = second.evaluation
    together = {"day": "whole days together", "subject": "whole subjects together"}.get(many.unit, "each row by itself")
    lead = f"Gains are paired: both scored the same {count(many.count)} rows. The intervals are for 95 % and take {together}. "
    lead += "In every gain more is better."
    agreed = Table(
        "Rows that went right",
        ("with", "rows"),
        (
            ("both", count(found.agreed["both"])),
            (f"only {first.name}", count(found.agreed["first"])),
            (f"only {second.name}", count(found.agreed["second"])),
            ("neither", count(found.agreed["neither"])),
        ),
        frozenset({1}),
    )
    table = Table("Every metric that both have", heads, tuple(body), frozenset({1, 2, 3}))
    digest = Table("The rows, by digest", ("what", "digest"), (("rows and truth", many.rows),), codes=frozenset({1}), folded=True)
    return Section("evidence", "The evidence", (Text(lead), table, agreed, digest))
