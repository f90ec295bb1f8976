"""What a profile of a Parquet file costs: CPU seconds and memory, beside reading its columns alone and sorting them.

    python benchmarks/profiles.py [--rows 1000000] [--numbers 40] [--categories 10] [--json]

Each side runs in a process of its own, so that its memory is its own. "scan" reads every column and does nothing with
it; "sort" sorts every column of numbers with NumPy, as exact quantiles would need; "one row group" profiles a file whose
rows all lie in one row group.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from keepfit import record
from keepfit.profile import merge, profile_file
from keepfit.schema import Column
from keepfit.workspace import column_kinds


def columns(numbers: int, categories: int) -> list[Column]:
    found = [Column(f"n{at}", "number", "float", ("feature",), True) for at in range(numbers)]
    return found + [Column(f"c{at}", "category", "text", ("feature",), True) for at in range(categories)]


def write(path: Path, rows: int, numbers: int, categories: int, *, row_group: int) -> None:
    """Normal, skewed and whole numbers, some missing; categories from 3 to a few thousand names."""
    draw = np.random.default_rng(7)
    held: dict[str, Any] = {}
    for at in range(numbers):
        values = [draw.normal(at, 1 + at, rows), draw.lognormal(0, 1, rows), np.floor(draw.exponential(50, rows))][at % 3]
        held[f"n{at}"] = np.where(draw.random(rows) < 0.02, np.nan, values)
    for at in range(categories):
        ranks = np.minimum(draw.zipf(1.5, rows), 3 * 2**at)
        held[f"c{at}"] = pl.Series(ranks).cast(pl.String)
    pl.DataFrame(held, nan_to_null=True).write_parquet(path, row_group_size=row_group)


def scan(path: Path, known: list[Column]) -> None:
    for column in known:
        pl.read_parquet(path, columns=[column.name])


def sort(path: Path, known: list[Column]) -> None:
    for column in known:
        if column.kind == "number":
            np.sort(pl.read_parquet(path, columns=[column.name])[column.name].drop_nulls().to_numpy())


def ours(path: Path, known: list[Column]) -> None:
    profile_file(path, known, column_kinds())


def measured(act: Callable[[Path, list[Column]], object], path: Path, known: list[Column]) -> dict[str, float]:
    """CPU seconds and growth in megabytes, in a process of its own."""
    here, there = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_run, args=(act, path, known, there))
    process.start()
    answer: dict[str, float] = here.recv()
    process.join()
    return answer


def _run(act: Callable[[Path, list[Column]], object], path: Path, known: list[Column], there: Any) -> None:
    column_kinds()
    pl.read_parquet(path, columns=[known[0].name], n_rows=10)  # what is loaded once does not count
    before, began = _most_held(), time.process_time()
    act(path, known)
    cpu = time.process_time() - began
    there.send({"cpu_s": cpu, "growth_mb": _most_held() - before})


def _most_held() -> float:
    """Megabytes of memory that this process held at its peak; Linux's rusage would carry over the parent's."""
    status = Path("/proc/self/status")
    if status.exists():
        [line] = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--numbers", type=int, default=40)
    options.add_argument("--categories", type=int, default=10)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    known = columns(chosen.numbers, chosen.categories)
    with tempfile.TemporaryDirectory() as name:
        path, whole = Path(name) / "rows.parquet", Path(name) / "whole.parquet"
        write(path, chosen.rows, chosen.numbers, chosen.categories, row_group=131_072)
        write(whole, chosen.rows, chosen.numbers, chosen.categories, row_group=chosen.rows)
        found = {
            "scan": measured(scan, path, known),
            "sort": measured(sort, path, known),
            "profile": measured(ours, path, known),
            "profile, one row group": measured(ours, whole, known),
        }
        made = profile_file(path, known, column_kinds())
        began = time.process_time()
        merge(made, made)
        found["merge of two"] = {"cpu_s": time.process_time() - began, "size_kb": len(record.text(made)) / 1000}
    if chosen.json:
        print(json.dumps(found, indent=1))
        return
    print(f"{chosen.rows:,} rows, {chosen.numbers} numbers and {chosen.categories} categories")
    for side, figures in found.items():
        ratio = figures["cpu_s"] / found["scan"]["cpu_s"]
        rest = "  ".join(f"{value:8.0f} {key.rpartition('_')[2].upper()}" for key, value in figures.items() if key != "cpu_s")
        print(f"{side:24} {figures['cpu_s']:7.2f} CPU-s {ratio:6.1f} x scan  {rest}")


if __name__ == "__main__":
    main()
