"""What one row costs in process: the feature plan, LightGBM's trees, both; and a scikit-learn pipeline as the peer.

    python benchmarks/row.py [--numbers 20] [--categories 10] [--trees 100] [--rows 500] [--json]

Medians over rows, after each side was warmed up. "sum of parts" is plan and trees by themselves; "predictor" is what a
release calls. The peer is the ColumnTransformer that the documentation of scikit-learn shows, with the same trees behind
it: imputed and scaled numbers, one-hot categories, one row at a time as a pandas frame.
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

import lightgbm
import numpy as np
import pandas as pd
import polars as pl
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from keepfit import features
from keepfit.estimator import Training
from keepfit.estimators.lightgbm import LightGBM
from keepfit.estimators.trees import TreesPredictor
from keepfit.schema import Column
from keepfit.tasks.binary import Binary
from keepfit.workspace import column_kinds

ROUNDS = 20


def table(rows: int, numbers: int, categories: int) -> tuple[pl.DataFrame, np.ndarray[Any, Any]]:
    draw = np.random.default_rng(7)
    held: dict[str, Any] = {f"n{at}": draw.normal(size=rows) for at in range(numbers)}
    held |= {f"c{at}": pl.Series(draw.integers(0, 20, rows)).cast(pl.String) for at in range(categories)}
    truth = held["n0"] + (held["c0"].cast(pl.Int64).to_numpy() > 9 if categories else 0) + draw.normal(size=rows) > 0
    return pl.DataFrame(held), truth.astype(np.float64)


def median(act: Callable[[Any], object], inputs: Sequence[Any], rounds: int = ROUNDS) -> float:
    """Microseconds for one of the inputs."""
    for given in inputs:
        act(given)
    taken = []
    for _ in range(rounds):
        for given in inputs:
            began = time.perf_counter_ns()
            act(given)
            taken.append(time.perf_counter_ns() - began)
    return statistics.median(taken) / 1000


def ours(frame: pl.DataFrame, truth: Any, rows: list[dict[str, Any]], trees: int) -> dict[str, float]:
    kinds = column_kinds()
    kind_of = {pl.Float64(): ("number", "float"), pl.String(): ("category", "text")}
    columns = [Column(name, *kind_of[dtype], ("feature",), False) for name, dtype in frame.schema.items()]  # type: ignore[index,arg-type]
    training = Training(features.Inputs(frame, kinds), truth, columns, Binary(), (False, True))
    fitted = LightGBM().fit(training, {"trees": trees}, 0)
    with tempfile.TemporaryDirectory() as name:
        fitted.save(Path(name))
        predictor = TreesPredictor(Path(name), kinds)
        package = lightgbm.Booster(model_file=Path(name) / "model.txt")
    _, write = features.row_writer(fitted.plan, kinds)
    trees_alone = predictor._answers[0]
    return {
        "plan": median(write, rows),
        "trees": median(lambda _: trees_alone(), rows),
        "predictor": median(predictor, rows),
        "trees through LightGBM's package": median(
            lambda row: package.predict(row, num_threads=1),
            list(features.matrix(fitted.plan, frame.head(100), kinds)[:, None, :]),
            3,
        ),
    }


def peer(frame: pl.DataFrame, truth: Any, trees: int) -> dict[str, float]:
    numbers, categories = [name for name in frame.columns if name[0] == "n"], [name for name in frame.columns if name[0] == "c"]
    encode = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), numbers),
            ("categories", OneHotEncoder(handle_unknown="ignore", sparse_output=False), categories),
        ]
    )
    held = pd.DataFrame(frame.to_dict(as_series=False))
    model = lightgbm.LGBMClassifier(n_estimators=trees, n_jobs=1, verbosity=-1)
    model.fit(encode.fit_transform(held), truth)
    rows = [held.iloc[[at]] for at in range(40)]
    return {
        "scikit-learn transformer": median(encode.transform, rows, 2),
        "scikit-learn pipeline": median(lambda row: model.booster_.predict(encode.transform(row), num_threads=1), rows, 2),
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--numbers", type=int, default=20)
    options.add_argument("--categories", type=int, default=10)
    options.add_argument("--trees", type=int, default=100)
    options.add_argument("--rows", type=int, default=500)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    frame, truth = table(20_000, chosen.numbers, chosen.categories)
    found = ours(frame, truth, frame.head(chosen.rows).to_dicts(), chosen.trees)
    found["sum of parts"] = found["plan"] + found["trees"]
    found |= peer(frame, truth, chosen.trees)
    if chosen.json:
        print(json.dumps(found, indent=1))
        return
    print(f"one row of {chosen.numbers} numbers and {chosen.categories} categories, {chosen.trees} trees")
    for side, microseconds in found.items():
        print(f"{side:34} {microseconds:9.1f} us  {microseconds / found['predictor']:8.2f} x predictor")


if __name__ == "__main__":
    main()
