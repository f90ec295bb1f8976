"""What judging in full costs beyond the folds' fits: CPU seconds of each part, on 100,000 rows of 20 numbers.

    python benchmarks/judging.py [--rows 100000] [--columns 20] [--json]

One LightGBM recipe, no search, no time, so that every development row is left out once. The parts are called as `keepfit run` calls them.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl

from keepfit.loop import tune
from keepfit.loop.fit import fit, places
from keepfit.loop.measure import Answers, exam, measure, past, suspects, with_importance
from keepfit.loop.models import load_model
from keepfit.loop.recipe import Material, Recipe
from keepfit.loop.rows import known_rows, value_of
from keepfit.loop.search import search
from keepfit.loop.take import take
from keepfit.progress import silent
from keepfit.workspace import Workspace

T = TypeVar("T")
PROJECT = """\
[problem]
name = "cost"
target = "y"
key = ["id"]
value = { true_positive = 10, false_positive = -4 }

[data]
source = "table.parquet"

[model]
estimators = ["lightgbm"]
trials = 0
evaluation = "quick"
"""


def table(rows: int, columns: int) -> pl.DataFrame:
    draw = np.random.default_rng(1)
    numbers = draw.normal(size=(rows, columns))
    weights = draw.normal(size=columns) / 2
    chance = 1 / (1 + np.exp(-(numbers @ weights + 0.8 * numbers[:, 0] * numbers[:, 1] - 1)))
    named = {f"x{number}": numbers[:, number] for number in range(columns)}
    return pl.DataFrame(named | {"y": draw.random(rows) < chance, "id": np.arange(rows)})


def timed(found: dict[str, float], name: str, function: Callable[[], T]) -> T:
    begin = time.process_time()
    value = function()
    found[name] = time.process_time() - begin
    return value


def parts(folder: Path, rows: int, columns: int) -> dict[str, float]:
    """CPU seconds of each part of judging in full."""
    table(rows, columns).write_parquet(folder / "table.parquet")
    (folder / "keepfit.toml").write_text(PROJECT)
    ws, now, found = Workspace(folder), datetime.now(UTC), dict[str, float]()
    taken = take(ws, now=now)
    done = fit(ws, taken, now=now)  # imports what the parts need
    known, candidate = taken.schema, done.candidate
    all_rows = known_rows(ws, [taken], known, candidate.classes)
    spots = places(ws, all_rows, known)
    material = Material(known, candidate.classes, all_rows, spots)
    recipe = Recipe(candidate.estimator, candidate.parameters)
    held = timed(found, "the folds' fits", lambda: search(ws, material, [recipe], trials=0, name="b3:" + "0" * 64, progress=silent).held)
    calibration = timed(found, "calibration", lambda: tune.calibrate(ws.task, held, known))
    timed(found, "threshold", lambda: tune.threshold(ws.task, held, calibration, value_of(ws)))
    outputs = tune.apply(ws.task, calibration, held.outputs)
    suspected = timed(found, "slices: looked for", lambda: suspects(ws, known, held.rows, outputs))
    test, model = all_rows.where(spots.test), load_model(ws, candidate)
    learned, before = (past(part.frame, part.truth, known) for part in (all_rows.where(spots.development), all_rows))
    asked = exam(ws, test, known, candidate.classes, learned=learned, before=before, taken=[taken], full=True)
    answers = Answers("c1", model.predict(test.frame), candidate.threshold)
    evaluation = timed(found, "metrics, baselines, slices confirmed", lambda: measure(ws, asked, answers, suspected))
    timed(found, "importance", lambda: with_importance(ws, evaluation, asked, model.predict))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--columns", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        found = parts(Path(name), options.rows, options.columns)
    beyond = sum(seconds for part, seconds in found.items() if part != "the folds' fits")
    result: dict[str, Any] = {"seconds": found, "beyond the folds' fits": beyond, "target": 1.5}
    if options.json:
        json.dump(result, sys.stdout, indent=1)
        print()
        return
    for part, seconds in found.items():
        print(f"{part:40} {seconds:6.2f} CPU s")
    print(f"{'beyond the folds fits':40} {beyond:6.2f} CPU s (at most 1.5)")


if __name__ == "__main__":
    main()
