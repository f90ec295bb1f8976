"""NannyML's CBPE on windows that another process scored; runs in an environment of its own, with Python before 3.13.

    python cbpe.py FOLDER

FOLDER holds `<stream>.parquet`: rows with `window`, `score` and `truth`; those of windows below 0 are the ones that the model was tested
on at its release. Writes `cbpe.json`: for each stream, way and window what CBPE estimates.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from pathlib import Path

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
warnings.filterwarnings("ignore")

import nannyml  # noqa: E402
import pandas  # noqa: E402

METRICS = ("roc_auc", "accuracy", "f1")


def made(reference: pandas.DataFrame) -> nannyml.CBPE:
    estimator = nannyml.CBPE(
        y_pred_proba="score",
        y_pred="said",
        y_true="truth",
        problem_type="classification_binary",
        metrics=list(METRICS),
        chunk_number=1,
    )
    return estimator.fit(reference)


def asked(estimator: nannyml.CBPE, rows: pandas.DataFrame) -> dict[str, float]:
    found = estimator.estimate(rows).filter(period="analysis").to_df()
    return {name: float(found[(name, "value")].iloc[0]) for name in METRICS}


def main() -> None:
    folder = Path(sys.argv[1])
    found = {}
    for path in sorted(folder.glob("*.parquet")):
        rows = pandas.read_parquet(path)[["window", "score", "truth"]]
        rows["said"] = (rows["score"] >= 0.5).astype(int)
        rows["truth"] = rows["truth"].astype(int)
        release = made(rows[rows["window"] < 0])
        of_stream = {}
        for window in sorted(number for number in rows["window"].unique() if number >= 0):
            now = rows[rows["window"] == window]
            of_stream[str(window)] = {"release": asked(release, now), "newest": asked(made(rows[rows["window"] < window]), now)}
        found[path.stem] = of_stream
    (folder / "cbpe.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()
