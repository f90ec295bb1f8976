"""A refit: one fit of the champion's recipe, or a search that begins with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from keepfit.loop.fit import fit, refit
from keepfit.loop.take import take
from keepfit.workspace import Workspace

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
NOW = BEGIN + timedelta(days=60)
PROJECT = """
[problem]
name = "small"
target = "bad"
time = "at"

[data]
source = "rows.parquet"

[model]
estimators = ["lightgbm"]
parameters = { lightgbm = { trees = 20 } }
trials = 0

[refit]
trials = TRIALS
"""


@pytest.fixture
def refitted(tmp_path):
    """A champion and the challenger that a refit with so many trials makes of the same rows."""

    def make(trials):
        draw = np.random.default_rng(5)
        x, y = draw.normal(size=(2, 900))
        at = [BEGIN + timedelta(hours=hour) for hour in range(900)]
        pl.DataFrame({"at": at, "x": x, "y": y, "bad": x * y + draw.normal(size=900) > 0}).write_parquet(tmp_path / "rows.parquet")
        (tmp_path / "keepfit.toml").write_text(PROJECT.replace("TRIALS", str(trials)))
        ws = Workspace(tmp_path)
        taken = take(ws, now=NOW)
        champion = fit(ws, taken, now=NOW).candidate
        again = refit(ws, champion, [taken], cause=["a week"], now=NOW)
        assert refit(ws, champion, [taken], cause=["a week"], now=NOW).entry == again.entry
        return champion, again.candidate

    return make


def test_a_refit_fits_the_champion_s_recipe_once_on_every_row(refitted):
    champion, challenger = refitted(0)
    assert (challenger.estimator, challenger.parameters) == (champion.estimator, champion.parameters)
    assert (challenger.threshold, challenger.calibration) == (champion.threshold, champion.calibration)
    assert challenger.fitted_rows == 900 > champion.fitted_rows
    assert challenger.trials == 0


def test_a_refit_with_trials_searches_again_from_the_champion_s_recipe(refitted):
    _, challenger = refitted(3)
    assert challenger.trials == 4
    assert challenger.fitted_rows == 900
    assert challenger.parameters["trees"] == 20  # what is stated is not searched
    assert set(challenger.tried) == {"lightgbm"}
