"""A whole project whose ledger lies in PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

import keepfit
from keepfit.errors import LedgerUnreachable

NOW = datetime(2024, 3, 1, tzinfo=UTC)
TOML = """
[problem]
name = "shop"
target = "bought"
time = "at"

[data]
source = "rows.csv"

[model]
estimators = ["linear"]
trials = 0

[stores]
ledger = "postgres://keepfit:${LEDGER_PASSWORD}@127.0.0.1:PORT/postgres?options=-csearch_path%3Dwhole_project"
"""


@pytest.fixture
def folder(tmp_path, postgres, monkeypatch):
    postgres.run("CREATE SCHEMA IF NOT EXISTS whole_project")
    draw = np.random.default_rng(3)
    at = [NOW - timedelta(hours=hour) for hour in range(1, 1201)]
    x = draw.normal(size=1200)
    pl.DataFrame({"at": at, "x": x, "bought": x + draw.normal(size=1200) > 0}).write_csv(tmp_path / "rows.csv")
    (tmp_path / "keepfit.toml").write_text(TOML.replace("PORT", str(postgres.port)))
    monkeypatch.setenv("LEDGER_PASSWORD", "pa ss/w@rd:%1?")
    return tmp_path


def test_a_run_is_kept_in_postgresql_under_a_password_from_the_environment(folder, monkeypatch):
    with keepfit.open(folder) as project:
        assert project.run(now=NOW).released == "r1"
    assert not (folder / ".keepfit/ledger.sqlite").exists()
    assert [entry.kind for entry in keepfit.open(folder).history()] == ["snapshot", "fit", "verdict", "release"]
    assert keepfit.open(folder).verify().whole
    assert not keepfit.open(folder).run(now=NOW).changed
    written = [path for path in folder.rglob("*") if path.is_file()]
    assert not any(b"pa ss/w" in path.read_bytes() or b"pa%20ss" in path.read_bytes() for path in written)
    monkeypatch.setenv("LEDGER_PASSWORD", "another")
    with pytest.raises(LedgerUnreachable) as refused:
        keepfit.open(folder).status(now=NOW)
    assert "another" not in str(refused.value)
