"""Who takes part in `peers.py`: how each is made, started and asked. Every peer lives in a virtual environment of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import polars as pl

import keepfit

PEER = Path(__file__).parent / "peer"
PACKAGES = {
    "fastapi": ["fastapi", "uvicorn[standard]", "lightgbm", "pandas", "scikit-learn"],
    "mlflow": ["mlflow", "lightgbm", "pandas"],
    "bentoml": ["bentoml", "lightgbm", "pandas", "scikit-learn"],
}
PROJECT = """\
[problem]
name = "served"
target = "truth"

[data]
source = "rows.parquet"

[model]
estimators = ["lightgbm"]
parameters = { lightgbm = { trees = 100, num_leaves = 31 } }
trials = 0
evaluation = "quick"
"""
#: Seconds that a peer may take to start on a busy machine.
PATIENCE = 120.0


@dataclass(frozen=True)
class Data:
    """What all learn from and are asked about."""

    folder: Path
    table: pl.DataFrame

    def rows(self, count: int) -> list[dict[str, Any]]:
        return self.table.drop("truth").head(count).to_dicts()


@dataclass
class Contestant:
    """One server: the command that starts it on a port, the path and the body that ask it, and what it answers."""

    name: str
    command: Callable[[int], Sequence[str]]
    path: Callable[[int], str]
    body: Callable[[list[dict[str, Any]]], Any]
    answers: Callable[[Any], int]
    environment: dict[str, str] = field(default_factory=dict)
    folder: Path | None = None
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> float:
        """Start it, and wait until it answers; the seconds to its first answer."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("KEEPFIT_")}
        begun = time.perf_counter()
        self.process = subprocess.Popen(
            self.command(self.port),
            env=kept | {"OMP_NUM_THREADS": "1", "MLFLOW_DISABLE_TELEMETRY": "true", "BENTOML_DO_NOT_TRACK": "true"} | self.environment,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        return begun

    def wait(self, rows: list[dict[str, Any]], begun: float) -> float:
        """Seconds from `begun` to the first answer; every row must be answered."""
        with httpx.Client(trust_env=False, timeout=30) as client:
            while True:
                try:
                    answer = client.post(self.url + self.path(len(rows)), json=self.body(rows))
                    taken = time.perf_counter() - begun
                    assert answer.status_code == 200, f"{self.name}: {answer.status_code} {answer.text[:500]}"
                    assert self.answers(answer.json()) == len(rows), f"{self.name}: {answer.text[:500]}"
                    return taken
                except httpx.TransportError:
                    assert time.perf_counter() - begun < PATIENCE, f"{self.name} does not start"
                    assert self.process is not None and self.process.poll() is None, f"{self.name} ended"
                    time.sleep(0.005)

    def processes(self) -> list[int]:
        """Its process and all that came of it."""
        assert self.process is not None
        return descendants(self.process.pid)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()


def descendants(pid: int) -> list[int]:
    """A process and all that came of it, as far as they live."""
    found = [pid]
    for one in found:
        try:
            for task in Path(f"/proc/{one}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split() if int(child) not in found]
        except OSError:
            continue
    return found


def make_data(folder: Path, *, numbers: int, categories: int, rows: int = 20_000) -> Data:
    """A table of numbers and of categories of 20 values each, with noise."""
    draw = np.random.default_rng(7)
    held: dict[str, Any] = {f"n{at}": draw.normal(size=rows).round(6) for at in range(numbers)}
    held |= {f"c{at}": [f"v{value}" for value in draw.integers(0, 20, rows)] for at in range(categories)}
    drift = np.array([int(value[1:]) for value in held["c0"]]) / 10 - 1 if categories else 0.0
    held["truth"] = held["n0"] + held["n1"] * held["n2"] + drift + draw.normal(size=rows) > 0
    folder.mkdir(parents=True, exist_ok=True)
    table = pl.DataFrame(held)
    columns = {name: table[name].to_list() for name in table.columns if name != "truth"}
    (folder / "data.json").write_text(json.dumps({"columns": columns, "truth": table["truth"].to_list()}), encoding="utf-8")
    return Data(folder, table)


def environment_of(peer: str, place: Path) -> Path:
    """The Python of a peer's environment, made where it is absent."""
    python = place / peer / "bin" / "python"
    if not (place / peer / "made").exists():
        print(f"making the environment of {peer} in {place / peer}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", place / peer], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *PACKAGES[peer]], check=True)
        (place / peer / "made").touch()
    return python


def ours(data: Data) -> Contestant:
    """A project with one release, served with its log on."""
    folder = data.folder / "project"
    if not (folder / "keepfit.lock").exists():
        folder.mkdir(exist_ok=True)
        (folder / "keepfit.toml").write_text(PROJECT)
        data.table.write_parquet(folder / "rows.parquet")
        with keepfit.open(folder) as project:
            project.run(now=datetime.now(UTC))
    return Contestant(
        "keepfit",
        lambda port: [sys.executable, "-m", "keepfit", "serve", "-C", str(folder), "--port", str(port), "--quiet"],
        lambda _: "/v1/predict",
        lambda rows: {"rows": rows},
        lambda said: len(said["predictions"]),
    )


def peers(data: Data, names: Sequence[str], place: Path) -> list[Contestant]:
    """The peers that were asked for, each with trees of its own of the same data."""
    found = []
    for name in names:
        python = environment_of("fastapi" if name == "constant" else name, place)
        model = data.folder / f"of_{name}"
        if name != "constant" and not (model / "model.txt").exists():
            subprocess.run(
                [python, PEER / "train.py", data.folder / "data.json", model, name],
                check=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        found.append(_peer(name, python, model))
    return found


def _peer(name: str, python: Path, model: Path) -> Contestant:
    of_model = {"PEER_MODEL": str(model)}
    uvicorn = ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "error"]
    if name == "fastapi":
        command = [str(python), "-m", "uvicorn", "serve_fastapi:app", *uvicorn]
        return Contestant(
            "FastAPI by hand",
            lambda port: [*command, "--port", str(port)],
            lambda _: "/predict",
            lambda rows: {"rows": rows},
            lambda said: len(said["predictions"]),
            of_model,
            PEER,
        )
    if name == "constant":
        command = [str(python), "-m", "uvicorn", "serve_constant:app", *uvicorn]
        return Contestant(
            "uvicorn, a constant",
            lambda port: [*command, "--port", str(port)],
            lambda rows: f"/{rows}",
            lambda rows: {"rows": rows},
            lambda said: len(said["predictions"]),
            {},
            PEER,
        )
    if name == "mlflow":
        serve = [str(python.parent / "mlflow"), "models", "serve", "-m", str(model / "mlflow"), "--env-manager", "local", "--workers", "1"]
        return Contestant(
            "MLflow",
            lambda port: [*serve, "--port", str(port)],
            lambda _: "/invocations",
            lambda rows: {"dataframe_split": {"columns": list(rows[0]), "data": [list(row.values()) for row in rows]}},
            lambda said: len(said["predictions"]),
            {"PATH": f"{python.parent}:{os.environ['PATH']}"},
        )
    serve = [str(python.parent / "bentoml"), "serve", "serve_bentoml:Model"]
    return Contestant(
        "BentoML",
        lambda port: [*serve, "--port", str(port)],
        lambda _: "/predict",
        lambda rows: {"rows": rows},
        len,
        of_model | {"PATH": f"{python.parent}:{os.environ['PATH']}"},
        PEER,
    )
