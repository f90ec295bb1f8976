"""What the data looked like: how columns are distributed, and how far the test lies from what was learned from."""

from __future__ import annotations

from keepfit.loop.report import Report
from keepfit.loop.spread import Spread
from keepfit.reports import plots
from keepfit.reports.numbers import between, count, number, share
from keepfit.reports.page import Block, Cell, Figure, Picture, Section, Table, Text
from keepfit.reports.quality import picture

__all__ = ["columns", "moved"]

MOST_SHOWN = 12
#: Columns whose distributions are drawn; of a wider table the rest is listed.
MOST_DRAWN = 60


def moved(report: Report) -> Section | None:
    """How far the columns of the new rows lie from the rows that were learned from."""
    known = [(one, one.moved) for one in report.spread if one.moved is not None]
    if not known:
        return None
    ordered = sorted(known, key=lambda one: (-one[1], one[0].column))
    beyond = [one for one, far in ordered if one.usual is not None and far > 1.5 * one.usual and far > 0.05]
    first, far = ordered[0]
    if beyond:
        most = beyond[0]
        title = f"{most.column} moved beyond the usual: {number(most.moved or 0.0)}, where {number(most.usual or 0.0)} was the most before"
    elif first.usual is None:
        title = f"{first.column} differs most between learning and test: {number(far)} on a scale from 0 to 1"
    else:
        title = "No column moved far beyond what it usually does"
    items = [plots.Rank(one.column, far, beside=one.usual, tone="bad" if one in beyond else "plain") for one, far in ordered[:MOST_SHOWN]]
    table = Table(
        "How far each column of the test lies from what was learned from",
        ("column", "distance", "largest before", "missing, learned", "missing, test"),
        tuple(
            (
                one.column,
                number(far),
                "not known" if one.usual is None else number(one.usual),
                share(one.missing),
                share(one.missing_now or 0.0),
            )
            for one, far in ordered
        ),
        frozenset({1, 2, 3, 4}),
    )
    reading = "Jensen-Shannon distance: 0 for equal distributions, 1 for disjoint ones. "
    if any(one.usual is not None for one, _ in ordered):
        reading += "The upright bar is the largest distance of an earlier stretch, about as long as the test, from the rest."
    else:
        reading += "Too few rows were learned from to say what is usual."
    drawn = picture(lambda width: plots.ranks(width, title, items, "distance", zero=0.0), title)
    return Section("moved", "What moved between learning and test", (Figure(title, drawn, reading, table),))


def columns(report: Report) -> Section:
    """What was learned from, column by column."""
    made, snapshots = report.made, report.made.snapshots
    rows = sum(one.known for one in snapshots)
    when = f", from {between(*made.learned)}" if made.learned else ""
    lead = f"It learned from {count(report.candidate.fitted_rows)} rows{when}. The snapshots hold {count(rows)} rows whose truth is known."
    others = [one for one in made.columns if "feature" not in one.uses]
    blocks: list[Block] = [Text(lead)]
    if report.spread:
        now = report.tested is not None
        heads = ("column", "kind", "what most rows hold", "missing", "learned (filled)" + (" and test (line)" if now else ""))
        drawn = {one.column for one in sorted(report.spread, key=lambda one: -_weight(report, one))[:MOST_DRAWN]}
        table = tuple(
            (one.column, one.kind, one.says, share(one.missing), _spark(one) if one.column in drawn else "not drawn")
            for one in report.spread
        )
        blocks.append(Table(f"The {count(len(table))} columns that it may use", heads, table, frozenset({3})))
    blocks += _found(report)
    if others or made.dropped:
        listed: list[tuple[Cell, ...]] = [(one.name, one.kind, ", ".join(one.uses) or "unused") for one in others]
        listed += [(name, "", "not taken") for name in made.dropped]
        blocks.append(Table("The other columns", ("column", "kind", "what it is for"), tuple(listed)))
    blocks.append(Text("Names of fewer than ten rows stand together, so that no page tells of one person.", aside=True))
    return Section("data", "What the data looked like", tuple(blocks))


def _found(report: Report) -> list[Block]:
    """What did not fit the schema, and what was suspected of the table."""
    listed = [
        (one.column or "the table", "does not fit", one.because, f"{count(one.count)} rows")
        for found in report.made.inspections
        for one in found.violations
    ]
    listed += [
        (one.column or "the table", "suspected", one.because, one.suggests) for found in report.made.inspections for one in found.suspicions
    ]
    if not listed:
        return [Text("Every row fits the schema, and nothing is suspected of the table.")] if report.made.inspections else []
    return [Table("What was found in the table before anything was fitted", ("column", "what", "because", "of, or remedy"), tuple(listed))]


def _weight(report: Report, one: Spread) -> float:
    weighed = report.tested.importance.get(one.column) if report.tested else None
    return weighed.value if weighed else 0.0


def _spark(one: Spread) -> Picture | str:
    if not one.bars:
        return "no picture"
    drawn = plots.spark(one.bars, f"distribution of {one.column}, by {one.axis}")
    return Picture(drawn, drawn, "")
