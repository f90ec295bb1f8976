from __future__ import annotations

import re
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from keepfit import errors
from keepfit.loop.fold import folder_of
from keepfit.loop.judge import score_both
from keepfit.loop.rows import Rows
from keepfit.loop.run import run
from keepfit.schema import Schema
from keepfit.workspace import Workspace

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
NOW = BEGIN + timedelta(days=60)
PROJECT = """\
[problem]
name = "loans"
target = "bad"
time = "at"
key = ["loan"]
label_delay = "1d"
value = { true_positive = 10, false_positive = -4 }

[data]
source = "loans.parquet"

[columns]
gender = { protected = true }

[model]
estimators = ["linear"]
trials = 0
evaluation = "quick"

[gates]
"""
GOOD = 'good = { kind = "at_least", metric = "roc_auc", limit = 0.6 }\n'


def loans(count=3000):
    draw = np.random.default_rng(1)
    amount, gender = draw.normal(size=count), draw.choice(["f", "m"], count, p=[0.3, 0.7])
    noise = np.where(gender == "f", 3.0, 0.3)  # what is seen says less about women
    chance = 1 / (1 + np.exp(-2 * amount))
    bad = np.where(draw.random(count) < noise / 4, draw.random(count) < 0.5, draw.random(count) < chance)
    at = [BEGIN + timedelta(days=60 * number / count) for number in range(count)]
    return pl.DataFrame(
        {"loan": range(count), "at": at, "amount": amount, "gender": gender, "bad": bad}, schema_overrides={"at": pl.Datetime("us", "UTC")}
    )


@pytest.fixture(scope="module")
def table():
    return loans()


@pytest.fixture
def project(tmp_path, table):
    """Makes the project, or writes its file anew with other gates and settings."""
    table.write_parquet(tmp_path / "loans.parquet")

    def make(gates=GOOD, **settings):
        (tmp_path / "keepfit.toml").write_text(PROJECT + gates)
        return Workspace(tmp_path, options={name.replace("__", "."): value for name, value in settings.items()})

    return make


def said(done):
    return {one.gate: one.status for one in done.verdict.outcomes}


def kinds_of_entries(ws):
    return [entry.kind for entry in ws.ledger.entries()]


def test_a_model_must_beat_the_baseline_unless_the_owner_says_otherwise(project):
    assert said(run(project(), now=NOW)) == {"good": "passed", "better_than_baseline": "passed"}
    assert said(run(project(GOOD + "better_than_baseline = false\n"), now=NOW)) == {"good": "passed"}
    own = 'useful = { kind = "better_than_baseline", metric = "accuracy" }\n'
    assert set(said(run(project(own), now=NOW))) == {"useful"}
    with_margin = 'better_than_baseline = { kind = "better_than_baseline", margin = 5 }\n'
    done = run(project(with_margin), now=NOW)
    assert (said(done), done.exit_code) == ({"better_than_baseline": "failed"}, 1)


@pytest.mark.parametrize(
    ("gates", "code", "place", "says"),
    [
        ("good = false\n", "KF110", "gates.good", "cannot be switched off"),
        ("good = true\n", "KF110", "gates.good", "a gate is a table"),
        ('better_than_baseline = { kind = "size", limit = 10 }\n', "KF122", "gates.better_than_baseline.kind", "on by default"),
        ('weak = { kind = "worst_slice", limit = 0.1 }\n', "KF122", "gates.weak.kind", "does not look for"),
        ('slim = { kind = "size", limit = "huge" }\n', "KF110", "gates.slim.limit", "is not a size"),
        ('fast = { kind = "latency", limit = "quick" }\n', "KF110", "gates.fast.limit", "is not a duration"),
        ('fair = { kind = "at_least", metric = "rmse", limit = 1, by = "gender" }\n', "KF121", "gates.fair.metric", "rmse"),
        ('g = { kind = "better_than_champion", metric = "log_loss", margin = -1 }\n', "KF110", "gates.g.margin", "-1"),
        ('g = { kind = "at_least", metric = "roc_auc", limit = 0.5, small = "maybe" }\n', "KF110", "gates.g.small", "maybe"),
    ],
)
def test_a_gate_that_cannot_be_is_a_fault_with_its_place(project, gates, code, place, says):
    with pytest.raises(errors.Faults) as found:
        project(gates).check()
    (fault,) = found.value.faults
    assert fault.code == code
    assert fault.at.endswith(place)
    assert "line 2" in fault.at
    assert says in fault.message


