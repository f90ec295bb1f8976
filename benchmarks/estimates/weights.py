"""Whether estimates of quality before labels come nearer when known rows count by how like they are to the rows that are asked about.

    python benchmarks/estimates/weights.py [STREAM …]

Models, windows and metrics as in `quality.py`. Known rows count alike, by the ratio of both densities in tenths of the scores, or by
the odds of a logistic regression that tells the two apart from all columns and the score; ratios between a quarter and four.
Labels are there for every window before, or for none since the release; no interval is widened for earlier errors.
"""

from __future__ import annotations

import sys

import numpy as np
import polars as pl
from quality import FEWEST, FEWEST_OF_CLASS, METRICS, MORE, Weigh, measured, ours, scored
from streams import STREAMS

LEAST, MOST, SMOOTH = 0.25, 4.0, 5.0


def by_score(known: pl.DataFrame, asked: pl.DataFrame) -> np.ndarray:
    ours, theirs = known["score"].to_numpy(), asked["score"].to_numpy()
    edges = np.unique(np.quantile(np.concatenate([ours, theirs]), np.linspace(0, 1, 11)[1:-1]))
    place = np.searchsorted(edges, ours)
    counts = [np.bincount(one, minlength=edges.size + 1) + SMOOTH for one in (place, np.searchsorted(edges, theirs))]
    shares = [one / one.sum() for one in counts]
    return clipped((shares[1] / shares[0])[place])


def by_columns(known: pl.DataFrame, asked: pl.DataFrame) -> np.ndarray:
    from sklearn.linear_model import LogisticRegression

    names = [name for name in known.columns if name not in ("window", "truth")]
    both = np.concatenate([frame.select(names).cast(pl.Float64).to_numpy() for frame in (known, asked)])
    both = np.clip(np.nan_to_num((both - np.nanmean(both, axis=0)) / (np.nanstd(both, axis=0) + 1e-9)), -4, 4)
    which = np.repeat([0, 1], [known.height, asked.height])
    told = LogisticRegression(C=0.1, class_weight="balanced", max_iter=200).fit(both, which)
    chance = told.predict_proba(both[: known.height])[:, 1]
    return clipped(chance / np.maximum(1 - chance, 1e-6))


def clipped(ratio: np.ndarray) -> np.ndarray:
    weight = np.clip(ratio / ratio.mean(), LEAST, MOST)
    return weight / weight.mean()


WAYS: dict[str, Weigh | None] = {"alike": None, "scores": by_score, "columns": by_columns}


def main() -> None:
    columns = [f"{way}, {labels}" for labels in ("newest", "release") for way in WAYS]
    print(f"{'mean absolute error':<26}" + "".join(f"{column:>18}" for column in columns))
    for stream in sys.argv[1:] or list(STREAMS):
        make, length = STREAMS[stream]
        rows = scored(make(), length)
        errors: dict[tuple[str, str], list[float]] = {}
        for window in sorted(rows.filter(pl.col("window") >= 0)["window"].unique()):
            now = rows.filter(pl.col("window") == window)
            positives = int(now["truth"].sum())
            if now.height < FEWEST or min(positives, now.height - positives) < FEWEST_OF_CLASS:
                continue
            truth = measured(now)
            for labels, until in (("newest", window), ("release", 0)):
                for way, weigh in WAYS.items():
                    said = ours(rows, window, until, {}, weigh)
                    for name in (*METRICS, *MORE):
                        errors.setdefault((name, f"{way}, {labels}"), []).append(abs(said[name].value - truth[name]))
        for name in (*METRICS, *MORE):
            print(f"{stream + ' ' + name:<26}" + "".join(f"{np.nanmean(errors[name, column]):>18.4f}" for column in columns))


if __name__ == "__main__":
    main()
