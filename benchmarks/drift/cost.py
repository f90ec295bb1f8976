"""What it costs to look for drift in 1,000,000 rows of 50 columns, beside Evidently's preset on the same files.

    python benchmarks/drift/cost.py [--rows 1000000] [--reference 200000] [--no-peer] [--limit 600] [--peer FOLDER] [--json]

Whole processes, from a Parquet file and a stored reference to an answer for every column: CPU seconds of all threads and
the most memory that was held. keepfit's reference is the record that travels with a release; Evidently's is the table
that it was made from. Evidently runs in an environment of its own, which is made for it (it needs a package index or a
cache that pip knows), or lies in FOLDER already; it is stopped after so many CPU seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from keepfit import record
from keepfit.column import column_kinds
from keepfit.moved import Limits, moved
from keepfit.ordinary import learn
from keepfit.profile import profile_file
from keepfit.recent import shares
from keepfit.reference import Reference, counted, cut, in_blocks
from keepfit.schema import Column

NUMBERS, CATEGORIES, BLOCK = 40, 10, 5_000
PEER = ("evidently==0.7.23", "pandas<3", "pyarrow")  # with pandas 3 it cannot be imported
PEERS_SIDE = """\
import sys
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset
reference, current = (pd.read_parquet(path) for path in sys.argv[1:3])
numbers = [name for name in current if name.startswith("n")]
names = [name for name in current if name.startswith("c")]
known = DataDefinition(numerical_columns=numbers, categorical_columns=names)
sides = [Dataset.from_pandas(frame, data_definition=known) for frame in (current, reference)]
found = Report([DataDriftPreset()]).run(*sides)
print(len(found.dict()["metrics"]))
"""


def columns() -> list[Column]:
    found = [Column(f"n{at}", "number", "float", ("feature",), True) for at in range(NUMBERS)]
    return found + [Column(f"c{at}", "category", "text", ("feature",), True) for at in range(CATEGORIES)]


def write(path: Path, rows: int, seed: int, shift: float) -> None:
    """Normal, skewed and whole numbers, some missing; categories from 3 to some hundred names. Five columns move by `shift` sd."""
    draw = np.random.default_rng(seed)
    held: dict[str, Any] = {}
    for at in range(NUMBERS):
        values = [draw.normal(size=rows), draw.lognormal(0, 1, rows), np.floor(draw.exponential(50, rows))][at % 3]
        held[f"n{at}"] = np.where(draw.random(rows) < 0.02, np.nan, values + (shift if at < 5 else 0.0))
    for at in range(CATEGORIES):
        held[f"c{at}"] = pl.Series(np.minimum(draw.zipf(1.5, rows), 3 + 2**at)).cast(pl.String)
    pl.DataFrame(held, nan_to_null=True).write_parquet(path, row_group_size=131_072)


def keep(table: Path, stored: Path) -> None:
    frame = pl.read_parquet(table)
    block, count, _ = cut(frame.height, np.arange(frame.height), BLOCK)
    blocks = in_blocks(frame, [(column, "feature") for column in columns()], column_kinds(), block, count, windows=True)
    stored.write_text(record.text(Reference(blocks)))


def ours(current: Path, stored: Path) -> dict[str, Any]:
    """In a process of its own."""
    kinds, blocks = column_kinds(), record.read(Reference, stored.read_text()).features
    made = profile_file(current, columns(), kinds, like=blocks.profile)
    seen = {}
    for name, held in blocks.columns.items():
        one = shares(*counted(held, kinds[held.kind], blocks.profile.columns[name], made.columns[name]))
        assert one is not None
        seen[name] = one
    found = moved(learn(blocks), seen, {}, {}, Limits(0.05, 0.1))
    return {"answers": len(found), "moved": sorted({one.column for one in found if one.moved})}


def measured(command: list[str], limit: int) -> dict[str, Any]:
    """CPU seconds and megabytes of a whole process; what it printed, or that it was stopped."""
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"), "1")
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as wrong:
        process = subprocess.Popen(
            command,
            stdout=said,
            stderr=wrong,
            env=os.environ | one,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5)),
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        for file in (said, wrong):
            file.seek(0)
        if process.returncode > 0:
            raise SystemExit(wrong.read())
        answer = said.read().strip() if process.returncode == 0 else "stopped unfinished"
    return {"cpu_s": used.ru_utime + used.ru_stime, "megabytes": used.ru_maxrss / 1024, "said": answer}


def peer(folder: Path) -> str:
    """The Python of an environment with the peer."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PEER], check=True)
    return str(python)


def measure(rows: int, reference: int, limit: int, peers: Path | None) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        was, now, stored = (Path(name) / one for one in ("reference.parquet", "current.parquet", "reference.json"))
        write(was, reference, 1, 0.0)
        write(now, rows, 2, 0.1)
        subprocess.run([sys.executable, __file__, "--keep", was, stored], check=True)
        found = {"keepfit": measured([sys.executable, __file__, "--side", str(now), str(stored)], limit)}
        if peers is not None:
            found["evidently"] = measured([peer(peers), "-c", PEERS_SIDE, str(was), str(now)], limit)
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--reference", type=int, default=200_000)
    parser.add_argument("--limit", type=int, default=600, help="CPU seconds after which a side is stopped")
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--peer", type=Path, help="an environment that holds the peer")
    parser.add_argument("--keep", type=Path, nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--side", type=Path, nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.keep:
        keep(*options.keep)
        return
    if options.side:
        print(json.dumps(ours(*options.side)))
        return
    with tempfile.TemporaryDirectory() as name:
        peers = None if options.no_peer else options.peer or Path(name) / "venv"
        found = measure(options.rows, options.reference, options.limit, peers)
    if options.json:
        print(json.dumps(found))
        return
    print(f"{options.rows:,} rows of {NUMBERS + CATEGORIES} columns against a reference of {options.reference:,}, whole processes")
    mine = found["keepfit"]
    for side, one in found.items():
        ratio = f"{one['cpu_s'] / mine['cpu_s']:6.1f} x CPU, {one['megabytes'] / mine['megabytes']:5.1f} x memory"
        print(f"{side:10} {one['cpu_s']:8.2f} CPU-s {one['megabytes']:8.0f} MB  {ratio}  {one['said']}")


if __name__ == "__main__":
    main()
