"""NVIDIA's client of the Open Inference Protocol against a server; prints what it was told. Runs where `tritonclient[http]` is."""

import json
import sys
from urllib.parse import urlsplit

import numpy as np
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException, triton_to_np_dtype

url, model, rows = urlsplit(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
client = InferenceServerClient(url.netloc)
assert client.is_server_live()
assert client.is_server_ready()
assert client.is_model_ready(model)
about = client.get_model_metadata(model)
assert client.is_model_ready(model, about["versions"][0])
assert not client.is_model_ready("other")
datatypes = {one["name"]: one["datatype"] for one in about["inputs"]}


def inputs(binary, shape, missing=()):
    found = []
    for name, datatype in datatypes.items():
        if name in missing:
            continue
        kind = np.object_ if datatype == "BYTES" else triton_to_np_dtype(datatype)
        values = np.array([one[name] for one in rows], dtype=kind).reshape(shape)
        one = InferInput(name, list(values.shape), datatype)
        one.set_data_from_numpy(values, binary_data=binary)
        found.append(one)
    return found


def scores(said):
    return said.as_numpy("score").reshape(-1).tolist()


answers = {}
for binary in (True, False):
    for shape in ((-1,), (-1, 1)):
        asked = inputs(binary, shape)
        answers[f"{binary} {shape}"] = scores(client.infer(model, asked, request_id="my id"))
        wanted = [InferRequestedOutput("score", binary_data=binary), InferRequestedOutput("id", binary_data=binary)]
        said = client.infer(model, asked, request_id="my id", outputs=wanted, model_version=about["versions"][0])
        answers[f"{binary} {shape} wanted"] = scores(said)
        assert said.get_response()["id"] == "my id"
        assert said.as_numpy("id").shape == (len(rows),)
        assert said.as_numpy("decision") is None
assert client.infer(model, inputs(True, (-1,))).as_numpy("decision").dtype == np.bool_
answers["async"] = scores(client.async_infer(model, inputs(True, (-1,))).get_result())
refused = ""
try:
    client.infer(model, inputs(True, (-1,), missing=("shop",)))
except InferenceServerException as error:
    refused = f"{error.status()} {error.message()}"
print(json.dumps({"server": client.get_server_metadata(), "scores": answers, "refused": refused}))
