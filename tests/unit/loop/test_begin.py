from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from keepfit.errors import KeepfitError, Undecided
from keepfit.loop.begin import begin, decide, find_table, look
from keepfit.loop.take import take
from keepfit.proposal import Answers
from keepfit.workspace import Workspace

ROWS = 400


@pytest.fixture
def folder(tmp_path):
    draw = np.random.default_rng(3)
    late = draw.random(ROWS) < 0.3
    pl.DataFrame(
        {
            "when": [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=5 * hour) for hour in range(ROWS)],
            "distance": draw.normal(500, 90, ROWS),
            "delay": np.where(late, draw.uniform(30, 200, ROWS), draw.uniform(-20, 29, ROWS)),
            "refund": [float(n) if flag else None for n, flag in enumerate(late)],
            "late": late,
        }
    ).write_parquet(tmp_path / "trips.parquet")
    return tmp_path


def test_what_tells_the_target_by_itself_is_taken_to_be_known_only_later(folder):
    found = decide(look(str(folder / "trips.parquet"), folder), Answers())
    assert found.source == "trips.parquet"
    assert set(found.settings) == {"delay", "refund"}
    assert all(setting == {"known": "later"} for setting in found.settings.values())
    assert "almost perfectly" in found.reasons["columns.delay"]


def test_the_written_file_says_what_was_decided_and_one_that_does_not_hold_is_not_left_behind(folder):
    table = look(str(folder / "trips.parquet"), folder)
    path, lines = begin(folder, table, decide(table, Answers(name="trips")))
    text = path.read_text()
    assert text.count("\n") == lines
    assert tomllib.loads(text)["columns"]["delay"] == {"known": "later"}
    with pytest.raises(KeepfitError):
        begin(folder, table, decide(table, Answers(name="No Name")), replace=True)
    assert path.read_text() == text


def test_the_only_table_of_a_folder_is_found(folder):
    assert find_table(folder) == folder / "trips.parquet"
    (folder / "more.csv").write_text("a\n1\n")
    with pytest.raises(Undecided, match=r"2 tables here: more\.csv, trips\.parquet"):
        find_table(folder)
    with pytest.raises(Undecided, match="no table"):
        find_table(folder / "nothing")


@pytest.mark.parametrize(("given", "source"), [("sub/t.csv", "sub/t.csv"), ("../{}/sub/t.csv", "sub/t.csv")])
def test_a_path_is_written_relative_to_the_project(folder, monkeypatch, given, source):
    (folder / "sub").mkdir()
    (folder / "sub" / "t.csv").write_text("a,b\n" + "\n".join(f"{n},{n % 2}" for n in range(9)))
    monkeypatch.chdir(folder)
    assert look(given.format(folder.name), folder).source == source


def test_columns_that_no_model_can_take_are_left_out_and_the_file_holds(folder):
    frame = pl.read_parquet(folder / "trips.parquet")
    frame.with_columns(stops=pl.lit([1, 2]), span=pl.lit(timedelta(hours=2))).write_parquet(folder / "trips.parquet")
    table = look(str(folder / "trips.parquet"), folder)
    found = decide(table, Answers())
    assert (found.settings["stops"], found.settings["span"]) == ({"ignore": True}, {"ignore": True})
    assert found.columns == 7
    path, _ = begin(folder, table, found)
    assert "which is not a plain value" in path.read_text()
    assert "stops" not in {column.name for column in take(Workspace(folder), now=datetime(2024, 6, 1, tzinfo=UTC)).schema.columns}
