"""A function of the owner's adds columns, alike when fitting, serving, scoring and refitting."""

from __future__ import annotations

import json

import polars as pl
import pytest

import keepfit as library

NOW = "2024-03-04T00:00Z"
MODULE = """
def more(row: dict) -> dict:
    amount = row["amount"]
    return {"squared": None if amount is None else amount * amount, "where": f"{row['shop']}!"}
"""


@pytest.fixture
def folder(project):
    made = project(edit=("[gates]", '[features]\nfrom = "extra:more"\n\n[gates]'))
    (made / "extra.py").write_text(MODULE)
    return made


def run(keepfit, folder):
    return keepfit("run", "-C", folder, "--now", NOW, "--json")


def test_added_columns_are_the_same_in_a_run_a_request_a_score_and_the_log(keepfit, folder, serve, table, request_rows):
    done = run(keepfit, folder)
    assert done.returncode == 0, done.stderr
    rows = table(3, seed=9).drop("bad")
    rows.write_parquet(folder / "next.parquet")
    assert keepfit("score", "-C", folder, folder / "next.parquet", "-o", folder / "out.parquet", "--no-log").returncode == 0
    scored = pl.read_parquet(folder / "out.parquet")["score"].to_list()
    with serve(folder) as server:
        columns = {column["name"] for column in server.client.get("/v1/release").json()["columns"]}
        assert not {"squared", "where"} & columns
        answers = server.post("/v1/predict", {"rows": request_rows(rows)}).json()["predictions"]
        refused = server.post("/v1/predict", {"rows": [request_rows(rows)[0] | {"squared": 1.0}]})
    assert [answer["score"] for answer in answers] == pytest.approx(scored, abs=1e-12)
    assert refused.status_code == 422
    log = library.open(folder).predictions()
    assert log["input.squared"].to_list() == (rows["amount"] ** 2).to_list()
    assert log["input.where"].to_list() == (rows["shop"] + "!").to_list()


def test_a_function_that_is_changed_is_proved_and_taken_anew(keepfit, folder):
    first = json.loads(run(keepfit, folder).stdout)
    assert not json.loads(run(keepfit, folder).stdout)["changed"]
    (folder / "extra.py").write_text(MODULE.replace("amount * amount", "amount + 1.0"))
    again = json.loads(run(keepfit, folder).stdout)
    assert again["snapshot"] != first["snapshot"]
    (folder / "extra.py").write_text("import random\ndef more(row): return {'luck': random.random()}\n")
    refused = keepfit("run", "-C", folder, "--now", NOW)
    assert refused.returncode == 3
    assert "KF210" in refused.stderr


def test_a_release_that_needs_the_owner_s_code_is_not_served_from_a_bare_folder(keepfit, folder):
    assert run(keepfit, folder).returncode == 0
    refused = keepfit("serve", "--release", folder / ".keepfit/releases/r1", "--port", "0")
    assert refused.returncode == 4
    assert "KF402" in refused.stderr
