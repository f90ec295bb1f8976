"""A replay as a page: the policies side by side, window by window, and which one is recommended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import version

from keepfit.evaluation import BASELINES
from keepfit.instant import micros, show
from keepfit.replay import NEVER, Figure, Rehearsal, Replay, Stretch
from keepfit.reports import metrics, plots
from keepfit.reports.numbers import between, count, date, interval, number, signed
from keepfit.reports.page import Block, Gate, Opening, Page, Section, Table, Text, Tone
from keepfit.reports.page import Figure as Drawing
from keepfit.reports.quality import capital, picture

__all__ = ["page"]


def page(found: Replay) -> Page:
    """The whole page."""
    sections = (_policies(found), *(_alone(found, one) for one in found.policies if one.name != NEVER), _made(found))
    footer = f"Made by keepfit {version('keepfit')}: a replay of {found.project} from {show(found.begin)} to {show(found.end)}."
    return Page(f"Replay · {found.project}", _opening(found), sections, footer)


def _opening(found: Replay) -> Opening:
    taken, name = found[found.recommended], metrics.title(found.metric)
    never = found[NEVER]
    sentences = [
        f"Recommended is {taken.name}: {found.because}.",
        f"Played over {count(found.rows)} rows in {found.windows} windows from {between(found.begin, found.end)}, by the loop's own steps.",
    ]
    if taken.value is not None and never.value is not None:
        sentences.insert(
            1, f"Its decisions were worth {number(taken.value.value)} per 1,000 rows, those of the first model {number(never.value.value)}."
        )
    word, tone = _word(taken)
    return Opening(
        kicker=f"{found.project} · replay",
        headline=f"{capital(taken.name)} is the policy to take",
        sentences=tuple(sentences),
        picture=None,
        legend=(),
        verdict=word,
        tone=tone,
        verdict_says=f"than never refitting, by {name}, the metric by which candidates compete",
        gates=tuple(_line(found, one) for one in found.policies if one.name != NEVER),
        figure=_over_time(found, taken),
    )


def _word(one: Rehearsal) -> tuple[str, Tone]:
    if one.gain is None or one.gain.low <= 0 <= one.gain.high:
        return "Not clearly better", "unsure"
    return ("Better", "good") if one.gain.low > 0 else ("Worse", "bad")


def _line(found: Replay, one: Rehearsal) -> Gate:
    word, tone = _word(one)
    gain = f", gain {signed(one.gain.value)} [{signed(one.gain.low)}, {signed(one.gain.high)}]" if one.gain is not None else ""
    return Gate(one.name, word.lower(), tone, f"{number(found[NEVER].quality.value)} → {number(one.quality.value)}{gain}, {_many(one)}")


def _many(one: Rehearsal) -> str:
    return "1 promotion" if one.promotions == 1 else f"{one.promotions} promotions"


def _over_time(found: Replay, one: Rehearsal) -> Drawing | None:
    """A policy beside the first model, window by window, with its promotions marked."""
    beside = [found[NEVER]] if one.name != NEVER else []
    shown = [each for each in (*beside, one) if sum(stretch.quality is not None for stretch in each.windows) > 1]
    if not shown:
        return None
    name, series = metrics.title(found.metric), [*beside, one]
    points = [point for number_, each in enumerate(series) for point in _points(each, number_)]
    marks = [(micros(at), who) for at, who in _promoted(one.windows)]
    better = _ahead(one, found)
    title = f"Under {one.name} {better}" if beside else f"{capital(name)} of the first model, which is never refitted"
    rows = tuple(
        (date(stretch.begin), count(stretch.rows), *(_figure(each.windows[place].quality) for each in series), ", ".join(stretch.promoted))
        for place, stretch in enumerate(one.windows)
    )
    heads = ("from", "rows", *(each.name for each in series), "promoted")
    table = Table(f"{capital(name)} by window, with the 95 % interval", heads, rows, frozenset({1}), folded=True)
    reading = f"{capital(name)} of what was answered in each window; the bars are 95 % intervals, whole days together."
    reading += " Lines mark when a release took over." if marks else ""
    names = [each.name for each in series] if len(series) > 1 else []
    drawn = picture(lambda width: plots.timeline(width, title, points, name, marks=marks, names=names), title)
    return Drawing(title, drawn, reading, table)


def _points(one: Rehearsal, series: int) -> list[plots.Point]:
    return [
        plots.Point(
            micros(stretch.begin),
            micros(stretch.end),
            stretch.quality.value,
            stretch.quality.low,
            stretch.quality.high,
            series,
            f"{one.name}, {date(stretch.begin)}: {_figure(stretch.quality)}, {count(stretch.rows)} rows",
        )
        for stretch in one.windows
        if stretch.quality is not None
    ]


def _promoted(windows: Sequence[Stretch]) -> list[tuple[datetime, str]]:
    return [(stretch.begin, " ".join(stretch.promoted)) for stretch in windows if stretch.promoted]


def _ahead(one: Rehearsal, found: Replay) -> str:
    pairs = [(a.quality, b.quality) for a, b in zip(one.windows, found[NEVER].windows, strict=True) if a.quality and b.quality]
    higher = found.better == "higher"
    ahead = sum((a.value > b.value) if higher else (a.value < b.value) for a, b in pairs)
    same = sum(a.value == b.value for a, b in pairs)
    equal = f", the same in {same}" if same else ""
    return f"answers were better than the first model's in {ahead} of {len(pairs)} windows{equal}"


def _figure(figure: Figure | None) -> str:
    if figure is None:
        return "too few rows"
    return number(figure.value) + (
        f" [{number(figure.low)}, {number(figure.high)}]" if figure.low is not None and figure.high is not None else ""
    )


def _policies(found: Replay) -> Section:
    name = metrics.title(found.metric)
    ranked = sorted(found.policies, key=lambda one: one.quality.value, reverse=found.better == "higher")
    items = [
        plots.Rank(
            one.name, one.quality.value, one.quality.low, one.quality.high, tone="good" if one.name == found.recommended else "plain"
        )
        for one in ranked
    ]
    title = f"{ranked[0].name} had the best {name}, {number(ranked[0].quality.value)}"
    heads = (
        "policy",
        name,
        "gain over never",
        "promotions",
        "fits",
        "CPU-s",
        "labels",
        "incidents",
        "of them false",
        "recovery",
        "value per 1,000",
    )
    rows = tuple(
        (
            one.name + (" (no policy: the yardstick)" if one.is_yardstick else ""),
            _figure(one.quality),
            f"{signed(one.gain.value)} [{interval(one.gain.low, one.gain.high)}]" if one.gain is not None else "",
            count(one.promotions),
            count(one.fits),
            number(one.seconds),
            count(one.labels),
            count(len(one.troubles)),
            count(one.false_alarms),
            _recovery(found, one),
            _figure(one.value) if one.value is not None else "",
        )
        for one in ranked
    )
    table = Table("What each policy came to", heads, rows, frozenset(range(3, 9)))
    drawn = picture(lambda width: plots.ranks(width, title, items, name), title)
    reading = (
        "Intervals are for 95 %, whole days resampled; those of the same rows move together, so that gains are surer than they look here."
    )
    blocks: list[Block] = [Drawing(title, drawn, reading, table)]
    if found.baselines:
        listed = tuple((BASELINES.get(key, key), _figure(one)) for key, one in found.baselines.items())
        blocks.append(Table("Answers that need no model, on the same rows", ("answer", name), listed))
    changes = ", ".join(between(*one) for one in found.changes)
    said = (
        f"The world had changed for the first model in: {changes}."
        if changes
        else "In no window was the first model clearly behind a fresh one."
    )
    blocks.append(Text(f"{said} A false alarm is an incident in whose time no window was clearly behind the yardstick."))
    return Section("policies", "The policies side by side", tuple(blocks))


def _recovery(found: Replay, one: Rehearsal) -> str:
    if not found.changes:
        return ""
    days = f"{number(one.recovery)} days" if one.recovery is not None else "never"
    return f"{days}, {one.unrecovered} not made up for" if one.unrecovered else days


def _alone(found: Replay, one: Rehearsal) -> Section:
    blocks: list[Block] = []
    if (drawn := _over_time(found, one)) is not None:
        blocks.append(drawn)
    if one.troubles:
        rows = tuple(
            (t.kind, date(t.begin), date(t.end) if t.end else "still open", "false alarm" if t.false else "") for t in one.troubles
        )
        blocks.append(Table("Incidents", ("kind", "from", "until", ""), rows, folded=len(rows) > 6))
    said = tuple((key, _written(value)) for key, value in one.settings.items() if value is not None)
    if said:
        blocks.append(Table("What it says in place of the project file", ("setting", "value"), said, folded=True))
    return Section(f"policy-{found.policies.index(one)}", capital(one.name), tuple(blocks))


def _written(value: object) -> str:
    return ", ".join(map(str, value)) or "nothing" if isinstance(value, (list, tuple)) else str(value)


def _made(found: Replay) -> Section:
    lines = [
        f"The first model was fitted as of {show(found.begin)} on what was known then. From there on rows came as they had come, were "
        f"answered by the release that was champion at that moment, and got their labels {found.label_delay} later. "
        "Nothing of it reached the project.",
        *(f"{capital(note)}." for note in found.notes),
    ]
    return Section("made", "How it was played", tuple(Text(line) for line in lines))
