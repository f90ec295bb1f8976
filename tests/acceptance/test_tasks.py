"""Several classes, and magnitudes: the whole loop, as for a yes or no."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import jsonschema
import numpy as np
import polars as pl
import pytest

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
MONDAY = datetime(2024, 3, 4, tzinfo=UTC)
PROJECT = """\
[problem]
name = "small"
task = "{task}"
target = "{target}"
time = "when"
key = ["number"]
label_delay = "1d"

[data]
source = "rows.parquet"

[model]
estimators = ["lightgbm"]
trials = 0
evaluation = "{evaluation}"

[gates]
good = {{ {gate} }}

[refit]
minimum_labels = 100
"""
TASKS = {
    "multiclass": ("quick", 'kind = "at_least", metric = "accuracy", limit = 0.4', ("p0", "p1", "p2")),
    "regression": ("full", 'kind = "at_least", metric = "coverage", limit = 0.8', ("prediction", "low", "high")),
}


def rows_of(task, days, *, begin=BEGIN, seed=1, turned=False):
    """Rows whose target follows from what is known; with `turned` in another way."""
    draw = np.random.default_rng(seed)
    count = days * 33
    seconds = np.sort(draw.integers(0, days * 86_400, count))
    amount, shop = draw.normal(size=count), draw.choice(["north", "south"], count)
    level = (0.3 if turned else 1.5) * amount + (shop == ("south" if turned else "north"))
    grade = np.digitize(level + draw.normal(size=count), [0.0, 1.0])
    target = np.array(["low", "mid", "top"])[grade] if task == "multiclass" else 1e4 + 100 * level + 50 * draw.normal(size=count)
    when = pl.Series([begin + timedelta(seconds=int(s)) for s in seconds], dtype=pl.Datetime("us", "UTC"))
    number = (begin - BEGIN).days * 1000 + np.arange(count)
    return pl.DataFrame({"number": number, "when": when, "amount": amount, "shop": shop, "what": target})


@pytest.mark.parametrize("task", TASKS)
def test_a_project_runs_serves_watches_and_refits(task, project, keepfit, serve, request_rows):
    evaluation, gate, fields = TASKS[task]
    toml = PROJECT.format(task=task, target="what", evaluation=evaluation, gate=gate)
    folder = project(task, toml=toml, rows=rows_of(task, 63))
    done = keepfit("run", "-C", folder, "--now", MONDAY.isoformat())
    assert done.returncode == 0, done.stdout + done.stderr

    week = rows_of(task, 7, begin=MONDAY, seed=2, turned=True)
    rows = request_rows(week.drop("what"))
    with serve(folder, "--simulated") as server:
        said = server.post("/v1/predict", {"rows": rows}, at=MONDAY.isoformat())
        assert said.status_code == 200, said.text
        answers = said.json()["predictions"]
        described = server.client.get("/openapi.json").json()
        answer_schema = {"$ref": "#/components/schemas/Answers", "components": described["components"]}
        jsonschema.Draft202012Validator(answer_schema).validate(said.json())
        assert server.post("/v1/predict", {"rows": rows[:1]}, at=MONDAY.isoformat()).json()["predictions"][0].keys() == answers[0].keys()
        labels = [{"prediction": one["id"], "value": value} for one, value in zip(answers, week["what"], strict=True)]
        told = server.post("/v1/labels", {"labels": labels}, at=(MONDAY + timedelta(days=8)).isoformat())
        assert told.status_code == 200, told.text
    assert all(set(fields) <= set(one) for one in answers)
    if task == "multiclass":
        assert all(
            one["prediction"] in {"low", "mid", "top"} and sum(one[field] for field in fields) == pytest.approx(1) for one in answers
        )
    else:
        assert all(one["low"] <= one["prediction"] <= one["high"] for one in answers)

    week.drop("what").write_parquet(folder / "week.parquet")
    done = keepfit("score", "-C", folder, folder / "week.parquet", "--no-log", "-o", folder / "scored.parquet", "--now", MONDAY.isoformat())
    assert done.returncode == 0, done.stderr
    scored = pl.read_parquet(folder / "scored.parquet")
    for field in fields:
        assert scored[field].to_list() == pytest.approx([one[field] for one in answers], rel=1e-9)

    done = keepfit("watch", "-C", folder, "--json", "--now", "2024-03-12T00:00Z")
    assert done.returncode in {0, 1}, done.stderr
    window = json.loads(done.stdout)[-1]
    assert window["labels"] == week.height
    assert window["change"]["high"] < 0  # the world turned, and the window says so
    done = keepfit("turn", "-C", folder, "--now", "2024-03-12T00:00Z")
    assert done.returncode == 0, done.stderr
    assert "Fitted challenger c2" in done.stdout
