"""A broken feed: said as such, and nothing is learned from it."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

import keepfit
from keepfit.commands.words import window_lines

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


def test_statistics_that_the_project_file_names_are_shown_and_decide_nothing(champion, table):
    names = ["psi", "jensen_shannon", "wasserstein", "kolmogorov_smirnov", "chi_square", "domain_classifier"]
    project = keepfit.open(champion, options={"monitor.also": names})
    table(7, begin=ASKED, seed=4).drop("bad").with_columns(pl.col("amount") + 1).write_parquet(champion / "week.parquet")
    project.score(champion / "week.parquet", champion / "scores.parquet", now=ASKED)
    (window,) = project.turn(now=LOOKED).windows
    shown = {(one.statistic, one.column): one for one in window.drift if one.statistic in names}
    assert {name for name, _ in shown} == set(names)
    assert all(one.moved is None and one.matters is None and one.threshold is None for one in shown.values())
    assert shown["wasserstein", "amount"].effect == pytest.approx(1.0, abs=0.2)
    assert shown["kolmogorov_smirnov", "amount"].chance < 1e-6
    assert shown["chi_square", "shop"].chance > 0.001
    assert shown["domain_classifier", ""].effect > 0.6
    said = "\n".join(window_lines(window))
    assert "wasserstein" in said
    assert "domain classif" in said
