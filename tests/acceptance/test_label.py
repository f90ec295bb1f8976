"""Late truth from a table: what is new counts, what cannot be is refused."""

from __future__ import annotations

import pytest

import keepfit as library


@pytest.fixture
def week(champion, table, keepfit):
    rows = table(7, seed=4)
    rows.drop("bad").write_parquet(champion / "week.parquet")
    assert keepfit("score", "-C", champion, champion / "week.parquet", "--now", "2024-03-04T00:00Z").returncode == 0
    return rows


def tell(keepfit, champion, text, day):
    (champion / "truth.csv").write_text("number,bad\n" + text)
    return keepfit("label", "-C", champion, champion / "truth.csv", "--now", f"2024-03-{day:02d}T00:00Z")


def known(champion):
    told = library.open(champion).predictions()
    return dict(zip(told["key"], told["label"], strict=True))


def test_a_correction_that_is_taken_back_is_the_last_word(keepfit, champion, week):
    for day, value in ((5, "true"), (6, "false"), (7, "true")):
        done = tell(keepfit, champion, f"3,{value}\n", day)
        assert "1 of them new" in done.stdout, done.stderr
        assert known(champion)["[3]"] == (value == "true")
    assert "0 of them new" in tell(keepfit, champion, "3,true\n", 8).stdout


def test_a_value_that_the_target_does_not_have_is_refused_and_nothing_is_taken(keepfit, champion, week):
    done = tell(keepfit, champion, "3,true\n4,maybe\n", 5)
    assert done.returncode == 3
    assert "KF209" in done.stderr
    assert "truth.csv: label 1" in done.stderr
    assert known(champion)["[3]"] is None


def test_a_missing_table_names_the_argument(keepfit, champion):
    done = keepfit("label", "-C", champion, champion / "nowhere.csv")
    assert done.returncode == 3
    assert "at: nowhere.csv" in done.stderr


def test_a_run_that_failed_on_another_target_leaves_no_trace_on_labels(keepfit, project, table):
    folder = project()
    now = ("--now", "2024-03-04T00:00Z")
    assert keepfit("run", "-C", folder, *now).returncode == 0
    assert keepfit("run", "-C", folder, *now, "--set", 'problem.target="shop"').returncode == 3
    assert keepfit("run", "-C", folder, *now).returncode == 0
    (folder / "truth.csv").write_text("number,bad\n1,true\n")
    assert keepfit("label", "-C", folder, folder / "truth.csv", *now).returncode == 0
