"""`keepfit schema`: what the source holds now, before and after it was taken."""

from __future__ import annotations

import json

import polars as pl

NOW = ("--now", "2024-03-04T00:00Z")


def look(keepfit, folder, *arguments, code=0):
    done = keepfit("schema", "-C", folder, *NOW, "--json", *arguments)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def test_columns_are_shown_before_anything_was_taken_and_nothing_is_written(keepfit, project, state_of):
    folder = project(edit=("[model]", '[columns]\nshop = { values = ["north", "south"] }\n\n[model]'))
    said = look(keepfit, folder)
    assert [column["name"] for column in said["columns"]] == ["number", "when", "amount", "shop", "bad"]
    assert (said["taken"], said["refused"]) == (None, False)
    (found,) = said["inspection"]["violations"]
    assert (found["check"], found["column"], found["policy"]) == ("values", "shop", "warn")
    assert "west" not in json.dumps(found)
    assert state_of(folder) == {"lock": None, "chain": []}
    text = keepfit("schema", "-C", folder, *NOW).stdout
    assert "Does not fit:" in text
    assert "rows.parquet: 2,079 rows, 5 columns; not taken yet" in text


def test_what_was_taken_is_shown_with_its_entry(keepfit, champion):
    said = look(keepfit, champion)
    assert (said["taken"], said["inspection"]["changes"]) == (1, [])
    assert "Every row fits" in keepfit("schema", "-C", champion, *NOW).stdout


def test_a_table_that_would_be_refused_is_shown_with_every_row_and_exit_1(keepfit, champion, table, tmp_path, state_of):
    before = state_of(champion)
    pl.concat([table(63), table(63).slice(6, 2)]).write_parquet(champion / "rows.parquet")
    said = look(keepfit, champion, "--violations", tmp_path / "rows.csv", code=1)
    assert said["refused"]
    assert pl.read_csv(tmp_path / "rows.csv").rows() == [("key", "number", row) for row in (7, 8, 2080, 2081)]
    assert state_of(champion) == before
    done = keepfit("schema", "-C", champion, "--violations", "rows.txt")
    assert (done.returncode, "KF131" in done.stderr) == (3, True)


def test_a_run_says_in_one_line_what_was_found_and_leaves_out_what_is_quarantined(keepfit, project, table):
    sections = '[checks]\nrange = "quarantine"\n\n[columns]\namount = { max = 2 }\n\n[gates]'
    done = keepfit("run", "-C", project(edit=("[gates]", sections)), *NOW)
    out = int((table(63)["amount"] > 2).sum())
    assert done.returncode == 0, done.stderr
    assert f"check    {out} rows left out; amount: {out} values above 2" in done.stdout
    assert f"take     {2079 - out:,} rows" in done.stdout
