"""Who gets it wrong: groups, slices, and what a model looks at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from keepfit.column import FEWEST_SHOWN
from keepfit.evaluation import Evaluation, Group, Importance, Slice
from keepfit.loop.report import Report
from keepfit.reports import maps, metrics, plots
from keepfit.reports.numbers import count, interval, number, share, signed
from keepfit.reports.page import Block, Figure, Section, Table, Text, Tone
from keepfit.reports.quality import capital, picture

__all__ = ["looks_at", "people"]

#: Rows of a plot; the table behind it holds more.
MOST_SHOWN = 12


def people(report: Report) -> Section | None:
    """Groups and slices."""
    evaluation = report.evaluation
    if evaluation is None:
        return None
    by = {**(report.tested.groups if report.tested else {}), **evaluation.groups}
    blocks: list[Block] = [figure for column, groups in by.items() if (figure := _groups(evaluation, column, groups)) is not None]
    if evaluation.slices:
        blocks.insert(0, _slices(evaluation.slices))
    if report.tested and (figure := _taken(report.candidate.classes, report.tested.taken)) is not None:
        blocks.insert(0, figure)
    for column, rest in evaluation.rest.items():
        blocks.append(
            Text(f"{count(rest.groups)} groups of {column} hold too few rows to be measured: {count(rest.rows)} rows together.", aside=True)
        )
    return Section("people", "Who gets it wrong", tuple(blocks)) if blocks else None


def _groups(evaluation: Evaluation, column: str, groups: Mapping[str, Group]) -> Figure | None:
    measured = {name: (one.count, one.metrics[evaluation.selects]) for name, one in groups.items() if evaluation.selects in one.metrics}
    whole = evaluation.metrics.get(evaluation.selects)
    if len(measured) < 2 or whole is None:
        return None
    name = metrics.title(evaluation.selects)
    higher_is_worse = whole.better == "lower"
    ordered = sorted(measured.items(), key=lambda one: one[1][1].value, reverse=higher_is_worse)
    apart = {
        group for group, (_, one) in ordered if one.low is not None and one.high is not None and not one.low <= whole.value <= one.high
    }
    worse = [group for group, (_, one) in ordered if group in apart and (one.value > whole.value) == higher_is_worse]
    (worst, (_, low)), (best, (_, high)) = ordered[0], ordered[-1]
    if worse:
        many = f" and {len(worse) - 1} more" if len(worse) > 1 else ""
        title = (
            f"{column}: clearly worse for “{worse[0]}”{many} ({name} {number(measured[worse[0]][1].value)}, {number(whole.value)} overall)"
        )
    elif apart:
        title = f"{column}: no group is clearly worse than the whole; “{best}” is clearly better ({name} {number(high.value)})"
    else:
        ends = f"{number(high.value)} (“{best}”) to {number(low.value)} (“{worst}”)"
        title = f"{column}: no group clearly differs from the whole; {name} from {ends}"
    shown = ordered[:MOST_SHOWN]
    tones: dict[str, Tone] = {group: "bad" if group in worse else "good" for group in apart}
    items = [plots.Rank(group, one.value, one.low, one.high, tone=tones.get(group, "plain")) for group, (_, one) in shown]
    table = Table(
        f"{capital(name)} by {column}, the worst first",
        (column, "rows", name, "interval"),
        tuple((group, count(rows), number(one.value), interval(one.low, one.high)) for group, (rows, one) in ordered),
        frozenset({1, 2}),
    )
    reading = (
        f"{capital(name)}, {'lower' if higher_is_worse else 'higher'} is better; the dashed line is the whole. Coloured groups clearly "
    )
    reading += "differ from it: the intervals hold for all groups of the column together with 95 %."
    if len(ordered) > len(shown):
        reading += f" The {len(shown)} worst of {len(ordered)} groups."
    return Figure(title, picture(lambda width: plots.ranks(width, title, items, name, zero=whole.value), title), reading, table)


def _taken(classes: Sequence[object], taken: Sequence[Sequence[int]]) -> Figure | None:
    """Which class is taken for which; those of few rows stand together."""
    often = [place for place, row in enumerate(taken) if sum(row) >= FEWEST_SHOWN]
    often = sorted(sorted(often, key=lambda place: -sum(taken[place]))[:MOST_SHOWN])
    if len(often) < 2:
        return None
    names = [str(classes[place]) for place in often]
    wrong = [(taken[one][other] / sum(taken[one]), one, other) for one in often for other in often if one != other]
    size, one, other = max(wrong)
    if size > 0:
        title = f"“{classes[one]}” is most often taken for “{classes[other]}”: {share(size)} of {count(sum(taken[one]))} rows"
    else:
        title = "None of the frequent values is taken for another"

    def said(row: int, column: int) -> tuple[float, str, bool]:
        part = taken[row][column] / sum(taken[row])
        return (
            part,
            f"{classes[row]} taken for {classes[column]}: {count(taken[row][column])} rows, {share(part)}",
            row != column and part > 0.2,
        )

    cells = [[said(row, column) for column in often] for row in often]
    body = [
        (name, count(sum(taken[row])), *(count(taken[row][column]) for column in often)) for name, row in zip(names, often, strict=True)
    ]
    table = Table(
        "Rows of each value (down) by what was named (across)",
        ("true value", "rows", *names),
        tuple(body),
        frozenset(range(1, len(often) + 2)),
    )
    reading = "Down: what was true. Across: what the model named, as a share of the row. A dot marks more than a fifth that went wrong."
    if len(often) < len(taken):
        reading += f" The {len(often)} most frequent of {len(taken)} values."
    return Figure(title, picture(lambda width: maps.heat(width, title, names, names, cells), title), reading, table)


def _slices(slices: tuple[Slice, ...]) -> Figure:
    name = metrics.title(slices[0].metric)
    clear = [one for one in slices if one.behind.low > 0]
    if clear:
        title = f"It is weakest where {clear[0].where}: {name} is worse there by {number(clear[0].behind.value)}"
    else:
        title = "No slice that was suspected on other rows is clearly worse on these"
    items = [
        plots.Rank(one.where, one.behind.value, one.behind.low, one.behind.high, tone="bad" if one.behind.low > 0 else "plain")
        for one in slices[:MOST_SHOWN]
    ]
    table = Table(
        f"How far each slice is behind the other rows, in {name}",
        ("where", "rows", f"behind in {name}", "interval"),
        tuple((one.where, count(one.count), signed(one.behind.value), interval(one.behind.low, one.behind.high)) for one in slices),
        frozenset({1, 2}),
    )
    reading = "Right of the dashed line the model is worse within than elsewhere. Slices were found on other rows; the intervals "
    reading += "hold for all of them together with 95 %."
    return Figure(
        title, picture(lambda width: plots.ranks(width, title, items, f"behind, in {name}", zero=0.0, shown=signed), title), reading, table
    )


def looks_at(report: Report) -> Section | None:
    """What each column is worth to the model."""
    found: Mapping[str, Importance] = report.tested.importance if report.tested else {}
    if not found:
        found = report.evaluation.importance if report.evaluation else {}
    if not found:
        return None
    ordered = sorted(found.items(), key=lambda one: (-one[1].value, one[0]))
    clear = [column for column, one in ordered if one.low is not None and one.low > 0]
    silent = len(ordered) - len(clear)
    if clear:
        title = f"It looks most at {' and '.join(clear[:2])}"
        title += f"; {silent} of {len(ordered)} columns are not clearly used" if silent else ""
    else:
        title = "No column is clearly worth anything to it on these rows"
    items = [
        plots.Rank(column, one.value, one.low, one.high, tone="good" if column in clear else "plain")
        for column, one in ordered[:MOST_SHOWN]
    ]
    unit = "rise of the mean loss"
    table = Table(
        "What each column is worth: the rise of the mean loss when its values are shuffled among the rows",
        ("column", unit, "95 % interval"),
        tuple((column, signed(one.value), interval(one.low, one.high)) for column, one in ordered),
        frozenset({1}),
    )
    reading = (
        "How much worse it gets when a column tells it nothing. Columns that say the same share what they say, so each alone looks small."
    )
    if len(ordered) > MOST_SHOWN:
        reading += f" The first {MOST_SHOWN} of {len(ordered)}."
    drawn = picture(lambda width: plots.ranks(width, title, items, unit, zero=0.0), title)
    return Section("looks-at", "What it looks at", (Figure(title, drawn, reading, table),))
