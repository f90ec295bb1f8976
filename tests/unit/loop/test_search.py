"""The search for a recipe: seeded, journalled, and the same whether or not it was stopped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from keepfit import digest
from keepfit.loop import search as module
from keepfit.loop.fit import places
from keepfit.loop.rows import known_rows
from keepfit.loop.search import defaults, held_out, search
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
        return ws, taken.schema, known, places(ws, known, taken.schema)

    return make


NAME = digest.of_value("a search")


def look(ws, known, rows, spots):
    return search(ws, known, rows, spots, name=NAME, progress=silent)


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
    ws, known, rows, spots = material("first")
    found = look(ws, known, rows, spots)
    tried = module._read(next((ws.home / "run").glob("search-*.jsonl")))
    assert [trial.recipe for trial in tried[:2]] == [defaults(ws, "linear"), defaults(ws, "lightgbm")]
    assert set(found.tried) == {"linear", "lightgbm"}
    best = min((trial for trial in tried if not trial.pruned), key=lambda trial: trial.value)
    assert found.recipe == best.recipe


def test_a_torn_line_of_the_journal_is_tried_again(material):
    ws, known, rows, spots = material("torn")
    whole = look(ws, known, rows, spots)
    journal = next((ws.home / "run").glob("search-*.jsonl"))
    journal.write_bytes(journal.read_bytes()[:-20])
    assert look(ws, known, rows, spots).recipe == whole.recipe
    assert len(module._read(journal)) == 7


def test_what_a_fold_is_validated_on_was_not_learned_from(material):
    ws, known, rows, spots = material("folds")
    held = held_out(ws, known, rows, spots, defaults(ws, "linear"))
    assert held.rows.count == sum(int(spots.fold(number)[1].sum()) for number in range(spots.folds))
    assert held.outputs["score"].size == held.fold.size == held.rows.count
    assert not set(held.rows.frame["at"]) & set(rows.where(spots.test).frame["at"])
