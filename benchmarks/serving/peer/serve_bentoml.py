"""BentoML's service: rows as a list of objects, pandas, LightGBM's package."""

from __future__ import annotations

import json
import os
from pathlib import Path

import bentoml
import lightgbm
import pandas as pd


@bentoml.service(workers=1, metrics={"enabled": False}, logging={"access": {"enabled": False}})
class Model:
    def __init__(self) -> None:
        place = Path(os.environ["PEER_MODEL"])
        self.booster = lightgbm.Booster(model_file=str(place / "model.txt"))
        categories = json.loads((place / "categories.json").read_text())
        self.categories = {name: pd.CategoricalDtype(values) for name, values in categories.items()}

    @bentoml.api
    def predict(self, rows: list[dict]) -> list[float]:
        frame = pd.DataFrame(rows, columns=self.booster.feature_name()).astype(self.categories)
        return self.booster.predict(frame, num_threads=1).tolist()