@pytest.mark.parametrize(
    ("gates", "status", "code"),
    [
        (GOOD, "passed", 0),
        ('best = { kind = "better_than_champion", metric = "log_loss" }\n', "not_applicable", 0),
        ('great = { kind = "at_least", metric = "roc_auc", limit = 0.99 }\n', "failed", 1),
        ('slim = { kind = "size", limit = 10 }\n', "failed", 1),
        ('slow = { kind = "latency", limit = "1s" }\n', "passed", 0),
        ('fair = { kind = "at_least", metric = "roc_auc", limit = 0.72, by = "gender" }\n', "failed", 1),
        ('fair = { kind = "at_least", metric = "roc_auc", limit = 0.4, by = "gender" }\n', "passed", 0),
        ('worth = { kind = "at_least", metric = "value", limit = 0 }\n', "passed", 0),
    ],
)
def test_each_outcome_drives_the_exit_code(project, gates, status, code):
    done = run(project(gates), now=NOW)
    assert said(done) == {gates.split()[0]: status, "better_than_baseline": "passed"}, done.verdict.outcomes
    assert (done.exit_code, done.released) == (code, "r1" if code == 0 else None)


def test_a_gate_by_a_protected_column_is_judged_without_fitting_again(project):
    ws = project()
    first = run(ws, now=NOW)
    assert first.evaluation.groups == {}  # quick: nothing that no gate asks for
    before = kinds_of_entries(ws)
    fair = GOOD + 'fair = { kind = "at_least", metric = "roc_auc", limit = 0.72, by = "gender" }\n'
    done = run(project(fair), now=NOW)
    assert kinds_of_entries(ws) == [*before, "verdict"]
    assert said(done) == {"good": "passed", "fair": "failed", "better_than_baseline": "passed"}
    groups = done.evaluation.groups["gender"]
    assert set(groups) == {"f", "m"}
    assert groups["f"].count + groups["m"].count == done.evaluation.count
    assert groups["f"].metrics["roc_auc"].value < groups["m"].metrics["roc_auc"].value
    assert "gender is f" in done.verdict.outcomes[1].because
    assert done.evaluation.serving == first.evaluation.serving
    assert done.evaluation["log_loss"] == first.evaluation["log_loss"]


def test_in_full_protected_columns_slices_and_importance_are_measured_and_no_value_reaches_the_model(project):
    ws = project(model__evaluation="full")
    done = run(ws, now=NOW)
    assert set(done.evaluation.groups) == {"gender"}
    assert set(done.evaluation.importance) == {"amount", "at"}
    assert done.evaluation.importance["amount"].low > 0.05
    assert done.evaluation.suspected is not None
    assert done.candidate.constant > done.candidate.tried["linear"]
    assert "gender" not in {column.name for column in ws.artifacts.get_record(Schema, done.candidate.schema).features}


def test_the_baselines_know_only_what_is_known(project, table):
    done = run(project(), now=NOW)
    baselines = done.evaluation.baselines
    assert set(baselines) == {"constant", "last_label"}
    test_rows = table.filter(pl.col("at") <= NOW - timedelta(days=1)).tail(done.evaluation.count)
    development = table.head(done.candidate.fitted_rows)
    rate, happened = development["bad"].mean(), test_rows["bad"].to_numpy()
    expected = -np.mean(happened * np.log(rate) + (1 - happened) * np.log(1 - rate))
    assert baselines["constant"]["log_loss"].value == pytest.approx(expected)
    assert done.evaluation.gain_over_baseline("constant", "value").value == pytest.approx(
        done.evaluation["value"].value - baselines["constant"]["value"].value
    )


