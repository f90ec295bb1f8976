"""The clients that others wrote for the protocols that the server speaks, as they are installed: nothing of ours in between.

They bring packages by the dozen, so they live in an environment of their own, whose Python `SCORING_CLIENTS` names.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest

CLIENTS = Path(__file__).parent / "clients"
RELEASE = Path(__file__).parents[2] / "golden" / "releases" / "v1-trees"
PYTHON = os.environ.get("SCORING_CLIENTS")
pytestmark = pytest.mark.skipif(not PYTHON, reason="SCORING_CLIENTS names no Python with MLflow's and NVIDIA's clients")


@pytest.fixture(scope="module")
def rows():
    """Whole rows of a golden release; sizes and stocks are numbers that FP32 and FP64 hold."""
    known = [one["row"] for one in json.loads(RELEASE.with_suffix(".answers.json").read_text(encoding="utf-8"))]
    columns = ("order", "at", "shop", "product", "price", "size", "weekend", "gift", "stock")
    whole = [{name: row[name] for name in columns} for row in known if all(row.get(name) is not None for name in columns)]
    return [row | {"size": number / 4, "stock": number} for number, row in enumerate(whole[:5])]


@pytest.fixture
def told(serve, tmp_path):
    """A server of one release, whose answers go nowhere."""
    folder = Path(shutil.copytree(RELEASE, tmp_path / "r1"))
    with serve(tmp_path, "--release", folder) as server:
        yield server


def ask(script, *arguments):
    # It runs in a folder of its own: nothing here is imported by it.
    done = subprocess.run([PYTHON, CLIENTS / script, *arguments], capture_output=True, text=True, check=False, timeout=300, cwd="/")
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def scores_of(server, rows):
    return [one["score"] for one in server.post("/v1/predict", {"rows": rows}).json()["predictions"]]


def test_mlflow_s_scoring_client_is_answered(told, rows):
    missing = [*rows, rows[0] | {"size": None, "stock": None}]
    said = ask("ask_mlflow.py", told.url, json.dumps(missing))
    assert said["version"] == version("keepfit")
    assert said["scores"] == dict.fromkeys(("frame", "records"), scores_of(told, missing))
    assert "error code 400" in said["refused"]
    assert "INVALID_PARAMETER_VALUE" in said["refused"]
    assert "shop" in said["refused"]


def test_a_request_is_taken_or_refused_as_by_mlflow_s_own_server(told, rows):
    split = {"columns": list(rows[0]), "data": [list(row.values()) for row in rows]}
    good = [
        {"dataframe_split": split},
        {"dataframe_split": split | {"index": [0, 1, 2, 3, 4]}},
        {"dataframe_records": rows},
        {"instances": rows},
        {"inputs": {name: [row[name] for row in rows] for name in rows[0]}},
        {"dataframe_records": rows, "params": {}},
        {"dataframe_records": rows, "params": None},
    ]
    bad = [rows, {}, {"dataframe_records": rows, "instances": rows}, {"rows": rows}, {"dataframe_split": rows}, "text", 7, None]
    text = "\n".join([",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)])
    cases = [("application/json", json.dumps(body)) for body in [*good, *bad]]
    cases += [("application/json; charset=utf-8", json.dumps(good[0])), ("text/csv", text), ("text/csv; charset=UTF-8", text)]
    cases += [("text/csv", ""), ("application/json", "{"), ("application/json; charset=latin-1", "{}"), ("application/json; x=1", "{}")]
    cases += [("text/plain", "{}"), ("application/x-parquet", "{}"), ("text/html; charset=utf-8", text)]
    theirs = ask("answer_as_mlflow.py", json.dumps(cases))
    for (kind, body), (status, media, members) in zip(cases, theirs, strict=True):
        ours = told.client.post("/invocations", content=body.encode(), headers={"Content-Type": kind})
        case = f"{kind} {body[:80]}"
        assert ours.status_code == status, case
        assert ours.headers["content-type"].partition(";")[0] == media, case
        if media == "application/json":
            assert sorted(ours.json()) == (members if status == 200 else ["error_code", "message"]), case
            assert status == 200 or {"error_code", "message"} <= set(members), case
            assert status != 200 or all(isinstance(one, dict) for one in ours.json()["predictions"])


def test_the_client_of_the_open_inference_protocol_is_answered(told, rows):
    said = ask("ask_triton.py", told.url, "returns", json.dumps(rows))
    assert said["server"]["name"] == "keepfit"
    assert len(said["scores"]) == 9
    assert list(said["scores"].values()) == [scores_of(told, rows)] * 9
    assert said["refused"].startswith("400 ")
    assert "shop" in said["refused"]
    assert httpx.get(f"{told.url}/metrics").text.count('route="/v2/models/{model}/infer",status="200"') == 1
