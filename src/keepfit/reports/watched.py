"""How it is kept: what moved in which window, incidents, and what the loop and people did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from keepfit.drift import Drift
from keepfit.incident import Incident
from keepfit.instant import micros
from keepfit.loop.report import Report
from keepfit.reports import maps
from keepfit.reports.numbers import between, count, date, number, signed
from keepfit.reports.page import Block, Figure, Section, Table, Text, Tone
from keepfit.reports.quality import capital, picture
from keepfit.window import Window

__all__ = ["kept"]

MOST_COLUMNS, MOST_WINDOWS = 15, 26
#: Events that are listed at once; more fold.
MOST_EVENTS = 8
_TONES: dict[str, Tone] = {"critical": "bad", "warning": "unsure", "info": "plain"}


def kept(report: Report) -> Section | None:
    """What was seen since it serves, and what was done about it; None where nothing was watched yet."""
    if not report.windows and not report.incidents:
        return None
    blocks: list[Block] = [Text(_lead(report))]
    if (figure := _moved(report.windows)) is not None:
        blocks.append(figure)
    if report.incidents:
        blocks.append(_incidents(report))
    if (signals := _signals(report.windows)) is not None:
        blocks.append(signals)
    if (expected := _expected(report)) is not None:
        blocks.append(expected)
    if report.windows:
        blocks.append(_windows(report))
        blocks += [Text(f"{capital(note)}.", aside=True) for note in report.windows[-1].notes]
    if report.events:
        rows = tuple((f"{one.at:%Y-%m-%d %H:%M}", one.kind, one.says, one.by, str(one.seq)) for one in reversed(report.events))
        heads = ("when, UTC", "kind", "what", "by", "entry")
        blocks.append(Table("What was done, newest first", heads, rows, frozenset({4}), folded=len(rows) > MOST_EVENTS))
    return Section("kept", "How it is kept", tuple(blocks))


def _lead(report: Report) -> str:
    windows = {one.begin for one in report.windows}
    answers, known = sum(one.predictions for one in report.windows), sum(one.labels for one in report.windows)
    champions = "1 release was" if len(report.promotions) == 1 else f"{len(report.promotions)} releases were"
    said = f"{count(len(windows))} windows were watched, with {count(answers)} answers; the truth of {count(known)} is known. "
    said += f"{champions} champion. "
    still = [one for one in report.incidents if one.closed is None]
    if not report.incidents:
        return said + "No incident was opened."
    if len(report.incidents) == 1:
        return said + f"1 incident was opened{', and it is still open' if still else ' and closed again'}."
    return (
        said
        + f"{len(report.incidents)} incidents were opened; {len(still) or 'none'} of them {'is' if len(still) == 1 else 'are'} still open."
    )


def _moved(windows: Sequence[Window]) -> Figure | None:
    """What moved, and what of it matters, window by window; of several questions about a column the most telling answer counts."""
    seen = [one for one in windows if one.drift and one.role == "champion"]
    begins = sorted({one.begin for one in seen})[-MOST_WINDOWS:]
    if len(begins) < 2:
        return None
    told: dict[str, dict[datetime, Drift]] = {}
    for window in seen:
        for one in (one for one in window.drift if one.column):
            found = told.setdefault(_named(one), {})
            if window.begin not in found or _rank(one) > _rank(found[window.begin]):
                found[window.begin] = one
    ordered = sorted(told, key=lambda name: [-sum(each) for each in zip(*map(_rank, told[name].values()), strict=True)])
    names = ordered[:MOST_COLUMNS]
    newest = {name: found[begins[-1]] for name, found in told.items() if begins[-1] in found}
    title = f"In the newest window {_so(newest)}"
    heads = [f"{one.day} {one:%b}" for one in begins]
    cells = [[_cell(name, begin, told[name].get(begin)) for begin in begins] for name in names]
    body = tuple((name, *(_answer(told[name].get(begin)) for begin in begins)) for name in names)
    table = Table("The most telling answer by column and window", ("column", *heads), body)
    reading = "Dark cells moved: they are unlike ordinary windows. A dot marks what matters as well: surely larger than the least "
    reading += "effect that does, weighed by what the column is worth to the model."
    if len(told) > len(names):
        reading += f" The {len(names)} of {len(told)} columns that moved most."
    return Figure(title, picture(lambda width: maps.heat(width, title, names, heads, cells), title), reading, table)


def _named(one: Drift) -> str:
    return one.column if one.about in ("feature", one.column) else f"{one.column} ({one.about})"


def _rank(one: Drift) -> tuple[float, float, float, float]:
    """How telling an answer is: whether it answers at all, whether it matters, whether it moved, how far beyond its error it lies."""
    return (
        float(one.moved is not None),
        float(bool(one.matters)),
        float(bool(one.moved)),
        abs(one.effect) / one.error if one.error else abs(one.effect),
    )


def _so(newest: Mapping[str, Drift]) -> str:
    matter = [name for name, one in newest.items() if one.matters]
    moved = [name for name, one in newest.items() if one.moved]
    if matter:
        return " and ".join(matter[:2]) + (f" and {len(matter) - 2} more" if len(matter) > 2 else "") + " moved so far that it matters"
    if moved:
        return f"{len(moved)} of {len(newest)} columns moved, none so far that it matters"
    return "nothing moved beyond what windows ordinarily do"


def _cell(name: str, begin: datetime, one: Drift | None) -> tuple[float, str, bool]:
    said = f"{name}, window of {date(begin)}: {_answer(one)}"
    if one is None:
        return 0.0, said, False
    if one.moved is None:
        return min(1.0, abs(one.effect)), said, False
    return (0.9 if one.matters else 0.5 if one.moved else 0.04), said, bool(one.matters)


def _answer(one: Drift | None) -> str:
    if one is None:
        return "not asked"
    word = "matters, " if one.matters else "moved, " if one.moved else ""
    return f"{word}{one.statistic} {signed(one.effect)} {one.unit}".strip()


def _incidents(report: Report) -> Figure:
    found = report.incidents
    still = [one for one in found if one.closed is None]
    if still:
        gravest = next((one for one in still if one.severity == "critical"), still[-1])
        title = f"Incident {gravest.number} is open since {date(gravest.since)}: {gravest.kind}, {gravest.severity}"
    else:
        title = "Every incident was closed" if len(found) > 1 else "The one incident was closed"
    begin = min([one.since for one in found] + [one.begin for one in report.windows])
    # The loop's own clock, which a replay sets: until the last thing that it knows of.
    ends = [one.end for one in report.windows] + [one.at for one in report.events] + [one.closed for one in found if one.closed]
    end = max([*ends, begin + timedelta(hours=1)])
    shown = found[-12:]
    bars = [
        maps.Period(
            _name(one), micros(one.since), micros(one.closed) if one.closed else None, _TONES.get(one.severity, "plain"), one.because
        )
        for one in shown
    ]
    table = Table(
        "Incidents",
        ("number", "kind", "of", "severity", "since", "closed", "because"),
        tuple(
            (
                str(one.number),
                one.kind,
                one.release or "all",
                one.severity,
                date(one.since),
                date(one.closed) if one.closed else "open",
                one.because,
            )
            for one in reversed(found)
        ),
    )
    reading = "From when to when each matter was open; orange is critical, a bar that reaches the right end is still open."
    return Figure(title, picture(lambda width: maps.periods(width, title, bars, micros(begin), micros(end)), title), reading, table)


def _signals(windows: Sequence[Window]) -> Table | None:
    """What the loop had to know of, but for what is only information."""
    told = [(window, one) for window in reversed(windows) for one in window.signals if one.severity != "info"]
    if not told:
        return None
    rows = tuple(
        (between(window.begin, window.end), window.release, one.kind, one.about, one.severity, one.because) for window, one in told
    )
    heads = ("window", "release", "kind", "about", "severity", "because")
    return Table("What stood out, newest first", heads, rows, folded=len(rows) > MOST_EVENTS)


def _expected(report: Report) -> Table | None:
    """What was expected of windows before their labels came, beside what these showed; and how far it was off."""
    found = [one for one in report.estimates if one.selects in one.metrics]
    if not found:
        return None
    seen = {(one.begin, one.end, one.release, one.role): one.evaluation for one in report.windows}
    rows, offs = [], []
    for one in reversed(found):
        expected, measured = one[one.selects], seen.get((one.begin, one.end, one.release, one.role))
        value = measured.metrics[one.selects].value if measured is not None and one.selects in measured.metrics else None
        offs += [abs(expected.value - value)] if value is not None else []
        told = ("not known yet", "") if value is None else (number(value), signed(expected.value - value))
        rows.append((between(one.begin, one.end), one.release, str(expected), *told, count(one.known)))
    what = found[-1].selects.replace("_", " ")
    off = f": off by {number(sum(offs) / len(offs))} on average over {len(offs)} windows" if offs else ""
    heads = ("window", "release", f"{what} expected", "measured", "off by", "labels it rests on")
    return Table(f"What was expected before labels came{off}", heads, tuple(rows), frozenset({3, 4, 5}), folded=len(rows) > MOST_EVENTS)


def _name(one: Incident) -> str:
    about = f": {one.about[0]}" if one.about and one.about[0] else ""
    return f"{one.number} {one.kind}{about}"


def _windows(report: Report) -> Table:
    rows = []
    for one in reversed(report.windows):
        told = ["not known" if rate is None else number(rate) for rate in (one.expected, one.happened)]
        change = "" if one.change is None else f"{signed(one.change.value)} [{signed(one.change.low)}, {signed(one.change.high)}]"
        who = one.release if one.role == "champion" else f"{one.release}, {one.role}"
        rows.append((between(one.begin, one.end), who, count(one.predictions), count(one.labels), *told, change))
    heads = ("window", "release", "answers", "truth known", "expected", "happened", "gained since its release")
    return Table("Windows, newest first", heads, tuple(rows), frozenset({2, 3, 4, 5}), folded=len(rows) > MOST_EVENTS)
