"""What pages say of records: the golden ones, and what was made of them here."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from keepfit import record
from keepfit.drift import Drift
from keepfit.evaluation import Gain, Group, Measured, Slice
from keepfit.gate import Outcome
from keepfit.incident import Incident
from keepfit.loop.compare import Comparison
from keepfit.loop.curves import Bin, Cut, Stretch
from keepfit.loop.report import Promotion, Report
from keepfit.reports import compare as comparisons
from keepfit.reports.page import Figure, Table
from keepfit.reports.render import Document, html, markdown
from keepfit.reports.report import page
from keepfit.signal import Signal
from keepfit.verdict import Verdict

GOLDEN = Path(__file__).parents[2] / "golden" / "records"
BEGIN = datetime(2013, 3, 4, tzinfo=UTC)


@pytest.fixture
def report():
    return record.from_json(Report, json.loads((GOLDEN / "report.json").read_text(encoding="utf-8")))


@pytest.fixture
def comparison():
    return record.from_json(Comparison, json.loads((GOLDEN / "comparison.json").read_text(encoding="utf-8")))


def titles(shown):
    """The findings of all figures, by section."""
    found = {section.id: [block.title for block in section.blocks if isinstance(block, Figure)] for section in shown.sections}
    return found | {"first": [shown.opening.figure.title] if shown.opening.figure else []}


def judged(report, *statuses):
    outcomes = tuple(Outcome(f"g{number}", "at_least", status, "why", "what") for number, status in enumerate(statuses))
    return page(replace(report, verdict=Verdict("c2", None, "b3:", outcomes))).opening


def test_the_verdict_is_a_word_with_a_tone_and_every_gate_stands_below_it(report):
    said = [judged(report, *statuses) for statuses in (["passed"], ["passed", "failed"], ["undecided", "passed"], [])]
    assert [(one.verdict, one.tone) for one in said] == [
        ("Passed", "good"),
        ("Failed", "bad"),
        ("Undecided", "unsure"),
        ("No gates", "plain"),
    ]
    assert [gate.word for gate in said[1].gates] == ["passed", "failed"]
    assert said[1].gates[1].because == "why. what"
    assert page(replace(report, verdict=None)).opening.verdict == "Not judged"


def test_a_report_without_a_measured_row_says_why(report):
    shown = page(replace(report, evaluation=None, tested=None, sentence="", untested="It learned from every row.", gains={}))
    assert shown.opening.sentences == ("It learned from every row.",)
    assert {section.id for section in shown.sections} >= {"data", "made", "kept"}
    assert "It learned from every row" in markdown(shown)


def test_calibration_is_called_off_only_where_bins_clearly_are(report):
    bins = (Bin(50, 0.2, 0.25, 0.1, 0.4, False), Bin(50, 0.6, 0.4, 0.3, 0.5, True))
    off, fine = (
        page(replace(report, tested=replace(report.tested, bins=tuple(replace(one, clear=one.clear and clear) for one in bins))))
        for clear in (True, False)
    )
    assert "It promises too much around 60\u00a0%: there, 40\u00a0% came about" in titles(off)["trust"] + titles(off)["first"]
    assert "Its chances keep their word, as far as these rows can tell" in titles(fine)["trust"] + titles(fine)["first"]


def test_a_stretch_is_called_worse_only_where_it_clearly_is(report):
    def over(*values, clear):
        stretches = tuple(
            Stretch(
                BEGIN + timedelta(days=day),
                BEGIN + timedelta(days=day + 1),
                100,
                Measured(value, 0.1, 0.9, "lower", ()),
                clear and value > 0.6,
            )
            for day, value in enumerate(values)
        )
        return titles(page(replace(report, windows=(), tested=replace(report.tested, stretches=stretches))))["first"][0]

    assert over(0.4, 0.7, 0.3, clear=False).endswith("no stretch clearly differs")
    assert "clearly worse on 5 Mar 2013: 0.7, against 0.4" in over(0.4, 0.7, 0.3, clear=True)


def test_groups_and_slices_are_called_worse_only_where_their_intervals_say_so(report):
    def measured(value, low, high):
        return Group(50, {"log_loss": Measured(value, low, high, "lower", ())})

    groups = {"shop": {"north": measured(0.5, 0.45, 0.55), "south": measured(0.3, 0.2, 0.39), "west": measured(0.42, 0.3, 0.6)}}
    slices = (Slice("amount below 3", "log_loss", 40, Gain(0.2, 0.1, 0.3)), Slice("b", "log_loss", 40, Gain(0.1, -0.1, 0.3)))
    tested = replace(report.tested, groups={})
    evaluation = replace(report.evaluation, groups=groups, slices=slices)
    found = titles(page(replace(report, evaluation=evaluation, tested=tested)))["people"]
    assert found[0] == "It is weakest where amount below 3: log loss is worse there by 0.2"
    assert found[1] == "shop: clearly worse for “north” (log loss 0.5, 0.4 overall)"
    alike = {"shop": {name: measured(0.4, 0.3, 0.5) for name in ("north", "south")}}
    assert (
        "no group clearly differs"
        in titles(page(replace(report, evaluation=replace(evaluation, groups=alike), tested=tested)))["people"][1]
    )


def test_the_worth_of_decisions_names_its_threshold_and_whether_it_is_clearly_something(report):
    cuts = (Cut(0.1, 600, 200, 50.0, -20.0, 120.0), Cut(0.2, 400, 180, 90.0, 10.0, 170.0), Cut(0.9, 10, 9, 5.0, 1.0, 9.0))
    (title,) = titles(page(replace(report, tested=replace(report.tested, cuts=cuts))))["worth"]
    assert title == "Acting from 20\u00a0% on is worth 90 per 1,000 rows, clearly more than nothing"


def test_windows_releases_incidents_and_what_was_done_have_their_page(report):
    def window(week):
        begin = BEGIN + timedelta(weeks=week)
        drift = (
            Drift("rain", "location", 0.5, 90, unit="sd", error=0.1, moved=week > 1, matters=week == 3),
            Drift("score", "scale", 0.1, 90, about="score", unit="log spread", error=0.1, moved=week == 2, matters=False),
        )
        signals = (Signal("quality", "log_loss", "critical", 0.1, "log loss rose"),) if week == 3 else ()
        whole = replace(report.windows[0], begin=begin, end=begin + timedelta(weeks=1), release=f"r{1 + week // 2}", role="champion")
        return replace(whole, drift=drift, signals=signals, notes=("few reference windows",))

    def incident(number, closed=None):
        return Incident(number, "quality", "r1", ("log_loss",), "critical", 0.1, False, "it fell", BEGIN, 3, closed)

    windows = tuple(map(window, range(4)))
    promotions = (Promotion("r1", BEGIN - timedelta(days=3)), Promotion("r2", BEGIN + timedelta(weeks=2)))
    full = replace(report, windows=windows, promotions=promotions, incidents=(incident(1, BEGIN + timedelta(days=9)), incident(2)))
    shown = page(full)
    found = titles(shown)
    assert found["first"][0].startswith("In the newest window r2 was ")
    assert "Incident 2 is open since 4 Mar 2013: quality, critical" in found["kept"]
    assert "In the newest window rain moved so far that it matters" in found["kept"]
    text = markdown(shown)
    assert "2 incidents were opened; 1 of them is still open" in text
    assert "r2 became champion: it won" in text
    assert "log loss rose" in text
    assert "Few reference windows." in text.replace("\\", "")
    assert html(shown).count("<figure>") >= 4
    calm = titles(page(replace(full, incidents=(incident(1, BEGIN + timedelta(days=9)),), windows=windows[:3])))["kept"]
    assert "The one incident was closed" in calm
    assert "In the newest window 2 of 2 columns moved, none so far that it matters" in calm
    quiet = titles(page(replace(full, windows=windows[:2])))["kept"]
    assert "In the newest window nothing moved beyond what windows ordinarily do" in quiet


def test_no_drawing_leaves_its_picture(report, comparison):
    """Marks lie within the width that they are drawn for, intervals that reach further are cut."""
    wide = replace(report.tested, bins=(Bin(50, 0.2, 0.25, -9.0, 40.0, False), Bin(50, 0.6, 0.4, 0.3, 0.5, True)))
    for shown in (page(replace(report, tested=wide)), comparisons.page(comparison)):
        for part in html(shown).split("<svg ")[1:]:
            box = [float(number) for number in part.split('viewBox="')[1].split('"')[0].split()]
            body = part.split("</svg>")[0]
            for name in ("cx", "x1", "x2"):
                places = [float(one.split('"')[0]) for one in body.split(f' {name}="')[1:]]
                assert all(-1 <= place <= box[2] + 1 for place in places), (name, places)
            for name in ("cy", "y1", "y2"):
                places = [float(one.split('"')[0]) for one in body.split(f' {name}="')[1:]]
                assert all(-1 <= place <= box[3] + 1 for place in places), (name, places)


def test_a_comparison_is_called_better_only_where_the_whole_interval_is(comparison):
    def called(low, high):
        return comparisons.page(replace(comparison, gains={"log_loss": Gain((low + high) / 2, low, high, "log_loss")})).opening

    assert [called(*ends).verdict for ends in ((0.01, 0.02), (-0.02, -0.01), (-0.01, 0.01))] == ["Better", "Worse", "Not clear"]
    assert called(0.01, 0.02).headline == "c2 is clearly better than r1"
    assert called(-0.01, 0.01).headline == "c2 is neither clearly better nor clearly worse than r1"


def test_every_figure_has_its_numbers_in_a_table(report, comparison):
    for shown in (page(report), comparisons.page(comparison)):
        figures = [block for section in shown.sections for block in section.blocks if isinstance(block, Figure)]
        figures += [shown.opening.figure] if shown.opening.figure else []
        assert all(isinstance(one.table, Table) and one.table.rows and one.title == one.picture.text for one in figures)


def test_a_document_is_written_as_its_ending_says_and_shows_itself_in_a_frame_of_its_own(report, tmp_path):
    found = Document(report, page(report))
    assert found.write(tmp_path / "a.md").read_text(encoding="utf-8").startswith("# Will it be late?")
    assert found.write(tmp_path / "b" / "a.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    with pytest.raises(Exception, match=r"cannot be written as '.pdf'"):
        found.write(tmp_path / "a.pdf")
    framed = found._repr_html_()
    assert framed.startswith('<iframe srcdoc="&lt;!doctype html&gt;')
    assert framed.count("<") == 2
