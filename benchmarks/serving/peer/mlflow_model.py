"""MLflow's model from code: pandas, LightGBM's package."""

from __future__ import annotations

import json
from pathlib import Path

import lightgbm
import mlflow
import pandas as pd


class Model(mlflow.pyfunc.PythonModel):
    def load_context(self, context):  # type: ignore[no-untyped-def]
        self.booster = lightgbm.Booster(model_file=context.artifacts["model"])
        categories = json.loads(Path(context.artifacts["categories"]).read_text())
        self.categories = {name: pd.CategoricalDtype(values) for name, values in categories.items()}

    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
        return self.booster.predict(model_input[self.booster.feature_name()].astype(self.categories), num_threads=1)


mlflow.models.set_model(Model())
