"""What it costs to look at the newest window of a long log, beside the size of that log.

    python benchmarks/watching.py [--rows 1000000] [--windows 50] [--json]

Ten columns and a label for each row, a week a window, a Parquet part for each 5,000 answers and one for each 5,000
labels. Memory is what the process grew by, at its peak, over what it held before it looked. A cache that is cold is
filled by the first look.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

NUMBERS, CATEGORIES, LEARNED, PART = 8, 2, 20_000, 5_000
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
PROJECT = """\
[problem]
name = "watching"
target = "late"
time = "at"
key = ["row"]
label_delay = "1d"

[data]
source = "rows.parquet"

[model]
estimators = ["linear"]
trials = 0
evaluation = "quick"
"""


def table(rows: int, seed: int, begin: datetime, first: int, length: timedelta) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    held: dict[str, Any] = {"row": np.arange(first, first + rows)}
    held["at"] = pl.Series([begin + length * (at / rows) for at in range(rows)], dtype=pl.Datetime("us", "UTC"))
    held |= {f"n{at}": draw.normal(size=rows) for at in range(NUMBERS)}
    held |= {f"c{at}": pl.Series(draw.integers(0, 20, rows)).cast(pl.String) for at in range(CATEGORIES)}
    found = pl.DataFrame(held)
    return found.with_columns(late=pl.Series(found["n0"].to_numpy() + draw.normal(size=rows) > 0.5))


def answered(place: Path, frame: pl.DataFrame, part: int) -> None:
    """A part of the log: answers to these rows, and their labels a day later."""
    home = place / ".keepfit" / "tables"
    keys = frame.select(pl.format("[{}]", "row")).to_series()
    score = 1 / (1 + np.exp(0.5 - frame["n0"].to_numpy()))
    fixed = {"at": frame["at"], "release": "r1", "role": "champion", "via": "online", "time": frame["at"], "key": keys}
    rest = {"decision": pl.Series(score > 0.5).replace_strict([True, False], ["true", "false"], return_dtype=pl.String)}
    log = pl.DataFrame({"id": pl.Series([f"{part:06}-{at:06}" for at in range(frame.height)]), **fixed, **rest})
    log = log.with_columns(warnings=pl.lit([], pl.List(pl.String)), latency_us=pl.lit(900, pl.Int64), sampling=pl.lit(None, pl.Float64))
    inputs = frame.drop("late").rename(lambda name: f"input.{name}")
    (home / "predictions").mkdir(parents=True, exist_ok=True)
    (home / "labels").mkdir(parents=True, exist_ok=True)
    log.hstack(inputs).with_columns(pl.Series("output.score", score)).write_parquet(home / "predictions" / f"predictions-{part:06}.parquet")
    value = frame["late"].replace_strict([True, False], ["true", "false"], return_dtype=pl.String)
    received = frame["at"] + timedelta(days=1)
    none = pl.lit(None, pl.String)
    pl.DataFrame({"key": keys, "value": value, "received_at": received}).with_columns(
        prediction=none, name=pl.lit("late"), source=pl.lit("system"), by=none, supersedes=none, observed_at=pl.lit(None, received.dtype)
    ).write_parquet(home / "labels" / f"labels-{part:06}.parquet")


def used() -> tuple[float, float]:
    found = resource.getrusage(resource.RUSAGE_SELF)
    return found.ru_utime + found.ru_stime, found.ru_maxrss / 1024


def child(place: Path, until: datetime) -> dict[str, Any]:
    """CPU seconds and megabytes of growth of what a turn does with the log, in this process."""
    from keepfit.loop.due import due
    from keepfit.loop.watch import labelled, watch_window
    from keepfit.workspace import Workspace

    ws = Workspace(place)
    found: dict[str, Any] = {}
    before, held = used()
    waits = due(ws, now=until)
    found["due, first"] = used()[0] - before
    before, _ = used()
    due(ws, now=until)
    found["due"] = used()[0] - before
    before, _ = used()
    watch_window(ws, waits[-1], now=until)
    found["watch"] = used()[0] - before
    before, _ = used()
    labelled(ws, waits[-1], now=until)
    found["labels"] = used()[0] - before
    return found | {"megabytes": used()[1] - held, "windows": len(waits)}


def measure(rows: int, windows: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        (place / "keepfit.toml").write_text(PROJECT)
        table(LEARNED, 1, BEGIN - timedelta(days=140), 0, timedelta(days=140)).write_parquet(place / "rows.parquet")
        subprocess.run([sys.executable, "-m", "keepfit", "run", "-C", name, "--now", "2024-01-01T00:00Z"], check=False, capture_output=True)
        each = PART * windows / rows * timedelta(days=7)
        for part in range(rows // PART):
            answered(place, table(PART, 10 + part, BEGIN + part * each, LEARNED + part * PART, each), part)
        until = BEGIN + timedelta(days=7 * windows + 2)
        arguments = [sys.executable, __file__, "--child", name, "--until", until.isoformat()]
        done = subprocess.run(arguments, check=True, capture_output=True, text=True)
        found: dict[str, Any] = json.loads(done.stdout)
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--windows", type=int, default=50)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--until", type=datetime.fromisoformat, help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.child is not None:
        print(json.dumps(child(options.child, options.until)))
        return
    found = measure(options.rows, options.windows)
    if options.json:
        print(json.dumps(found))
        return
    print(f"{options.rows:,} answers with labels in {found['windows']} windows")
    for name in ("due, first", "due", "watch", "labels"):
        print(f"{name:12} {found[name]:8.2f} CPU-s")
    print(f"memory       {found['megabytes']:8.0f} MB growth")


if __name__ == "__main__":
    main()
