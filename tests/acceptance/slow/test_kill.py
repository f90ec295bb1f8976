"""Killed at any change of its disk, a command is gone on with by the next one: nothing is lost, nothing done twice."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

KILLING = Path(__file__).with_name("killing.py")
FIRST_WEEK, SECOND_WEEK = "2024-03-12T00:00Z", "2024-03-19T00:00Z"
#: The story of the loop: what the calls of `turn` do, one after another.
WATCH, ROLL_BACK, REFIT = (["turn", "--now", FIRST_WEEK] for _ in range(3))
NEXT_WATCH, COMPARE, PROMOTE, NEXT_REFIT = (["turn", "--now", SECOND_WEEK] for _ in range(4))


@pytest.fixture
def killed(tmp_path, variables):
    """Tells a story of commands, kills some of them at each of their changes, gives what came of it."""

    def tell(folder, commands, *, which=(0,)):
        (tmp_path / "work").mkdir()
        arguments = [sys.executable, str(KILLING), str(folder), str(tmp_path / "work"), json.dumps(commands), json.dumps(which)]
        done = subprocess.run(
            arguments, capture_output=True, text=True, env=variables | {"TMPDIR": str(tmp_path)}, timeout=300, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:]
        told = [json.loads(line) for line in done.stdout.splitlines()]
        return [one for one in told if "point" in one], [one for one in told if "code" in one]

    return tell


def kinds(told):
    return [kind for kind, *_ in told["told"]]


def assert_gone_on_with(kills, calls):
    """Every kill was followed by a whole chain that tells the story as far as the undisturbed call, or one step further."""
    final = calls[-1]["told"]
    for kill in kills:
        where = f"call {kill['call']} ({calls[kill['call']]['command'][0]}), killed at change {kill['point']}"
        assert kill["again"] == [0, 0], where
        assert kill["told"] == final[: len(kill["told"])], where
        assert len(kill["told"]) >= len(calls[kill["call"]]["told"]), where
        assert kill["lock_is_at_head"], where


def test_a_run_that_is_killed_anywhere_is_finished_by_the_next_run(killed, project):
    kills, calls = killed(project(), [["run", "--now", "2024-03-04T00:00Z"]])
    assert kinds(calls[-1]) == ["snapshot", "fit", "verdict", "release"]
    assert len(kills) > 30
    assert_gone_on_with(kills, calls)


def test_a_watch_that_is_killed_anywhere_is_finished_by_the_next_and_forgets_no_release_of_the_window(killed, answered_weeks):
    kills, calls = killed(answered_weeks, [["watch", "--now", SECOND_WEEK]])
    assert kinds(calls[-1])[-5:] == ["watch", "watch", "watch", "incident", "incident"]
    assert {body["release"] for kind, _, _, body in calls[-1]["told"] if kind == "watch"} == {"r1", "r2"}
    assert len(kills) > 5
    assert_gone_on_with(kills, calls)


def test_a_label_command_that_is_killed_anywhere_is_finished_by_the_next(killed, champion, table, tmp_path):
    late = tmp_path / "late.csv"
    table(63).select("number", "bad").head(50).write_csv(late)
    kills, calls = killed(champion, [["label", str(late), "--now", SECOND_WEEK]])
    assert len(kills) == 1  # it changes one thing: the whole file is there or none of it
    assert_gone_on_with(kills, calls)
    assert len(calls[0]["labels"]) == 1
    assert kills[0]["labels"] == calls[0]["labels"]


def test_a_rollback_and_a_refit_that_are_killed_anywhere_are_finished_by_the_next_turn(killed, answered_weeks):
    kills, calls = killed(answered_weeks, [WATCH, ROLL_BACK, REFIT, NEXT_WATCH], which=[1, 2])
    assert kinds(calls[1])[-1] == "release"
    assert kinds(calls[2])[-4:] == ["snapshot", "snapshot", "fit", "release"]
    assert calls[2]["told"][-1][3]["role"] == "shadow"
    assert len(kills) > 30
    assert_gone_on_with(kills, calls)
    assert_every_start_has_its_end(kills)


def test_a_race_and_a_promotion_that_are_killed_anywhere_are_finished_by_the_next_turn(killed, answered_weeks):
    kills, calls = killed(answered_weeks, [WATCH, ROLL_BACK, REFIT, NEXT_WATCH, COMPARE, PROMOTE, NEXT_REFIT], which=[3, 4, 5])
    assert kinds(calls[5])[-3:] == ["watch", "verdict", "release"]
    assert calls[5]["told"][-1][3]["role"] == "champion"
    assert_gone_on_with(kills, calls)
    assert_every_start_has_its_end(kills)


def assert_every_start_has_its_end(kills):
    """No action stays open: the one that was cut off is done, or written down as abandoned."""
    for kill in kills:
        attempts = {"started": set(), "ended": set()}
        for note in kill["notes"]:
            attempts["started" if note["status"] == "started" else "ended"].add((json.dumps(note["cause"]), note["attempt"]))
        assert attempts["started"] == attempts["ended"], f"call {kill['call']}, killed at change {kill['point']}"


def test_what_a_killed_server_answered_is_in_the_predictions_once(champion, serve, table, request_rows, keepfit):
    rows = request_rows(table(1).drop("bad"))
    answered = []
    for _ in range(2):
        with serve(champion) as server:
            for row in rows[:5]:
                answered += [one["id"] for one in server.post("/v1/predict", {"rows": [row, row]}).json()["predictions"]]
            server.kill()
    assert keepfit("turn", "-C", champion).returncode == 0
    kept = pl.concat(pl.read_parquet(path) for path in (champion / ".keepfit/tables/predictions").glob("*.parquet"))["id"].to_list()
    assert sorted(kept) == sorted(answered)
    shutil.rmtree(champion)
