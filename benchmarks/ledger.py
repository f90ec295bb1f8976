"""What an append to the ledger costs, as a ratio to bare `sqlite3` doing the same inserts in the same run.

    python benchmarks/ledger.py [--entries 1000] [--rounds 5] [--json]

Both sides use the same tables, the write-ahead log and `synchronous = FULL`; the bare side is given the
finished texts and hashes. Rounds alternate, and the best of each side counts. Then eight processes
append at once, first to a ledger that is not there yet, then to the same one: errors and lost entries.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from keepfit import chain
from keepfit.ledger import Draft
from keepfit.stores.sqlite import SqliteLedger

PROCESSES = 8
PATIENCE = 300.0
AT = datetime(2013, 3, 1, tzinfo=UTC)
TABLES = """
PRAGMA journal_mode = WAL;
CREATE TABLE entries (project TEXT NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL,
                      text TEXT NOT NULL, hash TEXT NOT NULL, UNIQUE (project, seq), UNIQUE (project, key));
CREATE INDEX entries_by_kind ON entries (project, kind, seq);
"""
INSERT = "INSERT INTO entries (project, seq, kind, key, text, hash) VALUES (?, ?, ?, ?, ?, ?)"
Row = tuple[str, int, str, str, str, str]


def drafts(count: int, prefix: str = "fit") -> list[Draft]:
    """Entries of the size that the loop writes: about 600 bytes."""
    artifacts = {"model": "b3:" + "a" * 64, "evaluation": "b3:" + "b" * 64, "split": "b3:" + "c" * 64}
    body = {"artifacts": artifacts, "candidate": "d" * 16, "rows": 336_776, "roc_auc": 0.7123, "estimator": "lightgbm", "seed": 7}
    return [Draft("fit", f"{prefix}-{number}", body | {"trial": number}, AT, "loop") for number in range(count)]


def timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def bare(path: Path, rows: list[Row], *, batch: bool) -> float:
    """Seconds to insert finished rows, each in its own transaction or all in one."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(TABLES)
    connection.execute("PRAGMA synchronous = FULL")

    def one_by_one() -> None:
        for row in rows:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(INSERT, row)
            connection.execute("COMMIT")

    def at_once() -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(INSERT, rows)
        connection.execute("COMMIT")

    seconds = timed(at_once if batch else one_by_one)
    connection.close()
    return seconds


def ours(path: Path, entries: list[Draft], *, batch: bool) -> float:
    ledger = SqliteLedger(path, "benchmark")
    ledger.head()

    def one_by_one() -> None:
        for draft in entries:
            ledger.append([draft])

    seconds = timed((lambda: ledger.append(entries)) if batch else one_by_one)
    ledger.close()
    return seconds


def rows_of(path: Path) -> list[Row]:
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT project, seq, kind, key, text, hash FROM entries ORDER BY seq").fetchall()
    connection.close()
    return rows


def compare(folder: Path, count: int, rounds: int, *, batch: bool) -> dict[str, Any]:
    entries = drafts(count)
    made = folder / f"made-{batch}.sqlite"
    ours(made, entries, batch=True)
    rows = rows_of(made)
    bare_seconds, our_seconds = [], []
    for number in range(rounds):
        bare_seconds.append(bare(folder / f"bare-{batch}-{number}.sqlite", rows, batch=batch))
        our_seconds.append(ours(folder / f"ours-{batch}-{number}.sqlite", entries, batch=batch))
    best, best_bare = min(our_seconds), min(bare_seconds)
    return {
        "what": f"{count} entries {'as a batch' if batch else 'one by one'}",
        "microseconds_each": best / count * 1e6,
        "bare_microseconds_each": best_bare / count * 1e6,
        "ratio": best / best_bare,
    }


def write_many(path: Path, writer: int, count: int, prefix: str, gate: Any, errors: Any) -> None:
    gate.wait(PATIENCE)
    ledger = SqliteLedger(path, "benchmark")
    for draft in drafts(count, f"{prefix}-{writer}"):
        try:
            ledger.append([draft])
        except Exception as error:  # noqa: BLE001 -- every kind counts
            errors.put(repr(error))
    ledger.close()


def together(path: Path, count: int, prefix: str) -> dict[str, Any]:
    """Eight processes at once: errors, and entries that are not there afterwards."""
    spawn = multiprocessing.get_context("spawn")
    gate, errors = spawn.Barrier(PROCESSES + 1), spawn.Queue()
    each = count // PROCESSES
    writers = [spawn.Process(target=write_many, args=(path, number, each, prefix, gate, errors)) for number in range(PROCESSES)]
    for writer in writers:
        writer.start()
    gate.wait(PATIENCE)
    began = time.perf_counter()
    for writer in writers:
        writer.join(PATIENCE)
    seconds = time.perf_counter() - began
    crashed = sum(writer.exitcode != 0 for writer in writers)
    failed = 0
    while not errors.empty():
        errors.get()
        failed += 1
    ledger = SqliteLedger(path, "benchmark")
    keys = {entry.key for entry in ledger.entries()}
    expected = {draft.key for number in range(PROCESSES) for draft in drafts(each, f"{prefix}-{number}")}
    whole = chain.verify(ledger.texts(), project="benchmark", heads=[ledger.head()]).whole
    ledger.close()
    return {
        "what": f"{PROCESSES} processes, {each} entries each, on {prefix} ledger",
        "microseconds_each": seconds / (each * PROCESSES) * 1e6,
        "errors": failed + crashed,
        "lost": len(expected - keys),
        "chain": "whole" if whole else "broken",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where to write: a folder on the disk to measure; by default the temporary one")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        ratios = [compare(folder, options.entries, options.rounds, batch=batch) for batch in (False, True)]
        several = [together(folder / "several.sqlite", options.entries, prefix) for prefix in ("a new", "an old")]
    if options.json:
        json.dump({"ratios": ratios, "together": several}, sys.stdout, indent=1)
        print()
        return
    print(f"{'':48} {'each':>10} {'bare':>10} {'ratio':>6}   target: at most 3")
    for row in ratios:
        print(f"{row['what']:48} {row['microseconds_each']:7.1f} µs {row['bare_microseconds_each']:7.1f} µs {row['ratio']:6.2f}")
    for row in several:
        print(f"{row['what']:48} {row['microseconds_each']:7.1f} µs   errors {row['errors']}, lost {row['lost']}, chain {row['chain']}")


if __name__ == "__main__":
    main()
