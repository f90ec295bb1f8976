"""`keepfit.open(".")`: the verbs of the command line in Python, answered with records that show themselves."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

import keepfit as library
from keepfit.commands import COMMANDS
from keepfit.errors import AlreadyThere, BadRequest, EarlierThanNewest, NothingThere, Undecided
from keepfit.project import Project

NOW = datetime(2024, 3, 4, tzinfo=UTC)
#: Commands that run on, print a script, or are another thing in Python.
ELSEWHERE = {"demo", "init", "serve", "loop", "up", "key", "ledger", "completion"}


def test_the_commands_are_verbs_of_the_library():
    assert [name for name in COMMANDS if name not in ELSEWHERE and not hasattr(Project, name)] == []
    assert callable(library.init)
    assert hasattr(Project, "verify")


def test_a_project_runs_and_its_champion_answers_as_the_server_does(project, table, request_rows, serve):
    folder = project()
    with library.open(folder) as opened:
        assert opened.champion is None
        assert opened.plan(now=NOW).changed
        done = opened.run(now=NOW)
        assert done.champion == "r1"
        assert not opened.run(now=NOW).changed
        assert not opened.plan(now=NOW).changed
        champion = opened.champion
        assert (champion.id, champion.candidate.id) == ("r1", "c1")
        assert champion.evaluation == done.evaluation
        rows = table(1, begin=NOW).drop("bad").head(5)
        answers = champion.predict(request_rows(rows))
        assert answers == opened.predict(rows.to_dicts()) == opened.release("r1").predict(request_rows(rows))
        with serve(folder) as server:
            served = server.post("/v1/predict", {"rows": request_rows(rows)}).json()["predictions"]
        assert [one["score"] for one in answers] == [one["score"] for one in served]
        assert [one["decision"] for one in answers] == [one["decision"] for one in served]
        with pytest.raises(BadRequest, match="amuont"):
            champion.predict([request_rows(rows)[0] | {"amuont": 1}])
        with pytest.raises(NothingThere):
            opened.release("r7")
        with pytest.raises(EarlierThanNewest):
            opened.run(now=datetime(2024, 1, 1, tzinfo=UTC))
        assert opened.lineage("champion").thing.id == "r1"
        assert opened.show("r1")["release"]["record"] == "release"
        assert opened.doctor().exit_code == 0
        assert opened.gc(now=NOW).kept == ("c1",)
        assert "<table>" in done._repr_html_()
        assert "**run**" in done._repr_markdown_()


def test_windows_are_records_in_order_and_one_table_in_a_notebook(answered_copy, keepfit):
    assert keepfit("watch", "-C", answered_copy, "--now", "2024-03-20T00:00Z").returncode in (0, 1)  # 1: an incident was found
    with library.open(answered_copy) as opened:
        assert [window.release for window in opened.windows] == ["r1", "r2", "r2"]
        assert 0 < opened.windows[-1].evaluation["log_loss"].value < 10
        assert opened.windows._repr_html_().count("<caption>") == 0
        assert [entry.kind for entry in opened.history(kind="watch")] == ["watch"] * 3
        assert opened.verify().whole


def test_a_table_becomes_a_project_in_one_line(tmp_path, table):
    table(40).write_csv(tmp_path / "rows.csv")
    opened = library.init(folder=tmp_path, name="made")
    assert (opened.workspace.project, opened.workspace.spec.problem.target) == ("made", "bad")
    with pytest.raises(AlreadyThere):
        library.init(folder=tmp_path)
    pl.DataFrame({"a": [0, 1] * 9, "b": [0, 1, 1] * 6, "c": [1.5, 2.5, 3.5] * 6}).write_csv(tmp_path / "other.csv")
    with pytest.raises(Undecided):
        library.init(tmp_path / "other.csv", tmp_path, replace=True)
    assert library.init(tmp_path / "rows.csv", tmp_path, replace=True, target="amount").workspace.spec.problem.task == "regression"
