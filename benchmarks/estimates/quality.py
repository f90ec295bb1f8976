"""How far estimates of quality before labels lie from what labels show: ours, NannyML's CBPE, and the level at release.

    python benchmarks/estimates/quality.py [STREAM …]

One model for each stream of `benchmarks/streams`, fitted on two thirds of the first sixth of the rows and never again; it is tested on the
last third, which is all that is known at its release. Then window by window: each estimate is made from what is known when the window
closes, and held against the truth of the window afterwards. Labels are there for every window before (`newest`), for those that ended
four windows earlier, or for none since the release (`release`). CBPE is fitted on the same known rows: at release, as it is mostly
used, or again for every window on all that is known. Windows with fewer than 100 rows, or fewer than 10 of a class, are left out.
NannyML runs in an environment of its own, which is made at the first time (`KEEPFIT_BENCH_PYTHON` names a Python before 3.13).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
from streams import STREAMS

from keepfit.estimate import Asked, Expected, Known, estimate, tracked
from keepfit.loop.expect import MOST_BLOCKS, MOST_KNOWN
from keepfit.measures.plausible import Told
from keepfit.task import Scored
from keepfit.tasks.binary import Binary

TASK = Binary()
METRICS = ("roc_auc", "accuracy", "f1")
MORE = ("log_loss", "brier")
HERE = Path(__file__).parent
PEER = Path(os.environ.get("KEEPFIT_BENCH_PEER", Path(tempfile.gettempdir()) / "keepfit-bench-nannyml"))
FEWEST, FEWEST_OF_CLASS = 100, 10
#: How much each known row counts for the rows that are asked about.
Weigh = Callable[[pl.DataFrame, pl.DataFrame], np.ndarray]


def scored(table: pl.DataFrame, length: timedelta) -> pl.DataFrame:
    """Rows that the model did not learn from, with their window (below 0: known at release), score, truth and features as numbers."""
    import lightgbm

    table = table.sort("time", maintain_order=True)
    features = [name for name in table.columns if name not in ("time", "truth")]
    coded = table.select(
        pl.col(name).cast(pl.Categorical).to_physical().cast(pl.Float64)
        if table[name].dtype == pl.String
        else pl.col(name).cast(pl.Float64)
        for name in features
    )
    words = [number for number, name in enumerate(features) if table[name].dtype == pl.String]
    truth = table["truth"].cast(pl.Float64).to_numpy()
    first = table.height // 6
    learned = 2 * first // 3
    known = coded.to_numpy()
    data = lightgbm.Dataset(known[:learned], truth[:learned], categorical_feature=words)
    settings = {
        "objective": "binary",
        "learning_rate": 0.05,
        "num_leaves": 15,
        "min_data_in_leaf": 30,
        "num_threads": 1,
        "verbosity": -1,
        "seed": 1,
    }
    score = lightgbm.train(settings, data, 100).predict(known)
    time = table["time"].cast(pl.Int64).to_numpy()
    size = int(length.total_seconds() * 1e6)
    window = (time - time[first]) // size
    return coded.with_columns(window=pl.Series(window), score=pl.Series(score), truth=pl.Series(truth))[learned:]


def ours(
    rows: pl.DataFrame, window: int, until: int, seen: dict[str, list[tuple[Expected, float]]], weigh: Weigh | None = None
) -> dict[str, Expected]:
    """What is estimated of a window from the rows of windows before another, and from how far such estimates were off before."""
    known, asked = rows.filter(pl.col("window").is_between(until - MOST_BLOCKS, until - 1)), rows.filter(pl.col("window") == window)
    known = known.gather_every(-(-known.height // MOST_KNOWN))
    first = int(known["window"].min())
    weight = weigh(known, asked) if weigh else np.ones(known.height)
    told = Told(known["truth"].to_numpy(), weight, known["window"].to_numpy() - first, until - first, gap=window - until + 1)
    track = {name: tracked(pairs) for name, pairs in seen.items() if pairs}
    scores = Known(told, {"score": known["score"].to_numpy()}), Asked({"score": asked["score"].to_numpy()}, 0.5)
    found: dict[str, Expected] = estimate(TASK, *scores, seed=window, past=track)["metrics"]
    return found


def measured(rows: pl.DataFrame) -> dict[str, float]:
    outputs = {"score": rows["score"].to_numpy()}
    seen = Scored(rows["truth"].to_numpy(), outputs, TASK.decide(outputs, 0.5), None)
    found = {}
    for name in (*METRICS, *MORE):
        try:
            found[name] = TASK.metrics[name].measure(seen).value
        except ValueError:
            found[name] = float("nan")
    return found


def peer(folder: Path) -> dict:
    """What CBPE says, from its own environment."""
    python = PEER / "bin" / "python"
    if not python.exists():
        base = os.environ.get("KEEPFIT_BENCH_PYTHON", "python3.11")
        subprocess.run([base, "-m", "venv", str(PEER)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", "nannyml", "pyarrow", "statsmodels"], check=True)
    subprocess.run([str(python), str(HERE / "cbpe.py"), str(folder)], check=True, stdout=subprocess.DEVNULL)
    return json.loads((folder / "cbpe.json").read_text())


def compared(rows: pl.DataFrame, cbpe: dict) -> dict[str, dict[str, list[float]]]:
    """The errors of every way, by metric, over the windows."""
    release = measured(rows.filter(pl.col("window") < 0))
    errors: dict[str, dict[str, list[float]]] = {}
    before = release
    behind = {"newest": 0, "4 late": 4, "release": None}
    seen: dict[str, dict[str, list[tuple[Expected, float]]]] = {way: {} for way in behind}
    for window in sorted(int(number) for number in cbpe):
        now = rows.filter(pl.col("window") == window)
        positives = int(now["truth"].sum())
        if now.height < FEWEST or min(positives, now.height - positives) < FEWEST_OF_CLASS:
            continue
        truth = measured(now)
        until = {way: 0 if late is None else max(0, window - late) for way, late in behind.items()}
        mine = {f"ours, {way}": ours(rows, window, until[way], seen[way] if way == "newest" else {}) for way in behind}
        for name in (*METRICS, *MORE):
            said = {way: found[name].value for way, found in mine.items()} | {
                "level at release": release[name],
                "last window": before[name],
            }
            if name in METRICS:
                said |= {f"CBPE, {way}": cbpe[str(window)][way][name] for way in ("newest", "release")}
            for way, value in said.items():
                errors.setdefault(name, {}).setdefault(way, []).append(abs(value - truth[name]))
            inside = mine["ours, newest"][name].low <= truth[name] <= mine["ours, newest"][name].high
            errors[name].setdefault("inside", []).append(float(inside))
        for name, expected in mine["ours, newest"].items():
            if name in truth and not np.isnan(truth[name]):
                seen["newest"].setdefault(name, []).append((expected, truth[name]))
        before = truth
    return errors


def main() -> None:
    wanted = sys.argv[1:] or list(STREAMS)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        tables = {}
        for name in wanted:
            make, length = STREAMS[name]
            tables[name] = scored(make(), length)
            tables[name].write_parquet(folder / f"{name}.parquet")
        cbpe = peer(folder)
    ways = ("ours, newest", "CBPE, newest", "ours, 4 late", "ours, release", "CBPE, release", "level at release", "last window")
    print(f"{'mean absolute error':<26}" + "".join(f"{way:>18}" for way in ways) + f"{'in interval':>14}")
    won = {"newest": [0, 0], "release": [0, 0]}
    for name in wanted:
        errors = compared(tables[name], cbpe[name])
        for metric in (*METRICS, *MORE):
            means = {way: float(np.nanmean(found)) for way, found in errors[metric].items()}
            windows = len(errors[metric]["inside"])
            shown = "".join(f"{means[way]:>18.4f}" if way in means else f"{'':>18}" for way in ways)
            print(f"{name + ' ' + metric:<26}{shown}{means['inside']:>11.0%} of {windows}")
            for way, count in won.items():
                if metric in METRICS:
                    count[0] += means[f"ours, {way}"] < means[f"CBPE, {way}"]
                    count[1] += 1
    for way, (better, of) in won.items():
        print(f"nearer than CBPE, {way}: {better} of {of}")


if __name__ == "__main__":
    main()
