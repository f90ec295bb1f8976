"""Two loops on two machines whose ledger lies in PostgreSQL: nothing but the ledger keeps them apart."""

from __future__ import annotations

import collections
import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import polars as pl
import pytest

TURNING = Path(__file__).parents[2] / "acceptance" / "slow" / "turning.py"
TOML = """\
[problem]
name = "small"
target = "bad"
time = "when"
key = ["number"]
label_delay = "1d"

[data]
source = "rows.parquet"

[model]
estimators = ["linear"]
trials = 0

[gates]
good = { kind = "at_least", metric = "roc_auc", limit = 0.6 }

[refit]
minimum_labels = 50
cooldown = "0s"
guards = ["flood", "vanished"]

[stores]
ledger = "postgres://keepfit:${LEDGER_PASSWORD}@127.0.0.1:PORT/postgres?options=-csearch_path%3Dtwo_machines"
"""


def rows(count=2000):
    draw = np.random.default_rng(1)
    amount, shop = draw.normal(size=count), draw.choice(["north", "south", "west"], count)
    chance = 1 / (1 + np.exp(-(2.0 * amount + (shop == "north") - 0.5)))
    seconds = np.sort(draw.integers(0, 63 * 86_400, count))
    when = pl.from_epoch(pl.Series(seconds + 1_704_067_200), time_unit="s").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    return pl.DataFrame({"number": np.arange(count), "when": when, "amount": amount, "shop": shop, "bad": draw.random(count) < chance})


@pytest.mark.parametrize("seed", [5])
def test_two_machines_on_one_ledger_in_postgresql_decide_what_one_loop_decides(postgres, tmp_path, seed):
    folder = tmp_path / "turned"
    folder.mkdir()
    postgres.run("CREATE SCHEMA two_machines")
    (folder / "keepfit.toml").write_text(TOML.replace("PORT", str(postgres.port)))
    rows().write_parquet(folder / "rows.parquet")
    variables = os.environ | {
        "OMP_NUM_THREADS": "1",
        "KEEPFIT_ACTOR": "person:test",
        "LEDGER_PASSWORD": unquote(urlsplit(postgres.url).password),
    }
    call = [sys.executable, str(TURNING), str(folder), "apart", "150", str(seed)]
    done = subprocess.run(call, capture_output=True, text=True, env=variables, timeout=1500, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    sums = json.loads(done.stdout)
    apart, calm = (json.loads(Path(sums.pop(name)).read_text()) for name in ("disturbed", "calm"))
    print(sums)
    assert not (folder / ".keepfit" / "ledger.sqlite").exists()
    assert apart["told"] == calm["told"]
    assert apart["whole"]
    ended = collections.Counter(cause for _, cause, status in apart["actions"] if status == "done")
    assert set(ended.values()) == {1}
    assert ended.keys() == {cause for _, cause, status in calm["actions"] if status == "done"}
