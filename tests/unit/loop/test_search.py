"""The search for a recipe: seeded, journalled, and the same whether or not it was stopped."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from keepfit import digest
from keepfit.loop import search as module
from keepfit.loop.fit import places
from keepfit.loop.recipe import Material, defaults, folds_of, left_out
from keepfit.loop.rows import known_rows
from keepfit.loop.search import search
from keepfit.loop.take import take
from keepfit.progress import silent
from keepfit.workspace import Workspace

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
PROJECT = """
[problem]
name = "small"
target = "bad"
time = "at"

[data]
source = "rows.parquet"

[model]
estimators = ["linear", "lightgbm"]
trials = 7
"""


@pytest.fixture
def material(tmp_path):
    """A project's workspace with its schema, rows and places."""

    def make(name):
        folder = tmp_path / name
        folder.mkdir()
        draw = np.random.default_rng(5)
        x, y = draw.normal(size=(2, 900))
        at = [BEGIN + timedelta(hours=hour) for hour in range(900)]
        rows = pl.DataFrame({"at": at, "x": x, "y": y, "bad": x * y + draw.normal(size=900) > 0})
        rows.write_parquet(folder / "rows.parquet")
        (folder / "keepfit.toml").write_text(PROJECT)
        ws = Workspace(folder)
        taken = take(ws, now=BEGIN + timedelta(days=60))
        known = known_rows(ws, [taken], taken.schema, (False, True))
        return ws, Material(taken.schema, (False, True), known, places(ws, known, taken.schema))

    return make


NAME = digest.of_value("a search")


def look(ws, material):
    first = [defaults(ws, kind) for kind in ws.spec.model.estimators]
    return search(ws, material, first, trials=ws.spec.model.trials, name=NAME, progress=silent)


def test_a_search_that_is_stopped_anywhere_comes_to_the_same_recipe(material, monkeypatch):
    whole = look(*material("whole"))
    stopped = material("stopped")
    write, count = module._write, []

    def interrupted(path, trial):
        write(path, trial)
        count.append(trial)
        if len(count) in {2, 5}:
            raise KeyboardInterrupt

    monkeypatch.setattr(module, "_write", interrupted)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            look(*stopped)
    again = look(*stopped)
    assert len(count) == 7
    assert (again.recipe, again.tried, again.trials) == (whole.recipe, whole.tried, whole.trials)
    assert again.held.outputs["score"].tolist() == whole.held.outputs["score"].tolist()


def test_the_defaults_of_every_estimator_are_tried_first(material):
    ws, given = material("first")
    found = look(ws, given)
    tried = module._read(next((ws.home / "run").glob("search-*.jsonl")))
    assert [trial.recipe for trial in tried[:2]] == [defaults(ws, "linear"), defaults(ws, "lightgbm")]
    assert set(found.tried) == {"linear", "lightgbm"}
    best = min((trial for trial in tried if not trial.pruned), key=lambda trial: trial.value)
    assert found.recipe == best.recipe


def test_a_torn_line_of_the_journal_is_tried_again(material):
    ws, given = material("torn")
    whole = look(ws, given)
    journal = next((ws.home / "run").glob("search-*.jsonl"))
    journal.write_bytes(journal.read_bytes()[:-20])
    assert look(ws, given).recipe == whole.recipe
    assert len(module._read(journal)) == 7


def test_what_a_fold_is_validated_on_was_not_learned_from(material):
    ws, given = material("folds")
    folds, spots = folds_of(ws, given), given.places
    parts = [fold.outputs(defaults(ws, "linear")) for fold in folds]
    held = left_out(folds, parts)
    assert held.rows.count == sum(int(spots.fold(number)[1].sum()) for number in range(spots.folds))
    assert held.outputs["score"].size == held.fold.size == held.rows.count
    assert not set(held.rows.frame["at"]) & set(given.rows.where(spots.test).frame["at"])


def test_a_budget_of_time_counts_what_was_spent_before_a_stop(material, monkeypatch):
    ws, given = material("budget")
    look(ws, given)
    journal = next((ws.home / "run").glob("search-*.jsonl"))
    lines = journal.read_bytes().splitlines()[:4]
    journal.write_bytes(b"".join(re.sub(rb'"seconds":[0-9.]+', b'"seconds":20.0', line) + b"\n" for line in lines))
    told = []
    (ws.folder / "keepfit.toml").write_text(PROJECT + 'budget = "1m"\n')
    spent = Workspace(ws.folder)
    first = [defaults(spent, kind) for kind in spent.spec.model.estimators]
    found = search(spent, given, first, trials=7, name=NAME, progress=told.append)
    assert found.trials == 4
    assert told == []  # nothing more was tried: 80 of 60 seconds are spent
