"""What it costs to take a source again, and what a table that grew stores anew.

    python benchmarks/taking.py [--megabytes 1000] [--files 10000] [--rounds 5] [--json]

CPU seconds (user and system) of a process that opens a project and takes its source, above one that only opens it, in alternating
rounds; the source was taken before and did not change. Then 1 % of newer rows are added: the bytes of the files that this
stores, as a share of the bytes that were there.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
#: Shortly after the newest row: small days of a month that is over are joined, and rows that come later still rewrite it.
NOW = "datetime(2024, 7, 22, tzinfo=UTC)"
PROJECT = """\
[problem]
name = "taking"
target = "late"
{time}
[data]
source = "{source}"
"""
OPEN = """\
import sys
from datetime import UTC, datetime
from pathlib import Path
from keepfit.loop.take import take
from keepfit.workspace import Workspace
ws = Workspace(Path(sys.argv[1]))
ws.ledger.head()
"""
TAKE = OPEN + f"take(ws, now={NOW})\n"
COLUMNS = 10


def table(rows: int, seed: int, begin: datetime = BEGIN, days: float = 200.0) -> pl.DataFrame:
    """Rows of numbers that do not compress, spread over some days."""
    draw = np.random.default_rng(seed)
    micros = np.sort(draw.integers(0, int(days * 86_400e6), rows)) + int(begin.timestamp() * 1e6)
    when = pl.Series(micros).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    frame = pl.DataFrame(draw.normal(size=(rows, COLUMNS)), schema=[f"c{number}" for number in range(COLUMNS)])
    return frame.with_columns(when=when, late=pl.Series(draw.random(rows) < 0.2))


def project(folder: Path, source: str, *, time: str = 'time = "when"\n') -> Path:
    folder.mkdir(parents=True)
    (folder / "keepfit.toml").write_text(PROJECT.format(source=source, time=time))
    return folder


def cpu_seconds(code: str, folder: Path) -> float:
    process = subprocess.Popen([sys.executable, "-c", code, str(folder)])
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"taking {folder.name} ended with {process.returncode}")
    return used.ru_utime + used.ru_stime


def settle() -> None:
    """Files that have just changed are not trusted for two seconds."""
    time.sleep(2.5)


def again(name: str, folder: Path, rounds: int, target: float) -> dict[str, Any]:
    settle()
    first = cpu_seconds(TAKE, folder)
    settle()
    cpu_seconds(TAKE, folder)
    opened, taken = [], []
    for _ in range(rounds):
        opened.append(cpu_seconds(OPEN, folder))
        taken.append(cpu_seconds(TAKE, folder))
    above = [with_take - without for with_take, without in zip(taken, opened, strict=True)]
    figures = {"first": first, "start": min(opened), "minimum": min(above), "median": statistics.median(above)}
    return {"what": name, **figures, "target": target}


def stored(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in (folder / ".keepfit/tables/snapshots").iterdir()}


def grown(name: str, folder: Path, more: pl.DataFrame) -> dict[str, Any]:
    before = stored(folder)
    path = folder / "rows.parquet"
    pl.concat([pl.read_parquet(path), more]).write_parquet(path)
    cpu_seconds(TAKE, folder)
    after = stored(folder)
    new = sum(size for file, size in after.items() if file not in before)
    return {"what": name, "before": sum(before.values()), "new": new, "share": new / sum(before.values()), "target": 0.05}


def measure(place: Path, megabytes: int, files: int, rounds: int) -> list[dict[str, Any]]:
    rows = megabytes * 1_000_000 // (8 * (COLUMNS + 1))
    big = project(place / "big", "rows.parquet")
    table(rows, 1).write_parquet(big / "rows.parquet")
    size = (big / "rows.parquet").stat().st_size // 1_000_000
    found = [again(f"a file of {size:,} MB again", big, rounds, 0.1)]
    found.append(grown("1 % of newer rows, by day", big, table(rows // 100, 2, BEGIN + timedelta(days=200), 2.0)))
    many = project(place / "many", "rows")
    (many / "rows").mkdir()
    for number in range(files):
        table(20, number).write_parquet(many / "rows" / f"{number:05d}.parquet")
    found.append(again(f"{files:,} files again", many, rounds, 0.15))
    plain = project(place / "plain", "rows.parquet", time="")
    table(min(rows, 200_000), 3).drop("when").write_parquet(plain / "rows.parquet")
    cpu_seconds(TAKE, plain)
    found.append(grown("1 % more rows, without time", plain, table(min(rows, 200_000) // 100, 4).drop("when")))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        found = measure(Path(name), options.megabytes, options.files, options.rounds)
    if options.json:
        json.dump(found, sys.stdout, indent=1)
        print()
        return
    print(f"{'CPU seconds above the start':32} {'minimum':>8} {'median':>8} {'target':>8}   start, first take")
    for one in (one for one in found if "minimum" in one):
        print(f"{one['what']:32} {one['minimum']:8.3f} {one['median']:8.3f} {one['target']:8.2f}   {one['start']:.3f}, {one['first']:.1f}")
    print(f"\n{'stored anew':32} {'share':>8} {'target':>8}")
    for one in (one for one in found if "share" in one):
        print(f"{one['what']:32} {one['share']:8.2%} {one['target']:8.0%}")


if __name__ == "__main__":
    main()
