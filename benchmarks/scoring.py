"""What it costs to score a whole table, beside the bare model on a matrix that is ready.

    python benchmarks/scoring.py [--rows 10000000] [--trees 100] [--no-log] [--json]

Twenty columns: fifteen numbers and five categories, from Parquet to Parquet. "bare" is LightGBM's own prediction of the same
trees, with one thread, on a matrix of a tenth of the rows that lies in memory, times ten. Memory is what the process grew by,
at its peak, over what it held before scoring.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

NUMBERS, CATEGORIES, LEARNED = 15, 5, 100_000
NOW = datetime(2024, 6, 1, tzinfo=UTC)
PROJECT = """\
[problem]
name = "scoring"
target = "late"
key = ["row"]

[data]
source = "rows.parquet"

[model]
estimators = ["lightgbm"]
trials = 0
evaluation = "quick"

[model.parameters.lightgbm]
trees = {trees}
"""


def table(rows: int, seed: int, begin: int = 0) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    held: dict[str, Any] = {"row": np.arange(begin, begin + rows)}
    held |= {f"n{at}": draw.normal(size=rows) for at in range(NUMBERS)}
    held |= {f"c{at}": pl.Series(draw.integers(0, 20, rows)).cast(pl.String) for at in range(CATEGORIES)}
    return pl.DataFrame(held)


def write(path: Path, rows: int) -> None:
    """A table of any size in bounded memory."""
    from polars.io.plugins import register_io_source

    pieces = ((seed, begin) for seed, begin in enumerate(range(0, rows, 500_000)))
    parts = (table(min(500_000, rows - begin), 10 + seed, begin) for seed, begin in pieces)
    register_io_source(lambda *_: parts, schema=table(0, 0).schema, is_pure=True).sink_parquet(path)


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def child(place: Path, rows: int, keep: bool) -> dict[str, float]:
    """Scores in this process; gives CPU seconds, seconds and megabytes of growth, and the bare model's CPU seconds."""
    from keepfit import features
    from keepfit.loop.models import candidate_behind, load_model
    from keepfit.loop.score import Target, score
    from keepfit.workspace import Workspace, open_source

    ws = Workspace(place)
    source = open_source("big.parquet", folder=place, at="TABLE")
    score(ws, open_source("rows.parquet", folder=place, at="TABLE"), Target(str(place / "warm.parquet")), now=NOW, keep=False)
    held, before, began = peak(), cpu(), time.perf_counter()
    score(ws, source, Target(str(place / "out.parquet")), now=NOW, keep=keep)
    found = {"seconds": time.perf_counter() - began, "cpu": cpu() - before, "megabytes": peak() - held}
    release = candidate_behind(ws, "r1")
    assert release is not None
    fitted: Any = load_model(ws, release[0]).fitted
    few = rows // 10
    ready = features.matrix(fitted.plan, table(few, 99), ws.kinds)
    before = cpu()
    for booster in fitted._boosters:
        booster.predict(ready)
    return found | {"bare": (cpu() - before) * rows / few}


def measure(rows: int, trees: int, keep: bool) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        (place / "keepfit.toml").write_text(PROJECT.format(trees=trees))
        learned = table(LEARNED, 1)
        late = learned["n0"] + (learned["c0"].cast(pl.Int64) > 9) + np.random.default_rng(2).normal(size=LEARNED) > 0.5
        learned.with_columns(late=late).write_parquet(place / "rows.parquet")
        subprocess.run([sys.executable, "-m", "keepfit", "run", "-C", name], check=True, capture_output=True)
        write(place / "big.parquet", rows)
        arguments = [sys.executable, __file__, "--child", name, "--rows", str(rows), *([] if keep else ["--no-log"])]
        done = subprocess.run(arguments, check=True, capture_output=True, text=True)
        found: dict[str, float] = json.loads(done.stdout)
        return found | {"ratio": found["cpu"] / found["bare"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--trees", type=int, default=100)
    parser.add_argument("--no-log", action="store_true")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.child is not None:
        print(json.dumps(child(options.child, options.rows, not options.no_log)))
        return
    found = measure(options.rows, options.trees, not options.no_log)
    if options.json:
        print(json.dumps(found))
        return
    print(f"{options.rows:,} rows, {options.trees} trees")
    print(f"bare model   {found['bare']:8.1f} CPU-s")
    print(f"keepfit      {found['cpu']:8.1f} CPU-s  ratio {found['ratio']:.2f} (target 1.5), {found['seconds']:.1f} s")
    print(f"memory       {found['megabytes']:8.0f} MB growth (target 1,000)")


if __name__ == "__main__":
    main()
