"""Answers in the protocols of others are in the table of predictions, once each, whatever happened to the server."""

from __future__ import annotations

import keepfit as library

ROW = {"number": 1, "when": "2024-06-03T10:00Z", "amount": 0.5, "shop": "north"}
DATATYPES = {"number": "INT64", "when": "BYTES", "amount": "FP64", "shop": "BYTES"}


def requests():
    """A path and a body for each protocol, each with an id of its own."""
    columns = [{"name": name, "shape": [1], "datatype": DATATYPES[name], "data": [value]} for name, value in ROW.items()]
    ids = {"name": "ids", "shape": [1], "datatype": "BYTES", "data": ["inference"]}
    return {
        "mlflow": ("/invocations", {"dataframe_records": [ROW], "params": {"ids": ["mlflow"]}}),
        "inference": ("/v2/models/small/infer", {"id": "1", "inputs": [*columns, ids]}),
        "kserve": ("/v1/models/small:predict", {"instances": [ROW], "parameters": {"ids": ["kserve"]}}),
        "vertex": ("/v1/endpoints/1/deployedModels/2:predict", {"instances": [ROW], "parameters": {"ids": ["vertex"]}}),
        "azure": ("/score", {"data": [ROW], "ids": ["azure"]}),
    }


def test_what_is_asked_again_is_one_prediction_after_a_kill_too_and_its_label_finds_it(champion, serve):
    said = {}
    with serve(champion, "--workers", "2") as server:
        for name, (path, body) in requests().items():
            answer = server.post(path, body)
            assert answer.status_code == 200, answer.text
            said[name] = answer.json()
            assert server.post("/v1/labels", {"labels": [{"prediction": name, "value": True}]}).status_code == 200
        server.kill()
    with serve(champion) as server:
        for path, body in requests().values():  # the clients, who do not know, ask again
            assert server.post(path, body).status_code == 200
        metrics = server.client.get("/metrics").text
        assert 'keepfit_requests_total{route="/invocations",status="200"} 1' in metrics
    predictions = library.open(champion).predictions()
    assert sorted(predictions["id"]) == sorted(said)
    assert predictions["label"].to_list() == [True] * len(said)
    by_tensor = {output["name"]: output["data"][0] for output in said.pop("inference")["outputs"]}
    scores = {by_tensor["score"], *(one["predictions"][0]["score"] for one in said.values())}
    assert set(predictions["output.score"]) == scores
    assert len(scores) == 1
