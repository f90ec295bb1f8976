"""Requests a second beside the peers: wrk on loopback, contestants in turns in one run, our prediction log on.

    python benchmarks/serving/peers.py [--seconds 5] [--rounds 3] [--connections 16] [--tables numbers mixed] [--rows 1 100]
        [--peers fastapi mlflow bentoml constant] [--environments DIR] [--json]

Tables: `numbers` has 30 numbers, `mixed` 20 numbers and 10 categories of 20 values. Everyone serves LightGBM, 100 trees of 31
leaves, by one worker. Each peer gets an environment of its own in DIR (made once; it needs a package index). `constant` is
uvicorn with uvloop and httptools that answers a constant of the size of our answer. Figures are medians of the rounds. `CPU ms
each` is what the server's processes spent for one request, which other processes change least;
`other` is the share of the machine that processes besides wrk and the contestant took meanwhile: where it is not small, the
figures say little. Answers other than 200 end the run.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from contestants import Contestant, make_data, ours, peers

TABLES = {"numbers": (30, 0), "mixed": (20, 10)}
PEERS = ["fastapi", "mlflow", "bentoml", "constant"]
TICKS = os.sysconf("SC_CLK_TCK")
SCRIPT = """\
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local file = io.open("{body}", "rb")
wrk.body = file:read("*a")
file:close()
"""


def busy() -> float:
    """Seconds for which any processor was busy since the machine started."""
    fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    return (sum(fields[:3]) + sum(fields[5:8])) / TICKS


def spent(pids: list[int]) -> float:
    """CPU seconds of processes."""
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


class Measured(NamedTuple):
    """Requests a second, milliseconds of CPU that the server spent for each, and the share of the machine that others took."""

    rate: float
    cpu: float
    other: float


def measure(one: Contestant, script: Path, rows: int, connections: int, seconds: float) -> Measured:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", str(script), one.url + one.path(rows)]
    before = busy(), spent(one.processes()), _of_children()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    after = busy(), spent(one.processes()), _of_children()
    assert "Non-2xx" not in done.stdout and "Socket errors" not in done.stdout, f"{one.name}:\n{done.stdout}"
    (rate,) = re.findall(r"Requests/sec: +([\d.]+)", done.stdout)
    (count,) = re.findall(r"(\d+) requests in", done.stdout)
    total, own, wrk = (late - early for early, late in zip(before, after, strict=True))
    return Measured(float(rate), 1000 * own / max(1, int(count)), max(0.0, total - own - wrk) / (seconds * (os.cpu_count() or 1)))


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def contest(place: Path, table: str, chosen: argparse.Namespace) -> list[dict[str, Any]]:
    numbers, categories = TABLES[table]
    data = make_data(place / table, numbers=numbers, categories=categories)
    everyone = [ours(data), *peers(data, chosen.peers, chosen.environments)]
    found: list[dict[str, Any]] = []
    try:
        for one in everyone:
            one.wait(data.rows(1), one.start())
        for rows in chosen.rows:
            rates: dict[str, list[Measured]] = {one.name: [] for one in everyone}
            for one in everyone:
                (place / f"{one.name}.json").write_text(json.dumps(one.body(data.rows(rows)), separators=(",", ":")))
                (place / f"{one.name}.lua").write_text(SCRIPT.format(body=place / f"{one.name}.json"))
                measure(one, place / f"{one.name}.lua", rows, chosen.connections, 1)  # warmed up
            for _ in range(chosen.rounds):
                for one in everyone:
                    rates[one.name].append(measure(one, place / f"{one.name}.lua", rows, chosen.connections, chosen.seconds))
            ours_ = [statistics.median(side) for side in list(zip(*rates["keepfit"], strict=True))[:2]]
            for name, measured in rates.items():
                rate, cpu = (statistics.median(side) for side in list(zip(*measured, strict=True))[:2])
                line = {"table": table, "rows": rows, "who": name, "requests_s": rate, "times": ours_[0] / max(rate, 1e-9)}
                line |= {"cpu_ms": cpu, "cpu_times": cpu / max(ours_[1], 1e-9), "other": max(one.other for one in measured)}
                found.append(line)
    finally:
        for one in everyone:
            one.stop()
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=int, default=5)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--connections", type=int, default=16)
    options.add_argument("--tables", nargs="+", choices=list(TABLES), default=list(TABLES))
    options.add_argument("--rows", nargs="+", type=int, choices=[1, 100], default=[1, 100])
    options.add_argument(
        "--peers", nargs="*", choices=["fastapi", "mlflow", "bentoml", "constant"], default=["fastapi", "mlflow", "bentoml", "constant"]
    )
    options.add_argument("--environments", type=Path, default=Path(tempfile.gettempdir()) / "keepfit-peers")
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    assert shutil.which("wrk"), "install it: apt-get install wrk"
    found = []
    with tempfile.TemporaryDirectory() as place:
        for table in chosen.tables:
            found += contest(Path(place), table, chosen)
    if chosen.json:
        print(json.dumps(found, indent=1))
        return
    print(
        f"{'table':8} {'rows':>4}  {'who':20} {'requests/s':>10} {'keepfit is':>10} {'CPU ms each':>11} {'of keepfit':>10} {'other CPU':>9}"
    )
    for one in found:
        times, costs = (f"{one[name]:.2f} x" if one["who"] != "keepfit" else "" for name in ("times", "cpu_times"))
        what = f"{one['table']:8} {one['rows']:>4}  {one['who']:20}"
        print(f"{what} {one['requests_s']:>10,.0f} {times:>10} {one['cpu_ms']:>11.3f} {costs:>10} {one['other']:>8.0%}")


if __name__ == "__main__":
    main()
