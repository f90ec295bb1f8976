"""A report on one candidate as a page."""

from __future__ import annotations

from keepfit.instant import show
from keepfit.loop.report import Report
from keepfit.reports.data import columns, moved
from keepfit.reports.making import evidence, made
from keepfit.reports.opening import opening
from keepfit.reports.page import Block, Page, Section, Text
from keepfit.reports.quality import in_test, trust, worth
from keepfit.reports.watched import kept
from keepfit.reports.weak import looks_at, people

__all__ = ["page"]


def page(report: Report) -> Page:
    """The whole page, plain words first and the evidence last."""
    tested = report.tested
    first = opening(report)
    sections = [
        kept(report),
        _over_test(report) if first.figure and report.windows else None,
        people(report),
        looks_at(report),
        trust(tested, shown=first.figure) if tested else None,
        worth(report, tested) if tested else None,
        moved(report),
        columns(report),
        made(report),
        evidence(report),
    ]
    if report.untested and report.evaluation is not None:
        sections.insert(0, Section("untested", "What could not be shown", (Text(report.untested),)))
    name = report.release or report.candidate.id
    about = report.about
    footer = f"Made by keepfit {about.keepfit} at {show(about.made_at.replace(microsecond=0))}, ledger entry {about.head.seq}."
    return Page(f"{name} · {about.project}", first, tuple(one for one in sections if one is not None), footer)


def _over_test(report: Report) -> Section | None:
    """The time of the test by itself, where the first screen shows live windows."""
    figure = in_test(report.evaluation, report.tested.stretches) if report.evaluation and report.tested else None
    blocks: tuple[Block, ...] = (figure,) if figure else ()
    return Section("test", "How it did on its test rows", blocks) if blocks else None
