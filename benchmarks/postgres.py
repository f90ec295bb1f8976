"""What a million rows from PostgreSQL cost, beside its ADBC driver alone.

    python benchmarks/postgres.py [--rows 1000000] [--rounds 5] [--url postgresql://…] [--json]

Twenty columns: a key, a time, twelve numbers, four whole numbers, two names. "alone" executes the same statement and makes a
Polars frame of the driver's Arrow stream; "source" is what a run reads; "batches" reads the same rows 100,000 at a time.
CPU seconds and growth in megabytes, each in a process of its own, in alternating rounds. Without --url a server is started
in a temporary folder, on loopback, and ended: initdb and pg_ctl are looked for on PATH and in /usr/lib/postgresql/*/bin.
"""

from __future__ import annotations

import argparse
import json
import os
import pwd
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TABLE = "keepfit_benchmark"
NUMBERS, WHOLE, NAMES = 12, 4, 2
#: Prints CPU seconds, rows, and megabytes that the process grew by at its peak; what is imported once does not count.
CHILD = """
import json, resource, sys
from pathlib import Path

import adbc_driver_postgresql.dbapi as driver
import polars as pl

from keepfit.workspace import open_source

url, table, how = sys.argv[1:]
source = open_source(url, folder=Path.cwd(), at="data.source", table=table)
status = Path("/proc/self/status")

def held():
    if status.exists():
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM")) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2

def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime

def alone():
    with driver.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(f'SELECT * FROM "{table}"')
        return pl.DataFrame(cursor.fetch_arrow()).height

ways = {"alone": alone, "source": lambda: source.read().height, "batches": lambda: sum(one.height for one in source.batches(100_000))}
pl.DataFrame({"a": [1]}).lazy().collect()
before, began = held(), cpu()
rows = ways[how]()
print(json.dumps({"rows": rows, "cpu": cpu() - began, "megabytes": held() - before}))
"""


@contextmanager
def server() -> Iterator[str]:
    """A PostgreSQL of its own, by URL."""
    found = shutil.which("pg_ctl")
    places = [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if not places:
        sys.exit("name a server with --url, or install PostgreSQL")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="kf-pg-"))
    as_user: dict[str, Any] = {}
    if os.geteuid() == 0:  # which it refuses to run as
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)
        as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

    def program(name: str, *arguments: object) -> None:
        with (folder / "out").open("ab") as out:
            subprocess.run([places[0] / name, "-D", folder / "data", *arguments], cwd=folder, check=True, stdout=out, stderr=out, **as_user)

    try:
        program("initdb", "-U", "keepfit", "-E", "UTF8", "--locale=C", "--no-sync", "--auth=trust")
        program("pg_ctl", "-w", "-l", folder / "log", "-o", f"-p {port} -c listen_addresses=127.0.0.1 -k {folder} -c fsync=off", "start")
        try:
            yield f"postgresql://keepfit@127.0.0.1:{port}/postgres"
        finally:
            program("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def fill(url: str, rows: int) -> None:
    import adbc_driver_postgresql.dbapi as driver

    columns = ["i::bigint AS id", "timestamptz '2024-01-01 00:00Z' + i * interval '1 second' AS at"]
    columns += [f"sin(i * {1 + number}.37) AS x{number}" for number in range(NUMBERS)]
    columns += [f"(i * {7 + number} % 1000)::int AS n{number}" for number in range(WHOLE)]
    columns += [f"'name ' || (i * {3 + number} % 500) AS s{number}" for number in range(NAMES)]
    with driver.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {TABLE}")
        cursor.execute(f"CREATE TABLE {TABLE} AS SELECT {', '.join(columns)} FROM generate_series(1, {rows}) AS i")
        connection.commit()


def drop(url: str) -> None:
    import adbc_driver_postgresql.dbapi as driver

    with driver.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {TABLE}")
        connection.commit()


def measured(url: str, how: str) -> dict[str, float]:
    done = subprocess.run([sys.executable, "-c", CHILD, url, TABLE, how], check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def measure(url: str, rows: int, rounds: int) -> dict[str, dict[str, float]]:
    fill(url, rows)
    seen: dict[str, list[dict[str, float]]] = {"alone": [], "source": [], "batches": []}
    try:
        for _ in range(rounds):
            for how, found in seen.items():
                found.append(measured(url, how))
                assert found[-1]["rows"] == rows
    finally:
        drop(url)
    return {
        how: {
            "minimum": min(one["cpu"] for one in found),
            "median": statistics.median(one["cpu"] for one in found),
            "megabytes": statistics.median(one["megabytes"] for one in found),
        }
        for how, found in seen.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--url")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.url:
        found = measure(options.url, options.rows, options.rounds)
    else:
        with server() as url:
            found = measure(url, options.rows, options.rounds)
    if options.json:
        print(json.dumps(found))
        return
    print(f"{options.rows:,} rows of {2 + NUMBERS + WHOLE + NAMES} columns, {options.rounds} rounds; CPU seconds")
    for how, one in found.items():
        ratio = one["minimum"] / found["alone"]["minimum"]
        print(
            f"{how:10} minimum {one['minimum']:6.2f}  median {one['median']:6.2f}  {ratio:5.2f} x alone  {one['megabytes']:6.0f} MB growth"
        )
    print("target: source at most 1.2 x alone")


if __name__ == "__main__":
    main()
