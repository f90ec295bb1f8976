"""MLflow's own scoring client against a server; prints what it was told. Runs where `mlflow-skinny` and pandas are installed."""

import json
import sys
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
from mlflow.pyfunc.scoring_server.client import ScoringServerClient

url, rows = urlsplit(sys.argv[1]), json.loads(sys.argv[2])
client = ScoringServerClient(url.hostname, url.port)
client.wait_server_ready(timeout=30)
frame = pd.DataFrame(rows)
frame["at"] = pd.to_datetime(frame["at"], utc=True, format="ISO8601")
frame["size"] = np.array([one.get("size") for one in rows], dtype="float32")  # what is missing becomes NaN
frame["stock"] = frame["stock"].astype("float64")
answers = {
    "frame": client.invoke(frame, params={"ids": [f"frame {number}" for number in range(len(rows))]}),
    "records": client.invoke(json.dumps({"dataframe_records": rows})),
}
table = answers["frame"].get_predictions()
assert list(table["id"]) == [f"frame {number}" for number in range(len(rows))]
refused = ""
try:
    client.invoke(frame.drop(columns="shop"))
except Exception as error:  # noqa: BLE001 - the client raises no other
    refused = str(error)
print(
    json.dumps(
        {
            "version": client.get_version(),
            "scores": {form: list(map(float, said.get_predictions()["score"])) for form, said in answers.items()},
            "refused": refused,
        }
    )
)
