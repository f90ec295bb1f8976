"""Logged traffic answered again: by the release that answered it, and by another candidate."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

import keepfit
from keepfit.commands.replay import told_again
from keepfit.errors import NoCommonRows, NothingThere
from keepfit.loop import log
from keepfit.loop.again import answer_again
from keepfit.loop.recorded import recorded
from keepfit.loop.run import run
from keepfit.workspace import Workspace

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
SERVED = BEGIN + timedelta(hours=600)
LATER = BEGIN + timedelta(hours=1200)
PROJECT = """\
[problem]
name = "orders"
target = "bad"
time = "at"
key = ["order"]
label_delay = "1d"

[data]
source = "orders.parquet"

[model]
estimators = ["{estimator}"]
evaluation = "quick"

[gates]
better_than_baseline = false
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A project whose champion answered a table, with labels for most of it, and a second candidate that knows nothing."""
    folder = tmp_path_factory.mktemp("again")
    draw = np.random.default_rng(3)
    amount = draw.normal(size=1000)
    table = pl.DataFrame(
        {
            "order": np.arange(1000),
            "at": [BEGIN + timedelta(hours=number) for number in range(1000)],
            "amount": amount,
            "bad": draw.random(1000) < 1 / (1 + np.exp(-2 * amount)),
        },
        schema_overrides={"at": pl.Datetime("us", "UTC")},
    )
    known, later = table.head(600), table.tail(400)
    known.write_parquet(folder / "orders.parquet")
    for estimator in ("linear", "baseline"):
        (folder / "keepfit.toml").write_text(PROJECT.format(estimator=estimator))
        run(Workspace(folder), now=SERVED)
    later.drop("bad").write_parquet(folder / "later.parquet")
    later.head(300).select("order", "at", "bad").write_parquet(folder / "labels.parquet")
    with keepfit.open(folder) as project:
        project.score(folder / "later.parquet", folder / "scores.parquet", release="r1", now=LATER)
        project.label(folder / "labels.parquet", now=LATER)
    return Workspace(folder)


def test_the_release_that_answered_agrees_with_itself(served):
    found = answer_again(served, "r1", now=LATER)
    assert (found.rows, found.agreed, found.apart, found.labelled) == (400, 1.0, (0.0, 0.0), 300)
    assert found.then == found.now
    assert found.gain is None or found.gain.value == 0
    assert found.by == ("r1",)
    assert 0 < found.answers_us[0] <= found.answers_us[1]


def test_another_candidate_is_held_against_what_was_answered_pair_by_pair(served):
    found = answer_again(served, "c2", now=LATER)
    assert found.agreed < 1
    assert found.apart[1] > 0.2
    assert found.gain.high < 0
    assert "worse" in told_again(found)
    assert "300 rows that are new to it" in told_again(found)


def test_only_rows_of_an_interval_are_answered_again(served):
    with keepfit.open(served.folder) as project:
        found = project.answer_again("r1", begin=BEGIN + timedelta(hours=700), until=BEGIN + timedelta(hours=800), now=LATER)
    assert found.rows == found.labelled == 100


def test_nothing_is_written(served):
    before = served.ledger.head()
    answer_again(served, "c2", now=LATER)
    assert served.ledger.head() == before


def test_a_replay_plays_what_the_log_holds_after_the_source(served):
    rows = recorded(served, now=LATER)
    assert rows.frame.height == 900
    assert rows.frame["order"].to_list() == list(range(900))
    assert rows.frame["bad"].null_count() == 0


def test_a_release_that_is_not_there_and_an_empty_log_are_refused(served):
    with pytest.raises(NothingThere):
        answer_again(served, "r9", now=LATER)
    with keepfit.open(served.folder) as project, pytest.raises(NoCommonRows, match="holds no answer"):
        project.answer_again("r1", begin=LATER + timedelta(days=1), now=LATER)


def test_a_scored_table_s_rows_are_in_the_log_with_their_key(served):
    answered = log.predictions(served)
    assert answered["input.order"].to_list() == list(range(600, 1000))
