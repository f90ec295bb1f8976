"""What ends a challenger's stage before any label does: missing answers, disagreement, and an estimate that is clearly worse."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

import keepfit
from keepfit.estimate import Expected, clearly_worse
from keepfit.loop.early import failures, unlike
from keepfit.loop.release import give_role

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)  # a Monday
SERVED = BEGIN + timedelta(weeks=9)
STAGED = SERVED + timedelta(days=36)
PROJECT = """\
[problem]
name = "small"
target = "bad"
time = "when"
key = ["number"]
label_delay = "1d"

[data]
source = "rows.parquet"

[model]
estimators = ["linear"]
trials = 0

[refit]
stages = ["canary:50%"]
"""


def rows(begin, days, seed, *, slope=1.5, extra=0.0):
    """Rows of some days, whose outcome follows the amount with a slope; `extra` is a column that says nothing, at that level."""
    draw = np.random.default_rng(seed)
    count = 40 * days
    amount = draw.normal(size=count)
    when = pl.Series([begin + timedelta(seconds=86_400 * days * place / count) for place in range(count)], dtype=pl.Datetime("us", "UTC"))
    number = (begin - BEGIN).days * 1000 + np.arange(count)
    bad = draw.random(count) < 1 / (1 + np.exp(-(slope * amount - 0.5)))
    return pl.DataFrame({"number": number, "when": when, "amount": amount, "extra": extra + draw.normal(size=count), "bad": bad})


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


def staged(project, learned):
    """A challenger that learned from a table waited for five weeks whose labels are known, and answers half of what is asked since."""
    ws, folder = project.workspace, project.workspace.folder
    learned.write_parquet(folder / "rows.parquet")
    (folder / "keepfit.toml").write_text(PROJECT.replace("trials = 0", 'trials = 0\nfinal_fit = "all"'))  # as the loop fits
    with keepfit.open(folder) as again:
        again.run(now=SERVED)
    challenger = ws.roles().shadow
    assert challenger is not None
    ask(project, rows(SERVED, 35, 300), SERVED, labels=True)
    give_role(ws, challenger, "canary", because="a test", now=STAGED, more={"share": 0.5})
    return challenger


def ask(project, table, now, *, release=None, labels=False):
    folder = project.workspace.folder
    table.drop("bad").write_parquet(folder / "ask.parquet")
    project.score(folder / "ask.parquet", folder / f"said{table['number'][0]}.parquet", release=release, now=now)
    if labels:
        table.select("number", "bad").write_csv(folder / "truth.csv")
        project.label(folder / "truth.csv", now=STAGED)


def turns(project, table, challenger):
    """What the loop does when the stage is looked at first, after answers of both."""
    half = table.height // 2
    ask(project, table[:half], STAGED)
    ask(project, table[half:], STAGED, release=challenger)
    done = []
    while not done or done[-1].action.kind not in {"nothing", "ask"}:
        done.append(project.turn(now=STAGED + timedelta(days=1)))
    return {one.action.kind: one for one in done}


def test_a_stage_ends_at_once_where_the_estimate_is_clearly_worse_than_the_champions(project):
    challenger = staged(project, rows(BEGIN, 63, 2, slope=-1.5))
    done = turns(project, rows(STAGED, 7, 301), challenger)
    assert done["test"].test.says == "failed"
    assert "log loss is expected to be" in done["test"].test.because
    assert "drop" in done
    assert project.workspace.roles().canary is None


def test_a_stage_goes_on_where_nothing_speaks_against_an_equal_challenger(project):
    challenger = staged(project, rows(BEGIN, 63, 2))
    done = turns(project, rows(STAGED, 7, 301), challenger)
    assert done["test"].test.says == "undecided"
    assert project.workspace.roles().canary == challenger


def test_a_stage_ends_at_once_where_both_disagree_far_more_than_they_did(project):
    learned = rows(BEGIN, 63, 2)
    learned = learned.with_columns(bad=pl.col("bad") ^ (pl.col("extra") > 1.5))  # it learns to look at what says nothing
    challenger = staged(project, learned)
    done = turns(project, rows(STAGED, 7, 301, extra=20.0), challenger)
    assert done["test"].test.says == "failed"
    assert "it disagrees with the champion on" in done["test"].test.because
    assert "drop" in done


def test_disagreement_counts_where_it_is_surely_several_times_what_it_was():
    draw = np.random.default_rng(1)
    before = (draw.random(1000) < 0.05).astype(float)
    assert unlike(before, (draw.random(400) < 0.05).astype(float), magnitudes=False) == ""
    assert unlike(before, (draw.random(400) < 0.12).astype(float), magnitudes=False) == ""
    assert "while it waited" in unlike(before, (draw.random(400) < 0.5).astype(float), magnitudes=False)
    assert unlike(before, np.ones(99), magnitudes=False) == ""
    assert "while it waited" in unlike(np.abs(draw.normal(size=1000)), np.abs(draw.normal(3.0, size=400)), magnitudes=True)
    assert unlike(np.abs(draw.normal(size=1000)), np.abs(draw.normal(size=400)), magnitudes=True) == ""


def test_models_that_disagree_as_they_did_are_told_apart_in_fewer_than_one_of_a_hundred_looks():
    draw = np.random.default_rng(2)
    said = [unlike(draw.random(400), draw.random(400), magnitudes=True) for _ in range(500)]
    said += [unlike(draw.binomial(1, 0.1, 400) * 1.0, draw.binomial(1, 0.1, 400) * 1.0, magnitudes=False) for _ in range(500)]
    assert sum(map(bool, said)) < 10


def test_answers_that_are_missing_end_a_stage_where_they_are_surely_more_than_a_few_and_than_the_champions():
    def answers(failed, of):
        return pl.DataFrame({"output.score": [None] * failed + [0.5] * (of - failed)}, schema={"output.score": pl.Float64})

    assert failures(answers(0, 50), answers(0, 50), ("score",)) == ""
    assert failures(answers(1, 400), answers(0, 400), ("score",)) == ""
    assert failures(answers(30, 30), answers(0, 400), ("score",)) == "30 of its 30 answers hold no output, of the champion's 0 of 400"
    assert failures(answers(30, 400), answers(30, 400), ("score",)) == ""
    assert failures(answers(3, 3).drop("output.score"), answers(0, 9), ("score",)).startswith("3 of its 3")
    assert failures(answers(0, 0), answers(0, 0), ("score",)) == ""


def test_what_is_expected_is_clearly_worse_only_where_the_intervals_lie_apart():
    low, high = Expected(0.5, 0.45, 0.55, "lower"), Expected(0.7, 0.6, 0.8, "lower")
    assert clearly_worse(high, low)
    assert not clearly_worse(low, high)
    assert not clearly_worse(Expected(0.7, 0.54, 0.8, "lower"), low)
    assert clearly_worse(Expected(0.5, 0.4, 0.6, "higher"), Expected(0.8, 0.7, 0.9, "higher"))
