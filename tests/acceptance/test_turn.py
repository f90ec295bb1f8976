"""The loop's steps in an order that nobody planned."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

MONDAYS = [datetime(2024, 3, day, tzinfo=UTC) for day in (4, 11)]


def actions(entries, folder):
    return [(entry["body"]["kind"], entry["body"]["status"]) for entry in entries(folder) if entry["kind"] == "action"]


@pytest.fixture
def turn(keepfit):
    def call(folder, now):
        done = keepfit("turn", "-C", folder, "--now", now)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return call


def test_a_challenger_with_no_rows_to_race_on_is_followed_by_another(answered_copy, turn, keepfit, entries, table):
    # What a run made meanwhile knows every row of the window: there is nothing that is new to both models.
    for _ in range(2):
        turn(answered_copy, "2024-03-12T00:00Z")
    pl.concat([table(63), *(table(7, begin=monday, seed=monday.day) for monday in MONDAYS)]).write_parquet(answered_copy / "rows.parquet")
    assert keepfit("run", "-C", answered_copy, "--now", "2024-03-19T00:00Z", "--set", 'model.final_fit="all"').returncode == 0
    assert "Window 2024-03-11" in turn(answered_copy, "2024-03-19T00:00Z")
    assert "could not be raced" in turn(answered_copy, "2024-03-19T00:00Z")
    assert "Fitted challenger" in turn(answered_copy, "2024-03-19T00:00Z")
    assert "Nothing to do" in turn(answered_copy, "2024-03-19T00:00Z")
    assert actions(entries, answered_copy)[2:] == [("compare", "started"), ("compare", "done"), ("refit", "started"), ("refit", "done")]


def test_turns_after_the_last_thing_that_was_due_add_nothing_to_the_chain(answered_copy, turn, entries):
    while "Nothing to do" not in turn(answered_copy, "2024-03-12T00:00Z"):
        pass
    before = entries(answered_copy)
    for _ in range(3):
        assert "Nothing to do" in turn(answered_copy, "2024-03-12T00:00Z")
    assert entries(answered_copy) == before


def test_labels_that_come_after_the_window_was_looked_at_open_it_again(champion, turn, keepfit, entries, table):
    week = table(7, begin=MONDAYS[0], seed=4)
    week.drop("bad").write_parquet(champion / "week.parquet")
    week.select("number", "bad").write_csv(champion / "truth.csv")
    now = "2024-03-12T00:00Z"
    assert keepfit("score", "-C", champion, champion / "week.parquet", "--now", "2024-03-04T00:00Z").returncode == 0
    assert "0 labels" in turn(champion, now)
    assert "too few labels" in turn(champion, now)
    assert keepfit("label", "-C", champion, champion / "truth.csv", "--now", now).returncode == 0
    assert "231 predictions, 231 labels" in turn(champion, now)
    looked = [entry["body"] for entry in entries(champion) if entry["kind"] == "watch"]
    assert [(body["look"], body["labels"]) for body in looked] == [(1, 0), (2, 231)]
    assert "Fitted challenger" in turn(champion, now)
    assert "Nothing to do" in turn(champion, now)


def test_suspicious_labels_are_not_learned_from_before_a_person_has_approved_them(answered_copy, keepfit, entries):
    # The world of these weeks is turned round, or its labels are: the guard cannot tell.
    asked = ["-C", answered_copy, "--now", "2024-03-12T00:00Z", "--set", 'refit.guards=["flips"]']

    def turns():
        return [keepfit("turn", *asked) for _ in range(5)]

    done = turns()
    refused = next(one for one in done if one.returncode)
    assert refused.returncode == 3
    assert "KF560" in refused.stderr
    assert "keepfit approve refit" in done[-1].stdout
    told = entries(answered_copy)
    assert [entry["body"]["about"] for entry in told if entry["kind"] == "decision"] == ["refit"]
    (opened,) = given_up(told)
    assert opened["change"] == "opened"
    assert "refused its data" in opened["because"]
    assert not any(one.stdout.startswith("Fitted") for one in done)
    assert keepfit("approve", "-C", answered_copy, "refit", "--because", "the scale was changed, on purpose").returncode == 0
    assert any(one.stdout.startswith("Fitted") for one in turns())
    assert [body["change"] for body in given_up(entries(answered_copy))] == ["opened", "closed"]


def given_up(entries):
    return [entry["body"] for entry in entries if entry["kind"] == "incident" and entry["body"]["kind"] == "loop"]
