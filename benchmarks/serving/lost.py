"""What is lost or doubled when servers are killed and releases promoted under load: it must be nothing.

    python benchmarks/serving/lost.py [--kills 100] [--promotions 100] [--clients 4] [--workers 2] [--seed 1] [--json]

Clients ask under ids of their own, each request again until it is answered, and bring a label for each answer the same
way. Meanwhile processes are ended with SIGKILL at random moments (one worker, or the whole server, which is then started
again), and releases are promoted in turns. Afterwards the log is folded and held against what the clients were told.

lost: answered or accepted, and not in the table; doubled: more than once in the table; mixed: one request answered by two
releases; failed: a request that was refused or cut off while only promotions went on. *Disagreeing* retries are not faults:
their first record was kept, and a later answer, by another release, was told.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import polars as pl

import keepfit
from keepfit.loop import log
from keepfit.loop.fold import fold

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
ROWS_AT_ONCE = 3
PROJECT = """\
[problem]
name = "lost"
target = "bad"
key = ["number"]

[data]
source = "rows.parquet"

[model]
estimators = ["linear"]
trials = 0
evaluation = "quick"
"""


def project(folder: Path) -> None:
    """A small project with two releases, r1 the champion."""
    draw = np.random.default_rng(1)
    amount = draw.normal(size=1000)
    table = pl.DataFrame({"number": np.arange(1000), "amount": amount, "bad": amount + draw.normal(size=1000) > 0})
    folder.mkdir(parents=True)
    (folder / "keepfit.toml").write_text(PROJECT)
    for rows in (table.head(900), table):
        rows.write_parquet(folder / "rows.parquet")
        with keepfit.open(folder) as opened:
            opened.run(now=BEGIN + timedelta(days=rows.height))
    with keepfit.open(folder) as opened:
        names = {entry.body["release"] for entry in opened.history(kind="release")}
        assert names == {"r1", "r2"}, names
        if opened.workspace.roles().champion != "r1":
            opened.promote("r1", because="begin")


class Server:
    """The server as a process group of its own, started again on the same port when it was ended."""

    def __init__(self, folder: Path, workers: int) -> None:
        self._folder, self._workers = folder, workers
        self._port = 0
        self.process: subprocess.Popen[str] | None = None
        self.start()

    def start(self) -> None:
        options = ["--port", str(self._port), "--workers", str(self._workers), "--json", "--quiet"]
        command = [sys.executable, "-m", "keepfit", "serve", "-C", str(self._folder), *options]
        until = time.monotonic() + 60
        while True:  # the port is free again when the last worker of an ended server is gone
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True)
            assert self.process.stdout is not None
            said = self.process.stdout.readline()
            if '"url"' in said:
                break
            self.process.wait()
            assert time.monotonic() < until, said
            time.sleep(0.1)
        self.url = json.loads(said)["url"]
        self._port = int(self.url.rpartition(":")[2])

    def worker_ids(self) -> list[int]:
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        found = []
        for pid in children.read_text().split() if children.exists() else []:
            try:
                if b"serving.worker" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    found.append(int(pid))
            except OSError:
                continue
        return found

    def kill_a_worker(self, chance: random.Random) -> bool:
        found = self.worker_ids()
        if not found:
            return False
        try:
            os.kill(chance.choice(found), signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    def kill_all(self) -> None:
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.start()

    def stop(self) -> None:
        assert self.process is not None
        self.process.terminate()
        self.process.wait(60)


class Client(threading.Thread):
    """Asks and labels, each request again until it is taken."""

    def __init__(self, name: str, server: Server, stop: threading.Event, *, patient: bool) -> None:
        super().__init__(daemon=True)
        self._name, self._server, self._stop_, self._patient = name, server, stop, patient
        self.answered: dict[str, dict[str, Any]] = {}
        self.labelled: set[str] = set()
        self.mixed = self.failed = self.repeated = 0

    def run(self) -> None:
        number = 0
        with httpx.Client(timeout=20) as client:
            while not self._stop_.is_set():
                ids = [f"{self._name}-{number}-{place}" for place in range(ROWS_AT_ONCE)]
                rows = [{"number": 1000 + number, "amount": place / 7} for place in range(ROWS_AT_ONCE)]
                said = self._post(client, "/v1/predict", {"rows": rows, "ids": ids})
                if said is None:
                    return
                told = {one.get("release", said["release"]) for one in said["predictions"]}
                self.mixed += len(told) > 1 and not any(one.get("replayed") for one in said["predictions"])
                self.answered |= {one["id"]: one | {"release": one.get("release", said["release"])} for one in said["predictions"]}
                if self._post(client, "/v1/labels", {"labels": [{"prediction": name, "value": number % 2 == 0} for name in ids]}) is None:
                    return
                self.labelled |= set(ids)
                number += 1

    def _post(self, client: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """The answer, or None when the run ended before there was one."""
        while True:
            try:
                answer = client.post(self._server.url + path, json=body)
                if answer.status_code == 200:
                    said: dict[str, Any] = answer.json()
                    return said
            except httpx.TransportError:
                pass
            if not self._patient:
                self.failed += 1
            self.repeated += 1
            if self._stop_.is_set():
                return None
            time.sleep(0.01)


def round_of(folder: Path, what: str, count: int, clients: int, workers: int, seed: int) -> dict[str, Any]:
    """So many kills or promotions under load, and what the log held afterwards."""
    chance = random.Random(seed)
    server = Server(folder, workers)
    stop = threading.Event()
    running = [Client(f"{what}{number}", server, stop, patient=what == "kills") for number in range(clients)]
    for one in running:
        one.start()
    slowest = 0.0
    done = 0
    with keepfit.open(folder) as opened:
        while done < count:
            time.sleep(chance.uniform(0.0, 0.4))
            if what == "promotions":
                champion = opened.workspace.roles().champion
                opened.promote("r2" if champion == "r1" else "r1", because="in turn")
                begun, want = time.monotonic(), opened.workspace.roles().champion
                while httpx.get(f"{server.url}/v1/release").json()["id"] != want:
                    time.sleep(0.01)
                slowest = max(slowest, time.monotonic() - begun)
                done += 1
            elif chance.random() < 0.15:
                server.kill_all()
                done += 1
            else:
                done += server.kill_a_worker(chance)
    stop.set()
    for one in running:
        one.join(60)
    server.stop()
    return judge(folder, running) | ({"slowest promotion, s": round(slowest, 2)} if what == "promotions" else {})


def judge(folder: Path, clients: list[Client]) -> dict[str, Any]:
    with keepfit.open(folder) as opened:
        ws = opened.workspace
        fold(ws)
        files = [path for path in (ws.home / "tables" / "predictions").glob("*.parquet") if not path.stem.endswith(".private")]
        held = Counter(name for path in files for name in pl.read_parquet(path, columns=["id"])["id"])
        noted = [pl.read_parquet_metadata(path) for path in files]
        kept = {row["id"]: row for row in log.predictions(ws).select("id", "release").to_dicts()}
        labels = Counter(log.labels(ws, now=datetime.max.replace(tzinfo=UTC))["prediction"])
    answered = {name: said for one in clients for name, said in one.answered.items()}
    labelled = set().union(*(one.labelled for one in clients))
    return {
        "answers": len(answered),
        "labels": len(labelled),
        "lost predictions": len(answered.keys() - held.keys()),
        "doubled predictions": sum(count > 1 for count in held.values()),
        "lost labels": len(labelled - labels.keys()),
        "doubled labels": sum(count > 1 for count in labels.values()),
        "mixed": sum(one.mixed for one in clients),
        "failed": sum(one.failed for one in clients),
        "sent again": sum(one.repeated for one in clients),
        "logged twice, kept once": sum(int(one.get("keepfit.repeated", 0)) for one in noted),
        "told otherwise than kept": sum(said["release"] != kept[name]["release"] for name, said in answered.items() if name in kept),
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--kills", type=int, default=100)
    options.add_argument("--promotions", type=int, default=100)
    options.add_argument("--clients", type=int, default=4)
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    found = {}
    for what, count in (("kills", chosen.kills), ("promotions", chosen.promotions)):
        if count:
            with tempfile.TemporaryDirectory() as place:
                project(Path(place) / "project")
                found[what] = {"count": count} | round_of(Path(place) / "project", what, count, chosen.clients, chosen.workers, chosen.seed)
    if chosen.json:
        print(json.dumps(found, indent=1))
        return
    for what, measured in found.items():
        print(f"{measured.pop('count')} {what} under load")
        for name, value in measured.items():
            print(f"  {name:26} {value:>8,}")


if __name__ == "__main__":
    main()
