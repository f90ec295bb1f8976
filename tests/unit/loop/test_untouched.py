"""What is chosen is chosen without the test rows: with other outcomes there, the same model and threshold come out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from keepfit.loop.fit import fit, places
from keepfit.loop.rows import known_rows
from keepfit.loop.take import take
from keepfit.workspace import Workspace

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
NOW = BEGIN + timedelta(days=100)
COUNT = 1500
PROJECT = """\
[problem]
name = "loans"
target = "bad"
{time}key = ["loan"]
value = {{ true_positive = 10, false_positive = -4 }}

[data]
source = "loans.parquet"

[columns]
gender = {{ protected = true }}

[model]
estimators = ["linear", "lightgbm"]
trials = 2
parameters = {{ lightgbm = {{ trees = 10 }} }}
evaluation = "{evaluation}"
"""


def loans():
    draw = np.random.default_rng(1)
    amount, shop = draw.normal(size=COUNT), draw.choice(["north", "south", "west"], COUNT)
    bad = draw.random(COUNT) < 1 / (1 + np.exp(-2 * amount - (shop == "north")))
    at = [BEGIN + timedelta(hours=number) for number in range(COUNT)]
    frame = pl.DataFrame({"loan": range(COUNT), "at": at, "amount": amount, "shop": shop, "gender": ["fm"[n % 2] for n in range(COUNT)]})
    return frame.with_columns(bad=pl.Series(bad), at=pl.col("at").dt.cast_time_unit("us").dt.replace_time_zone("UTC"))


def fitted(folder, frame, *, timed, evaluation):
    folder.mkdir()
    frame.write_parquet(folder / "loans.parquet")
    (folder / "keepfit.toml").write_text(PROJECT.format(time='time = "at"\n' if timed else "", evaluation=evaluation))
    ws = Workspace(folder)
    return fit(ws, take(ws, now=NOW), now=NOW), ws


def rows_of_the_test(made, ws):
    """The rows of the test, by their key."""
    taken = take(ws, now=NOW)
    rows = known_rows(ws, [taken], taken.schema, made.candidate.classes)
    return rows.where(places(ws, rows, taken.schema).test).frame["loan"]


@pytest.mark.parametrize(("timed", "evaluation"), [(True, "full"), (False, "full"), (True, "quick")])
def test_nothing_is_chosen_on_the_test_rows(tmp_path, timed, evaluation):
    frame = loans()
    first, ws = fitted(tmp_path / "first", frame, timed=timed, evaluation=evaluation)
    test = rows_of_the_test(first, ws)
    assert 200 <= len(test) <= 400
    turned = frame.with_columns(bad=pl.col("bad") ^ pl.col("loan").is_in(test.implode()))
    second, _ = fitted(tmp_path / "second", turned, timed=timed, evaluation=evaluation)
    one, other = first.candidate, second.candidate
    for part in ("estimator", "parameters", "threshold", "calibration", "files", "tried", "trials", "constant", "fitted_rows", "classes"):
        assert getattr(one, part) == getattr(other, part), part
    assert first.evaluation.suspected == second.evaluation.suspected
    assert first.evaluation.metrics["roc_auc"].value > 0.7 > second.evaluation.metrics["roc_auc"].value
