"""How it is kept: what moved in which window, incidents, and what the loop and people did."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from keepfit.incident import Incident
from keepfit.instant import micros
from keepfit.loop.report import Report
from keepfit.reports import maps
from keepfit.reports.numbers import between, count, date, number, signed
from keepfit.reports.page import Block, Figure, Section, Table, Text, Tone
from keepfit.reports.quality import picture
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
    if report.windows:
        blocks.append(_windows(report))
    if report.events:
        rows = tuple((f"{one.at:%Y-%m-%d %H:%M}", one.kind, one.says, one.by, str(one.seq)) for one in reversed(report.events))
        heads = ("when, UTC", "what", "", "by", "entry")
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
    many = "1 incident was opened" if len(report.incidents) == 1 else f"{len(report.incidents)} incidents were opened"
    return said + f"{many}; {len(still) or 'none'} of them {'is' if len(still) == 1 else 'are'} still open."


def _moved(windows: Sequence[Window]) -> Figure | None:
    """The distance of every column from its reference, window by window; of several releases in one window the largest."""
    effects: dict[str, dict[datetime, float]] = {}
    seen = [one for one in windows if one.drift][-MOST_WINDOWS:]
    for window in seen:
        for one in window.drift:
            found = effects.setdefault(one.column, {})
            found[window.begin] = max(one.effect, found.get(window.begin, 0.0))
    begins = sorted({one.begin for one in seen})
    if len(begins) < 2 or not effects:
        return None
    columns = sorted(effects, key=lambda column: -max(effects[column].values()))[:MOST_COLUMNS]
    top = max(max(effects[column].values()) for column in columns) or 1.0

    def at(column: str, begin: datetime) -> float:
        return effects[column].get(begin, 0.0)

    newest = max(columns, key=lambda column: at(column, begins[-1]))
    title = f"In the newest window {newest} lies furthest from what was learned from: {number(at(newest, begins[-1]))}"
    heads = [f"{one.day} {one:%b}" for one in begins]
    cells = [
        [(at(column, begin) / top, f"{column}, window of {date(begin)}: {number(at(column, begin))}", False) for begin in begins]
        for column in columns
    ]
    body = tuple((column, *(number(at(column, begin)) for begin in begins)) for column in columns)
    table = Table("Distance by column and window", ("column", *heads), body, frozenset(range(1, len(heads) + 1)))
    reading = f"The darker, the further the window lies from the rows learned from; the darkest is {number(top)} on a scale from 0 to 1."
    if len(effects) > len(columns):
        reading += f" The {len(columns)} columns of {len(effects)} that moved most."
    return Figure(title, picture(lambda width: maps.heat(width, title, columns, heads, cells), title), reading, table)


def _incidents(report: Report) -> Figure:
    found = report.incidents
    still = [one for one in found if one.closed is None]
    if still:
        gravest = next((one for one in still if one.severity == "critical"), still[-1])
        title = f"Incident {gravest.number} is open since {date(gravest.since)}: {gravest.kind}, {gravest.severity}"
    else:
        title = "Every incident was closed" if len(found) > 1 else "The one incident was closed"
    begin = min([one.since for one in found] + [one.begin for one in report.windows])
    end = max([report.about.made_at] if still else [one.closed for one in found if one.closed] + [one.end for one in report.windows])
    end = min(end, report.about.made_at) if report.about.made_at > begin else end
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


def _name(one: Incident) -> str:
    about = f": {one.about[0]}" if one.about and one.about[0] else ""
    return f"{one.number} {one.kind}{about}"


def _windows(report: Report) -> Table:
    rows = []
    for one in reversed(report.windows):
        told = ["not known" if rate is None else number(rate) for rate in (one.expected, one.happened)]
        change = "" if one.change is None else f"{signed(one.change.value)} [{signed(one.change.low)}, {signed(one.change.high)}]"
        rows.append((between(one.begin, one.end), one.release, count(one.predictions), count(one.labels), *told, change))
    heads = ("window", "release", "answers", "truth known", "expected", "happened", "gained since its release")
    return Table("Windows, newest first", heads, tuple(rows), frozenset({2, 3, 4, 5}), folded=len(rows) > MOST_EVENTS)
