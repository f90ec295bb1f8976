"""Tables with thousands of columns, and with a name for each of a million rows: a run ends, in bounded memory."""

from __future__ import annotations

import json
import resource
import subprocess
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
NOW = "2024-12-01T00:00Z"
PATIENCE = 1200.0
QUICK = ('estimators = ["linear"]\ntrials = 0', 'estimators = ["lightgbm"]\ntrials = 0\nevaluation = "quick"')


def rows_of(count, seconds):
    draw = np.random.default_rng(1)
    amount = draw.normal(size=count)
    when = pl.Series(range(count)).cast(pl.Duration("ms")) * 1000 * seconds + BEGIN
    bad = draw.random(count) < 1 / (1 + np.exp(-1.5 * amount))
    return pl.DataFrame({"number": range(count), "when": when, "amount": amount, "bad": bad})


def run(keepfit, folder):
    done = keepfit("run", "-C", folder, "--now", NOW, "--json")
    assert done.returncode in (0, 1, 2), done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def patient(monkeypatch):

    plain = subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda *given, **said: plain(*given, **{**said, "timeout": PATIENCE}))


def test_a_table_with_five_thousand_columns_is_run(patient, keepfit, project):
    frame = rows_of(600, 3600)
    draw = np.random.default_rng(2)
    more = [pl.Series(f"c{place}", draw.normal(size=frame.height)) for place in range(4000)]
    more += [pl.Series(f"t{place}", draw.choice(["a", "b", "c"], frame.height)) for place in range(1000)]
    made = run(keepfit, project(rows=frame.hstack(more), edit=QUICK))
    assert made["snapshot"]["rows"] == frame.height
    assert made["evaluation"]["metrics"]["roc_auc"]["value"] > 0.6


def test_a_category_with_a_million_values_is_run_in_bounded_memory(patient, keepfit, project):
    frame = rows_of(1_000_000, 20).with_columns(name=pl.format("name-{}", "number"), pair=pl.format("p{}", pl.col("number") // 2))
    made = run(keepfit, project(rows=frame, edit=QUICK))
    assert made["champion"] == "r1"
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 3_000_000
