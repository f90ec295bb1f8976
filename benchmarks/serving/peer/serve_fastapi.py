"""The server that one writes by hand: FastAPI, a pydantic model of a row, pandas, LightGBM's package."""

from __future__ import annotations

import json
import os
from pathlib import Path

import lightgbm
import pandas as pd
from fastapi import FastAPI
from pydantic import BaseModel, create_model

place = Path(os.environ["PEER_MODEL"])
booster = lightgbm.Booster(model_file=str(place / "model.txt"))
categories = {name: pd.CategoricalDtype(values) for name, values in json.loads((place / "categories.json").read_text()).items()}
names = booster.feature_name()
Row = create_model("Row", **{name: (str if name in categories else float, ...) for name in names})


class Rows(BaseModel):
    rows: list[Row]  # type: ignore[valid-type]


app = FastAPI()


@app.post("/predict")
def predict(body: Rows) -> dict[str, list[dict[str, float]]]:
    frame = pd.DataFrame([row.model_dump() for row in body.rows], columns=names).astype(categories)
    return {"predictions": [{"score": float(score)} for score in booster.predict(frame, num_threads=1)]}
