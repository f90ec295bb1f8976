"""`keepfit report` and `keepfit compare`: where pages go, and what is refused."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from keepfit.commands import main
from keepfit.loop.run import run
from keepfit.workspace import Workspace

BEGIN, NOW = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 6, 1, tzinfo=UTC)
PROJECT = """\
[problem]
name = "small"
target = "bad"
time = "when"
key = ["number"]
value = { true_positive = 3, false_positive = -1 }

[data]
source = "rows.parquet"

[model]
estimators = ["linear"]
trials = 0
evaluation = "quick"
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A project with two candidates on one table, and a third that learned from all of it."""
    folder = tmp_path_factory.mktemp("commands")
    draw = np.random.default_rng(5)
    amount, shop = draw.normal(size=600), draw.choice(["north", "south"], 600)
    when = pl.Series([BEGIN + timedelta(hours=2 * number) for number in range(600)], dtype=pl.Datetime("us", "UTC"))
    bad = draw.random(600) < 1 / (1 + np.exp(-1.5 * amount))
    pl.DataFrame({"number": range(600), "when": when, "amount": amount, "shop": shop, "bad": bad}).write_parquet(folder / "rows.parquet")
    (folder / "keepfit.toml").write_text(PROJECT)
    for more in ({}, {"model.seed": 7}, {"model.final_fit": "all"}):
        run(Workspace(folder, options=more), now=NOW)
    return folder


@pytest.fixture
def project(finished, tmp_path, monkeypatch):
    folder = Path(shutil.copytree(finished, tmp_path / "project"))
    monkeypatch.chdir(folder)
    return folder


def keepfit(capsys, *arguments):
    """A command's exit code, output and errors."""
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--now", "2024-06-01T00:00Z", "--quiet"])
    said = capsys.readouterr()
    return ended.value.code, said.out, said.err


def test_a_report_goes_to_standard_output_as_markdown(project, capsys):
    code, out, _ = keepfit(capsys, "report", "c1", "--markdown", "--output", "-")
    assert code == 0
    assert out.startswith("# What will bad be?")
    assert "**Passed**: of " in out
    assert not (project / "reports").exists()


def test_as_json_it_is_the_record_and_no_page_is_written_unasked(project, capsys):
    report = json.loads(keepfit(capsys, "report", "c1", "--json")[1])
    assert (report["record"], report["release"], report["tested"]["reproduced"]) == ("report", "r1", True)
    assert not (project / "reports").exists()
    assert keepfit(capsys, "report", "--json", "--output", "here.html")[1].startswith('{"record":"report"')
    assert (project / "here.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_what_cannot_be_reported_says_why_before_anything_is_written(project, capsys):
    for arguments, expected in (
        (("report", "c7"), "KF132"),
        (("report", "--output", "report.pdf"), "KF131"),
        (("report", "--markdown", "--output", "report.html"), "KF131"),
        (("compare", "c1", "c9"), "KF132"),
        (("compare", "c1", "c2", "--output", "page"), "KF131"),
        (("compare", "c1", "r1"), "KF141"),
        (("compare", "c1", "c3"), "KF140"),
    ):
        code, _, err = keepfit(capsys, *arguments)
        assert (code, err[:5]) == (3, expected), arguments
        assert "fix: " in err
    assert not (project / "reports").exists()


def test_a_candidate_that_learned_from_every_row_has_a_report_without_curves(project, capsys):
    code, out, _ = keepfit(capsys, "report", "c3", "--markdown", "--output", "-")
    assert code == 0
    assert "no row with a known truth came after that" in out
    assert "The evidence" in out


def test_two_candidates_are_compared_on_the_rows_that_neither_learned_from(project, capsys):
    code, out, _ = keepfit(capsys, "compare", "c1", "c2")
    assert (code, out.splitlines()[-1]) == (0, "Report: reports/c2-against-c1.html")
    assert "<h1>c2 is neither clearly better nor clearly worse than c1</h1>" in (project / "reports/c2-against-c1.html").read_text(
        encoding="utf-8"
    )
    record = json.loads(keepfit(capsys, "compare", "c1", "c2", "--json")[1])
    report = json.loads(keepfit(capsys, "report", "c1", "--json")[1])
    assert record["first"]["evaluation"]["rows"] == report["evaluation"]["rows"]
    assert sum(record["agreed"].values()) == report["evaluation"]["count"]
    assert set(record["gains"]) == set(report["evaluation"]["metrics"])
