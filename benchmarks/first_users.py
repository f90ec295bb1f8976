"""Eight processes at once: on a project that is not there yet, then on the same one when it is old.

    python benchmarks/first_users.py [--appends 50] [--json]

First each process runs `keepfit run`: all must end with 0, and together they must have fitted and released
once. Then each appends entries to the project's ledger through the library while another `keepfit run` is
at work: none may fail, and every entry must be there in a whole chain.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keepfit
from keepfit.demo.story import prepare
from keepfit.ledger import Draft
from keepfit.workspace import Workspace

PROCESSES = 8
PATIENCE = 600.0
NOW = "2013-03-01T00:00Z"
AT = datetime(2013, 3, 1, tzinfo=UTC)


def run_together(project: Path) -> tuple[float, int]:
    """Seconds, and how many of eight `keepfit run` did not end with 0."""
    command = [sys.executable, "-m", "keepfit", "run", "-C", str(project), "--now", NOW, "--quiet"]
    began = time.perf_counter()
    started = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for _ in range(PROCESSES)]
    failed = 0
    for process in started:
        _, said = process.communicate(timeout=PATIENCE)
        if process.returncode != 0:
            failed += 1
            print(said.strip().splitlines()[-1:], file=sys.stderr)
    return time.perf_counter() - began, failed


def append_many(project: Path, writer: int, count: int, gate: Any, failures: Any) -> None:
    gate.wait(PATIENCE)
    ws = Workspace(project)
    for number in range(count):
        try:
            ws.ledger.append([Draft("benchmark", f"{writer}-{number}", {"number": number}, AT, "benchmark")])
        except Exception as error:  # noqa: BLE001 -- every kind counts
            failures.put(repr(error))
    ws.ledger.close()


def append_together(project: Path, count: int) -> tuple[float, int]:
    """Seconds, and how many appends or processes failed."""
    spawn = multiprocessing.get_context("spawn")
    gate, failures = spawn.Barrier(PROCESSES + 1), spawn.Queue()
    writers = [spawn.Process(target=append_many, args=(project, number, count, gate, failures)) for number in range(PROCESSES)]
    for writer in writers:
        writer.start()
    gate.wait(PATIENCE)
    began = time.perf_counter()
    _, failed = run_together(project)
    for writer in writers:
        writer.join(PATIENCE)
    failed += sum(writer.exitcode != 0 for writer in writers)
    while not failures.empty():
        print(failures.get(), file=sys.stderr)
        failed += 1
    return time.perf_counter() - began, failed


def row(what: str, seconds: float, failed: int, lost: int, project: Path) -> dict[str, Any]:
    opened = keepfit.open(project)
    kinds = Counter(entry.kind for entry in opened.history())
    chain = "whole" if opened.verify().whole else "broken"
    return {"what": what, "seconds": seconds, "errors": failed, "lost": lost, "chain": chain, "entries": dict(kinds)}


def measure(project: Path, appends: int) -> list[dict[str, Any]]:
    prepare(project)
    seconds, failed = run_together(project)
    kinds = Counter(entry.kind for entry in keepfit.open(project).history())
    once = sum(kinds[kind] != 1 for kind in ("snapshot", "fit", "verdict", "release"))
    rows = [row("keepfit run, a new project", seconds, failed, once, project)]
    seconds, failed = run_together(project)
    again = Counter(entry.kind for entry in keepfit.open(project).history()) != kinds
    rows.append(row("keepfit run, an old project", seconds, failed, int(again), project))
    seconds, failed = append_together(project, appends)
    there = {entry.key for entry in keepfit.open(project).history(kind="benchmark")}
    lost = len({f"{writer}-{number}" for writer in range(PROCESSES) for number in range(appends)} - there)
    rows.append(row(f"{appends} appends each, runs at work", seconds, failed, lost, project))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--appends", type=int, default=50)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        rows = measure(Path(name) / "project", options.appends)
    if options.json:
        json.dump(rows, sys.stdout, indent=1)
        print()
        return
    print(f"{PROCESSES} processes at once{'':17} {'seconds':>8} {'errors':>7} {'lost':>5}  chain")
    for found in rows:
        print(f"{found['what']:36} {found['seconds']:8.1f} {found['errors']:7} {found['lost']:5}  {found['chain']}")


if __name__ == "__main__":
    main()