def test_a_candidate_is_compared_with_the_champion_by_group_on_the_same_rows(project):
    fair = 'fair = { kind = "no_worse_than_champion", metric = "log_loss", margin = 0.05, by = "gender" }\n'
    assert run(project(fair), now=NOW).champion == "r1"
    done = run(project(fair, model__seed=5), now=NOW)
    assert said(done)["fair"] == "passed"
    assert done.verdict.champion == "c1"
    assert "gain +0.0000" in next(one.because for one in done.verdict.outcomes if one.gate == "fair")


def test_fewer_common_rows_than_a_hundred_are_undecided(project, table):
    steady = 'steady = { kind = "no_worse_than_champion", metric = "log_loss", margin = 0.05 }\n'
    ws = project(steady)
    assert run(ws, now=NOW).champion == "r1"
    table.head(2400).write_parquet(ws.folder / "loans.parquet")
    done = run(project(steady, model__seed=5), now=NOW)
    outcome = done.verdict.outcomes[0]
    assert (outcome.status, done.exit_code) == ("undecided", 2)
    assert "test rows are new to the champion too, and 100 are needed (c1)" in outcome.because
    assert outcome.change == "take newer rows"


def test_scored_again_on_rows_of_its_own_a_candidate_stands_beside_the_baselines(project, table):
    ws = project()
    done = run(ws, now=NOW)
    known = ws.artifacts.get_record(Schema, done.candidate.schema)
    newer = table.tail(400).with_columns(pl.col("at") + timedelta(days=30))
    rows = Rows(newer.select("loan", "at", "amount", "bad"), newer["bad"].to_numpy().astype(float))
    ((evaluation, _),) = score_both(ws, rows, known, [done.candidate], classes=done.candidate.classes)
    assert set(evaluation.baselines) == {"constant", "last_label"}
    assert evaluation.serving == done.candidate.serving
    for part in done.snapshot.parts:
        (ws.tables.folder / part.file).unlink()
    ((evaluation, _),) = score_both(ws, rows, known, [done.candidate], classes=done.candidate.classes)
    assert evaluation.baselines == {}


def test_rows_of_the_log_are_judged_by_groups_that_are_kept_apart(project, table):
    fair = 'fair = { kind = "no_worse_than_champion", metric = "log_loss", margin = 0.05, by = "gender" }\n'
    ws = project(GOOD + fair)
    done = run(ws, now=NOW)
    known = ws.artifacts.get_record(Schema, done.candidate.schema)
    newer = table.tail(400).with_columns(pl.col("at") + timedelta(days=30))
    ids = newer["loan"].cast(pl.String).alias("id")
    folder = folder_of(ws, "predictions")
    folder.mkdir(parents=True)
    pl.DataFrame({"id": ids}).write_parquet(folder / "predictions-1.parquet")
    newer.select("gender").write_parquet(folder / "predictions-1.private.parquet")
    rows = Rows(newer.select("loan", "at", "amount", "bad"), newer["bad"].to_numpy().astype(float), ids=ids)
    (one, _), (other, _) = score_both(ws, rows, known, [done.candidate, done.candidate], classes=done.candidate.classes)
    assert {name: group.count for name, group in one.groups["gender"].items()} == dict(newer["gender"].value_counts().rows())
    assert set(one.gains_by_group(other, "log_loss", "gender")) == {"f", "m"}


def test_the_gate_of_the_how_to_page_judges(project):
    page = (Path(__file__).parents[3] / "docs" / "how-to.md").read_text()
    code = re.search(r"## Write a gate of your own\n\n```python\n(.*?)```", page, re.S)[1]
    ws = project('quiet = { kind = "mine:FewAlarms", limit = 0.0001 }\n')
    (ws.folder / "mine.py").write_text(code)
    try:
        done = run(ws, now=NOW)
        assert said(done)["quiet"] == "failed"
        assert "of the rows, at most 0.0%" in done.verdict.outcomes[0].because
    finally:
        sys.path.remove(str(ws.folder))
        sys.modules.pop("mine", None)


def test_the_same_question_is_answered_once(project):
    ws = project()
    done = run(ws, now=NOW)
    assert not run(project(), now=NOW).changed
    assert done.changed
    again = run(project(), now=NOW)
    assert replace(done, changed=False, released=None, new_parts=0, seconds={}) == replace(again, seconds={})
