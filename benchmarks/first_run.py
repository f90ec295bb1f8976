"""What the first `keepfit run` costs beside a bare script that loads, splits, fits, evaluates and saves.

    python benchmarks/first_run.py [--rows 100000] [--columns 20] [--rounds 3] [--json]

Both fit LightGBM once with the same 100 trees on the same Parquet file, one thread each; user and system time of the
whole process. `quick` fits once; `full` adds the folds, calibration, slices and importance: what the folds' fits cost
by themselves is measured in one more process and taken off.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

BARE = """
import lightgbm, polars
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import train_test_split

frame = polars.read_parquet("rows.parquet")
inputs, truth = frame.drop("key", "target").to_numpy(), frame["target"].to_numpy()
learn, check, known, asked = train_test_split(inputs, truth, test_size=0.2, random_state=0)
model = lightgbm.LGBMClassifier(n_estimators=100, learning_rate=0.06, num_leaves=31, min_child_samples=50, n_jobs=1, verbosity=-1)
model.fit(learn, known)
said = model.predict_proba(check)[:, 1]
print(roc_auc_score(asked, said), log_loss(asked, said))
model.booster_.save_model("model.txt")
"""
#: What the folds' fits cost: three fits on two thirds of four fifths, as the folds by key are, and their predictions.
FOLDS = """
import numpy, polars
from keepfit.estimators.booster import Binned, Booster

frame = polars.read_parquet("rows.parquet")
inputs, truth = frame.drop("key", "target").to_numpy(), frame["target"].cast(polars.Float64).to_numpy()
parameters = dict(objective="binary", learning_rate=0.06, num_leaves=31, min_data_in_leaf=50)
part = int(len(truth) * 0.8 / 3)
for fold in range(FITS):
    keep = numpy.r_[0 : fold * part, (fold + 1) * part : 3 * part]
    booster = Booster.train(Binned(numpy.ascontiguousarray(inputs[keep]), []), truth[keep], parameters, 100)
    booster.predict(numpy.ascontiguousarray(inputs[fold * part : (fold + 1) * part]))
"""
PROJECT = """
[problem]
name = "first-run"
target = "target"
key = ["key"]

[data]
source = "rows.parquet"

[model]
estimators = ["lightgbm"]
parameters = {{ lightgbm = {{ trees = 100 }} }}
trials = 0
evaluation = "{evaluation}"
"""


def table(rows: int, columns: int) -> pl.DataFrame:
    draw = np.random.default_rng(0)
    inputs = draw.normal(size=(rows, columns))
    level = inputs[:, 0] + inputs[:, 1] * inputs[:, 2] + draw.normal(size=rows)
    return pl.DataFrame({"key": np.arange(rows), **{f"n{at}": inputs[:, at] for at in range(columns)}, "target": level > 0.5})


def cpu_seconds(command: list[str], folder: Path) -> float:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 2):
        sys.exit(process.stderr.read().decode() if process.stderr else "failed")
    return used.ru_utime + used.ru_stime


def ours(folder: Path, evaluation: str) -> float:
    """The first run of a project that was never run."""
    shutil.rmtree(folder / ".keepfit", ignore_errors=True)
    (folder / "keepfit.lock").unlink(missing_ok=True)
    (folder / "keepfit.toml").write_text(PROJECT.format(evaluation=evaluation))
    return cpu_seconds([sys.executable, "-m", "keepfit", "run", "--quiet"], folder)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, default=100_000)
    options.add_argument("--columns", type=int, default=20)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    seconds: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table(chosen.rows, chosen.columns).write_parquet(folder / "rows.parquet")
        for _ in range(chosen.rounds):
            for what, act in {
                "bare script": lambda: cpu_seconds([sys.executable, "-c", BARE], folder),
                "quick": lambda: ours(folder, "quick"),
                "full": lambda: ours(folder, "full"),
                "folds, with imports": lambda: cpu_seconds([sys.executable, "-c", FOLDS.replace("FITS", "3")], folder),
                "imports": lambda: cpu_seconds([sys.executable, "-c", FOLDS.replace("FITS", "0")], folder),
            }.items():
                seconds.setdefault(what, []).append(act())
    least = {what: min(taken) for what, taken in seconds.items()}
    folds = least["folds, with imports"] - least["imports"]
    found: dict[str, Any] = {
        "seconds": {what: {"minimum": least[what], "median": statistics.median(taken)} for what, taken in seconds.items()},
        "quick above bare": least["quick"] - least["bare script"],
        "full above bare and folds": least["full"] - least["bare script"] - folds,
    }
    if chosen.json:
        print(json.dumps(found, indent=1))
        return
    print(f"{chosen.rows:,} rows of {chosen.columns} numbers, {chosen.rounds} rounds; CPU seconds")
    for what, taken in found["seconds"].items():
        print(f"{what:28} minimum {taken['minimum']:6.2f}  median {taken['median']:6.2f}")
    print(f"{'quick above bare':28} {found['quick above bare']:+14.2f}  (target +0.5)")
    print(f"{'full above bare and folds':28} {found['full above bare and folds']:+14.2f}  (target +2.0)")


if __name__ == "__main__":
    main()
