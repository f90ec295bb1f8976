"""What it costs to start: CPU seconds of commands that should cost nothing, beside bare Python in the same run.

    python benchmarks/start.py [--rounds 7] [--json]

User and system time of the whole process, children included, minimum and median over alternating rounds.
The project is the demo's, with a champion; one run that is measured finds nothing to do, the other finds another
limit of a gate each time and judges again.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from keepfit.demo.story import prepare

NOW = "2013-03-01T00:00Z"
GATE = "keepfit run (gate changed)"


def commands(project: Path) -> dict[str, tuple[list[str], float | None]]:
    """Each command with its target in CPU seconds."""
    keepfit = [sys.executable, "-m", "keepfit"]
    here = ["-C", str(project), "--now", NOW]
    return {
        "python -c pass": ([sys.executable, "-c", "pass"], None),
        "keepfit --help": ([*keepfit, "--help"], 0.12),
        "keepfit status": ([*keepfit, "status", *here], 0.25),
        "keepfit run (unchanged)": ([*keepfit, "run", *here], 0.25),
        GATE: ([*keepfit, "run", *here], 0.25),
    }


def with_another_limit(command: list[str], number: int) -> list[str]:
    return [*command, "--set", f"gates.good.limit={0.5 + number / 1000}"]


def cpu_seconds(command: list[str]) -> float:
    """User and system time of a command that must succeed."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return used.ru_utime + used.ru_stime


def measure(project: Path, rounds: int) -> list[dict[str, Any]]:
    prepare(project)
    told = commands(project)
    for command, _ in told.values():  # fits the champion, and fills the caches of files and bytecode
        cpu_seconds(command)
    seconds: dict[str, list[float]] = {name: [] for name in told}
    for number in range(rounds):
        for name, (command, _) in told.items():
            seconds[name].append(cpu_seconds(with_another_limit(command, number) if name == GATE else command))
    return [
        {"what": name, "minimum": min(seconds[name]), "median": statistics.median(seconds[name]), "target": target}
        for name, (_, target) in told.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        rows = measure(Path(name) / "project", options.rounds)
    if options.json:
        json.dump(rows, sys.stdout, indent=1)
        print()
        return
    print(f"{'CPU seconds':26} {'minimum':>8} {'median':>8} {'target':>8}")
    for row in rows:
        target = "-" if row["target"] is None else f"{row['target']:.2f}"
        print(f"{row['what']:26} {row['minimum']:8.3f} {row['median']:8.3f} {target:>8}")


if __name__ == "__main__":
    main()
