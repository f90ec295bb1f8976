"""Seconds from the start of a server to its first answer, and the memory of one process that answers.

    python benchmarks/serving/starting.py [--rounds 5] [--peers mlflow fastapi] [--environments DIR] [--json]

A release of LightGBM, 100 trees of 31 leaves on 30 numbers, served from its project. The seconds are the least of the rounds
(other processes only add to them); memory is what stays resident (VmRSS) of the worker after 200 requests, of a peer that of
its largest process. `cpu` is what start and first answer cost in CPU seconds, all processes together.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import httpx
from contestants import Contestant, Data, make_data, ours, peers
from peers import spent


def resident(pid: int) -> float:
    """Megabytes that stay in memory."""
    try:
        fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        return int(fields["VmRSS"].split()[0]) / 1024
    except (OSError, KeyError):
        return 0.0


def is_worker(pid: int) -> bool:
    return b"keepfit.serving.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()


def once(one: Contestant, data: Data) -> dict[str, float]:
    try:
        taken = one.wait(data.rows(1), one.start())
        cpu = spent(one.processes())
        with httpx.Client(trust_env=False, timeout=30) as client:
            for _ in range(200):
                client.post(one.url + one.path(1), json=one.body(data.rows(1))).raise_for_status()
        answering = [pid for pid in one.processes() if one.name != "keepfit" or is_worker(pid)]
        all_of = one.processes()
        return {"seconds": taken, "cpu": cpu, "MB": max(map(resident, answering)), "MB of all": sum(map(resident, all_of))}
    finally:
        one.stop()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--peers", nargs="*", choices=["fastapi", "mlflow", "bentoml"], default=[])
    options.add_argument("--environments", type=Path, default=Path(tempfile.gettempdir()) / "keepfit-peers")
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as place:
        data = make_data(Path(place), numbers=30, categories=0)
        for one in [ours(data), *peers(data, chosen.peers, chosen.environments)]:
            rounds = [once(one, data) for _ in range(chosen.rounds)]
            found[one.name] = {what: min(measured[what] for measured in rounds) for what in rounds[0]}
    if chosen.json:
        print(json.dumps(found))
        return
    print(f"{'who':18} {'first answer':>12} {'CPU':>7} {'one process':>12} {'all':>8}")
    for name, said in found.items():
        print(f"{name:18} {said['seconds']:>10.2f} s {said['cpu']:>5.2f} s {said['MB']:>9.0f} MB {said['MB of all']:>5.0f} MB")


if __name__ == "__main__":
    main()
