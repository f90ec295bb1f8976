"""How MLflow's own server answers requests: of each the status, content type and members. Runs where MLflow is installed."""

import json
import sys
from types import SimpleNamespace

import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import scoring_server


class Model:
    """A model that answers a row with a record, and takes any params."""

    metadata = SimpleNamespace(get_params_schema=lambda: None)

    def predict(self, data, params=None):
        rows = len(data) if isinstance(data, pd.DataFrame) else len(next(iter(data.values())))
        return pd.DataFrame({"prediction": [True] * rows, "score": [0.5] * rows})


def answer(kind, body):
    try:
        said = scoring_server.invocations(body.encode(), kind, Model(), None)
    except MlflowException as error:
        return [error.get_http_status_code(), "application/json", sorted(json.loads(error.serialize_as_json()))]
    return [said.status, said.mimetype, sorted(json.loads(said.response)) if said.mimetype == "application/json" else []]


print(json.dumps([answer(kind, body) for kind, body in json.loads(sys.argv[1])]))
