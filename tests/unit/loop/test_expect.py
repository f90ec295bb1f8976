"""What windows' quality may be before their labels are there, and how that is held against labels afterwards."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

import keepfit
from keepfit import record
from keepfit.commands import words
from keepfit.commands.status import told
from keepfit.errors import NothingToLabel, SheetThere
from keepfit.loop import watch as watching
from keepfit.measures.quality import log_losses
from keepfit.metric import Gain
from keepfit.prediction import Prediction
from keepfit.reports.watched import _expected as expected
from keepfit.slice import Condition, Slice
from keepfit.stores.segments import SegmentWriter
from keepfit.window import Interval

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)  # a Monday
SERVED = BEGIN + timedelta(weeks=9)
PROJECT = """\
[problem]
name = "small"
target = "bad"
time = "when"
key = ["number"]
label_delay = "1d"

[data]
source = "rows.parquet"

[columns]
gender = { protected = true }

[model]
estimators = ["linear"]
trials = 0
"""


def rows(begin, days, seed, more=0.0):
    """Rows of some days, in which the outcome's log odds lie `more` higher than the model knows."""
    draw = np.random.default_rng(seed)
    count = 40 * days
    amount = draw.normal(size=count)
    when = pl.Series([begin + timedelta(seconds=86_400 * days * place / count) for place in range(count)], dtype=pl.Datetime("us", "UTC"))
    number = (begin - BEGIN).days * 1000 + np.arange(count)
    bad = draw.random(count) < 1 / (1 + np.exp(-(1.5 * amount - 0.5 + more)))
    gender = ["fm"[place % 2] for place in range(count)]
    return pl.DataFrame({"number": number, "when": when, "amount": amount, "gender": gender, "bad": bad})


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """A project with a champion, whose labels come a day late."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "keepfit.toml").write_text(PROJECT)
    rows(BEGIN, 63, 1).write_parquet(folder / "rows.parquet")
    with keepfit.open(folder) as project:
        assert project.run(now=SERVED).verdict.status != "failed"
    return folder


@pytest.fixture
def project(released, tmp_path):
    shutil.copytree(released, tmp_path / "project")
    with keepfit.open(tmp_path / "project") as opened:
        yield opened


def answer(project, week, *, more=0.0, labels=True):
    """A week of answers, and their labels."""
    begin = SERVED + timedelta(weeks=week)
    folder = project.workspace.folder
    found = rows(begin, 7, 300 + week, more)
    found.drop("bad").write_parquet(folder / "ask.parquet")
    project.score(folder / "ask.parquet", folder / "said.parquet", now=begin)
    if labels:
        found.select("number", "bad").write_csv(folder / "truth.csv")
        project.label(folder / "truth.csv", now=begin + timedelta(days=8))
    return begin + timedelta(days=7)


def test_a_window_that_has_ended_is_estimated_once_and_looked_at_when_its_labels_are_due(project):
    end = answer(project, 0)
    assert project.watch(now=end - timedelta(hours=1)) == []
    assert len(project.estimates) == 0
    assert project.watch(now=end) == []
    (found,) = project.estimates
    assert (found.rows, found.release, found.past) == (280, "r1", {})
    assert found.known > 300
    assert found.blocks >= 2
    assert project.watch(now=end + timedelta(hours=2)) == []
    assert len(project.estimates) == 1
    (window,) = project.watch(now=end + timedelta(days=1))
    assert found["log_loss"].low <= window.evaluation["log_loss"].value <= found["log_loss"].high
    assert len(project.estimates) == 1
    assert "no estimate was held against labels yet" in "\n".join(words.estimate_lines(found))


def test_an_estimate_says_how_far_those_before_it_were_off_and_follows_the_labels_that_came(project):
    for week in range(4):
        end = answer(project, week, more=1.2)
        project.watch(now=end)
        project.watch(now=end + timedelta(days=1))
    end = answer(project, 4, more=1.2)
    project.watch(now=end)
    first, *_, last = project.estimates
    assert last.past["log_loss"].windows == 4
    assert last.past["log_loss"].off > 0
    assert first.happens < 0.5 < last.happens
    assert last.expected == pytest.approx(first.expected, abs=0.08)
    assert "so far off by" in words.estimate_lines(last)[1]
    assert "expected     log_loss" in told(project.status(now=end))
    table = expected(SimpleNamespace(estimates=tuple(project.estimates), windows=tuple(project.windows)))
    assert "off by" in table.caption
    assert [row[3] == "not known yet" for row in table.rows] == [True, False, False, False, False]


def test_a_late_first_look_learns_nothing_from_labels_that_were_not_due_when_the_window_ended(project):
    for week in range(2):
        end = answer(project, week, more=3.0)
    project.watch(now=end + timedelta(days=1))
    first, second = project.estimates
    assert first.happens < 0.5  # of its own week nothing was known
    assert second.happens > first.happens + 0.2
    assert second.known > first.known


def test_a_window_without_answers_enough_says_so(project):
    folder = project.workspace.folder
    rows(SERVED, 7, 5).head(12).drop("bad").write_parquet(folder / "ask.parquet")
    project.score(folder / "ask.parquet", folder / "said.parquet", now=SERVED)
    project.watch(now=SERVED + timedelta(days=7))
    (found,) = project.estimates
    assert found.metrics == {}
    assert "12 answers are too few for an estimate" in found.notes
    assert "note" in words.estimate_lines(found)[-1]


def test_a_window_is_measured_by_group_and_in_the_slices_that_were_found_at_release(project, monkeypatch):
    found = watching.evaluation_of
    weak = Slice("amount from 0", "log_loss", 300, Gain(0.1, 0.05, 0.15), (Condition("amount", low=0.0),))
    monkeypatch.setattr(watching, "evaluation_of", lambda ws, entry: replace(found(ws, entry), slices=(weak,)))
    end = answer(project, 0)
    (window,) = project.watch(now=end + timedelta(days=1))
    assert {name: group.count for name, group in window.evaluation.groups["gender"].items()} == {"f": 140, "m": 140}
    assert window.evaluation.groups["gender"]["f"].metrics["log_loss"].low is not None
    (followed,) = window.evaluation.slices
    assert followed.conditions == weak.conditions
    assert 0 < followed.count < 280


def test_labels_that_came_for_one_decision_alone_are_told_in_the_window(project):
    end = answer(project, 0, labels=False)
    folder = project.workspace.folder
    said = pl.read_parquet(folder / "said.parquet")
    truth = rows(SERVED, 7, 300).filter(pl.Series(said["score"] > said["score"].median()))
    truth.select("number", "bad").write_csv(folder / "truth.csv")
    project.label(folder / "truth.csv", now=end + timedelta(hours=1))
    (window,) = project.watch(now=end + timedelta(days=1))
    assert any("what is measured holds for the answers that have labels" in note for note in window.notes)


def test_the_answers_that_are_worth_labelling_are_written_to_a_sheet_and_speak_for_all_once_they_are_labelled(project):
    end = answer(project, 0, labels=False)
    sheet = project.workspace.folder / "todo.csv"
    made = project.suggest(sheet, 80, now=end)
    assert (made.rows, len(made.chances)) == (280, 80)
    assert sum(made.chances.values()) > 10
    blank = pl.read_csv(sheet)
    assert blank.columns == ["prediction", "number", "bad"]
    assert set(blank["prediction"]) == set(made.chances)
    with pytest.raises(SheetThere):
        project.suggest(sheet, 80, now=end)
    truth = rows(SERVED, 7, 300)
    filled = blank.drop("bad").join(truth.select("number", "bad"), on="number", how="left", maintain_order="left")
    filled.select("prediction", "bad").write_csv(sheet)
    assert project.label(sheet, now=end) == 80
    (window,) = project.watch(now=end + timedelta(days=1))
    (note,) = [note for note in window.notes if "suggested" in note]
    assert note.startswith("80 of the 80 answers that were suggested for labelling have labels: over all 280 the mean log loss is ")
    said = pl.read_parquet(project.workspace.folder / "said.parquet")["score"].to_numpy()
    true = float(log_losses(truth["bad"].to_numpy().astype(float), said).mean())
    low, high = (float(part) for part in note.split("[")[1].rstrip("]").split(","))
    assert low <= true <= high


def test_where_most_suggested_answers_have_no_label_the_others_do_not_speak_for_all(project):
    end = answer(project, 0, labels=False)
    sheet = project.workspace.folder / "todo.csv"
    project.suggest(sheet, 80, now=end)
    some = pl.read_csv(sheet).head(40).select("prediction").with_columns(bad=pl.Series([True, False] * 20))
    some.write_csv(sheet)
    project.label(sheet, now=end)
    (window,) = project.watch(now=end + timedelta(days=1))
    assert "40 of the 80 answers that were suggested for labelling have labels: too few to speak for all 280" in window.notes


def test_before_a_window_has_ended_there_is_nothing_to_suggest(project):
    answer(project, 0, labels=False)
    with pytest.raises(NothingToLabel):
        project.suggest(project.workspace.folder / "todo.csv", 80, now=SERVED + timedelta(days=2))


def test_answers_that_became_slow_and_answers_without_outputs_are_signals_of_their_window(project):
    ws = project.workspace
    week = [Interval(SERVED + timedelta(weeks=number), SERVED + timedelta(weeks=number + 1)) for number in range(2)]
    for number, (slow, score) in enumerate(((900, 0.5), (2_000_000, None))):
        said = {"project": "small", "release": "r1", "role": "champion", "via": "online", "subject": None, "inputs": {"amount": 1.0}}
        writer = SegmentWriter(ws.segments, "predictions")
        rest = {"key": None, "outputs": {"score": score}, "decision": True, "latency_us": slow}
        times = [week[number].begin + timedelta(minutes=minute) for minute in range(150)]
        made = [Prediction(id=f"{number}-{minute}", at=at, time=at, **said, **rest) for minute, at in enumerate(times)]
        writer.append([record.text(one).encode() for one in made])
        writer.close()
    first, second = project.watch(now=week[1].end + timedelta(days=1))
    assert {one.kind for one in first.signals} & {"errors", "latency"} == set()
    found = {one.kind: one.severity for one in second.signals}
    assert (found["errors"], found["latency"]) == ("critical", "critical")


def test_a_turn_estimates_too(project):
    end = answer(project, 0)
    project.turn(now=end)
    assert len(project.estimates) == 1
