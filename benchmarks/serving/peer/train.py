"""The trees of a peer, in its own environment: the same data, 100 trees of 31 leaves. Writes model.txt, and for MLflow its folder."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd

data, place = Path(sys.argv[1]), Path(sys.argv[2])
held = json.loads(data.read_text(encoding="utf-8"))
columns = {name: pd.Categorical(values) if isinstance(values[0], str) else np.array(values) for name, values in held["columns"].items()}
table = pd.DataFrame(columns)
model = lightgbm.LGBMClassifier(n_estimators=100, num_leaves=31, n_jobs=1, verbose=-1).fit(table, np.array(held["truth"]))
place.mkdir(parents=True, exist_ok=True)
model.booster_.save_model(place / "model.txt")
(place / "categories.json").write_text(json.dumps({name: list(table[name].cat.categories) for name in table.select_dtypes("category")}))
if "mlflow" in sys.argv[3:]:
    import mlflow.pyfunc

    plain = table.head().astype(dict.fromkeys(table.select_dtypes("category"), str))
    signature = mlflow.models.infer_signature(plain, model.predict_proba(table.head())[:, 1])
    mlflow.pyfunc.save_model(
        str(place / "mlflow"),
        python_model=str(Path(__file__).with_name("mlflow_model.py")),
        artifacts={"model": str(place / "model.txt"), "categories": str(place / "categories.json")},
        signature=signature,
        pip_requirements=["lightgbm", "pandas"],
    )
