"""An estimator that a function of the owner's makes, in a run, a server and a second run."""

from __future__ import annotations

import json

import pytest

NOW = "2024-03-04T00:00Z"
MODULE = """
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

def model(strength: float = 1.0):
    encode = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["shop"]), ("passthrough", ["amount"]))
    return make_pipeline(encode, LogisticRegression(C=strength))
"""


def test_a_pipeline_of_scikit_learn_is_judged_and_served(keepfit, project, serve, table, request_rows):
    folder = project(edit=('estimators = ["linear"]', 'estimators = ["mine:model"]\nevaluation = "quick"'))
    (folder / "mine.py").write_text("def model(): return 'none'")
    refused = keepfit("run", "-C", folder, "--now", NOW)
    assert refused.returncode == 3
    assert "KF220: the function mine:model gives a value of type str, which is no estimator" in refused.stderr

    (folder / "mine.py").write_text(MODULE)
    done = keepfit("run", "-C", folder, "--now", NOW, "--json")
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)["candidate"]
    assert (made["estimator"], made["predictor"]) == ("mine:model", "general")
    assert made["difference"] <= 1e-9
    assert not json.loads(keepfit("run", "-C", folder, "--now", NOW, "--json").stdout)["changed"]

    rows = request_rows(table(1, seed=9).drop("bad"))
    with serve(folder) as server:
        together = server.post("/v1/predict", {"rows": rows}).json()["predictions"]
        alone = server.post("/v1/predict", {"rows": rows[:1]}).json()["predictions"]
    assert alone[0]["score"] == pytest.approx(together[0]["score"], abs=1e-9)
    assert min(one["score"] for one in together) < 0.3 < 0.6 < max(one["score"] for one in together)
