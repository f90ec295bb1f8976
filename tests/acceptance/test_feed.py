"""A broken feed: said as such, and nothing is learned from it."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

import keepfit

ASKED, LOOKED = datetime(2024, 3, 4, tzinfo=UTC), datetime(2024, 3, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("broken", "said"),
    [(pl.col("amount") * 1000, "1,000 times as large"), (pl.lit(None, pl.Float64), "missing in every row"), (pl.lit(0.25), "one value in")],
)
def test_a_window_of_garbage_is_an_incident_of_its_own_and_no_challenger_learns_from_it(champion, table, broken, said):
    project = keepfit.open(champion)
    week = table(7, begin=ASKED, seed=4)
    week.drop("bad").with_columns(broken.alias("amount")).write_parquet(champion / "week.parquet")
    project.score(champion / "week.parquet", champion / "scores.parquet", now=ASKED)
    week.select("number", "bad").write_csv(champion / "truth.csv")
    project.label(champion / "truth.csv", now=LOOKED)
    (window,) = project.turn(now=LOOKED).windows
    assert [(one.kind, one.about) for one in window.signals if one.severity != "info"] == [("data", "amount")]
    (incident,) = project.status(now=LOOKED).incidents
    assert (incident.kind, incident.about, incident.release) == ("data", ("amount",), None)
    assert said in incident.because
    done = project.turn(now=LOOKED)
    assert done.action.kind == "nothing"
    assert "its data is broken: amount" in done.action.because
