"""Two ways to a random forest on the demo's flights: LightGBM on binned features, and scikit-learn's exact splits.

    python benchmarks/forest.py [--rows 20000] [--windows 5] [--json]

Both have 100 trees. In each of some windows of time they learn from the first four fifths of the rows, and the last
fifth says how good they are; figures are means over the windows.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import log_loss, roc_auc_score

from keepfit.demo.stream import flights
from keepfit.estimator import Training
from keepfit.estimators.forest import Forest
from keepfit.estimators.trees import TreesPredictor
from keepfit.features import Inputs
from keepfit.request import as_request
from keepfit.schema import Column
from keepfit.tasks.binary import Binary
from keepfit.workspace import column_kinds

LEFT_OUT = {"late", "arr_delay", "flight"}


def columns(frame: pl.DataFrame) -> list[Column]:
    found = []
    for name, dtype in frame.schema.items():
        kind = ("category", "text") if dtype == pl.String else ("moment", "instant") if dtype.is_temporal() else ("number", "float")
        found.append(Column(name, *kind, ("feature",), True))  # type: ignore[arg-type]
    return found


def window(frame: pl.DataFrame, found: dict[str, list[dict[str, float]]]) -> None:
    """What each forest comes to in one window."""
    truth = frame["late"].cast(pl.Float64).to_numpy()
    frame = frame.drop(LEFT_OUT).with_columns(pl.selectors.numeric().cast(pl.Float64))
    cut, kinds, known = int(frame.height * 0.8), column_kinds(), tuple(columns(frame))
    learn, check = Inputs(frame[:cut], kinds), Inputs(frame[cut:], kinds)
    plan = learn.learn(known, "trees")
    inputs, others = learn.matrix(plan), check.matrix(plan)

    def note(name: str, seconds: float, said: np.ndarray[Any, Any], row: float) -> None:
        loss, rank = float(log_loss(truth[cut:], np.clip(said, 1e-6, 1 - 1e-6))), float(roc_auc_score(truth[cut:], said))
        found.setdefault(name, []).append({"CPU seconds": seconds, "log loss": loss, "roc auc": rank, "us a row": row})

    begin = time.process_time()
    ours = Forest().fit(Training(learn, truth[:cut], known, Binary(), (False, True)), {}, 0)
    seconds = time.process_time() - begin
    with tempfile.TemporaryDirectory() as name:
        ours.save(Path(name))
        predictor = TreesPredictor(Path(name), kinds)
    rows = [as_request(row) for row in check.frame.head(500).iter_rows(named=True)]
    note("forest", seconds, ours.predict(check)["score"], microseconds(predictor, rows))
    for leaf in (5, 20):
        begin = time.process_time()
        other = RandomForestClassifier(100, min_samples_leaf=leaf, n_jobs=1, random_state=0).fit(inputs, truth[:cut])
        seconds = time.process_time() - begin
        one = microseconds(other.predict_proba, [others[at : at + 1] for at in range(20)])
        note(f"scikit-learn, {leaf} rows a leaf", seconds, other.predict_proba(others)[:, 1], one)


def microseconds(act: Callable[[Any], object], given: Sequence[Any]) -> float:
    taken = []
    for one in given:
        begin = time.perf_counter_ns()
        act(one)
        taken.append(time.perf_counter_ns() - begin)
    return statistics.median(taken) / 1000


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, default=20_000)
    options.add_argument("--windows", type=int, default=5)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    frame = flights().filter(pl.col("late").is_not_null()).sort("departure")
    each: dict[str, list[dict[str, float]]] = {}
    for number in range(chosen.windows):
        begin = (frame.height - chosen.rows) * number // max(1, chosen.windows - 1)
        window(frame[begin : begin + chosen.rows], each)
    found = {name: {what: statistics.mean(one[what] for one in said) for what in said[0]} for name, said in each.items()}
    if chosen.json:
        print(json.dumps(found, indent=1))
        return
    print(f"{chosen.windows} windows of {chosen.rows:,} flights, 100 trees; one row by scikit-learn without its encoding")
    for name, said in found.items():
        print(f"{name:30}", "   ".join(f"{what} {value:.4g}" for what, value in said.items()))


if __name__ == "__main__":
    main()
