"""The Open Inference Protocol, in JSON and with bytes."""

from __future__ import annotations

import json
import struct
from importlib.metadata import version
from types import SimpleNamespace

import pytest

from keepfit.prediction import Prediction
from keepfit.serving.predicting import Answer, Said
from keepfit.serving.protocols.inference import Infer, answered, outputs_of
from keepfit.serving.tensors import DATATYPES, Tensor, packed, values_of
from keepfit.tasks.binary import Binary
from keepfit.tasks.multiclass import Multiclass
from keepfit.tasks.regression import Regression

MODEL = "/v2/models/returns"
INFER = f"{MODEL}/infer"
BARE = {"Keepfit-Now": "2024-03-01T09:00Z"}
DATATYPE = {"order": "INT64", "at": "BYTES", "shop": "BYTES", "product": "INT32", "price": "FP64"}
DATATYPE |= {"size": "FP32", "weekend": "BOOL", "gift": "BOOL", "stock": "INT16"}


def inputs_of(rows, **datatypes):
    """The rows as tensors, one for each column."""
    kinds = DATATYPE | datatypes
    return [{"name": name, "shape": [len(rows)], "datatype": kinds[name], "data": [row.get(name) for row in rows]} for name in rows[0]]


def tensors(answer):
    assert answer.status_code == 200, answer.text
    return {output["name"]: output["data"] for output in answer.json()["outputs"]}


def refused(answer, status=400):
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json"), answer.text
    assert set(answer.json()) == {"error"}
    return answer.json()["error"]


def test_columns_are_answered_as_rows_are_and_kept(client, row):
    rows = [row, row | {"shop": "never seen", "size": None}]
    answer = client.ask("POST", INFER, json={"id": "my id", "inputs": inputs_of(rows), "parameters": {"priority": 1}})
    said = tensors(answer)
    kept = client.kept("predictions", Prediction)
    assert (answer.json()["id"], answer.json()["model_name"], answer.json()["model_version"]) == ("my id", "returns", "r1")
    assert said["id"] == [one.id for one in kept]
    assert said["score"] == [one.outputs["score"] for one in kept]
    assert said["decision"] == said["prediction"] == [one.decision for one in kept]
    assert said["release"] == ["r1", "r1"]
    assert (said["warnings"][0], "shop" in said["warnings"][1]) == ("", True)
    assert said["score"] == [one["score"] for one in client.predict(*rows).json()["predictions"]]


def test_data_may_be_nested_as_the_shape_says_and_only_some_outputs_wanted(trees, row):
    rows = [row, row | {"price": 99.0}]
    nested = [tensor | {"shape": [2, 1], "data": [[value] for value in tensor["data"]]} for tensor in inputs_of(rows)]
    flat = [tensor | {"shape": [2, 1]} for tensor in inputs_of(rows)]
    for inputs in (nested, flat):
        answer = trees.ask("POST", INFER, json={"inputs": inputs, "outputs": [{"name": "score"}]})
        assert tensors(answer) == {"score": [one["score"] for one in trees.predict(*rows).json()["predictions"]]}
        assert "id" not in answer.json()


def test_ids_and_subjects_are_inputs_beside_the_columns(trees, row):
    beside = [
        {"name": "ids", "shape": [1], "datatype": "BYTES", "data": ["a"]},
        {"name": "subjects", "shape": [1], "datatype": "BYTES", "data": ["anna"]},
    ]
    for _ in range(2):  # the second one is a retry
        assert tensors(trees.ask("POST", INFER, json={"inputs": inputs_of([row]) + beside}))["id"] == ["a"]
    (kept,) = trees.kept("predictions", Prediction)
    assert (kept.id, kept.subject is not None) == ("a", True)
    assert trees.predict(row, ids=["a"]).json()["predictions"][0]["replayed"] is True


def test_bytes_after_the_json_are_read_and_written(client, row):
    rows = [row, row | {"price": 99.0, "stock": 7}]
    inputs, raw = [], b""
    for tensor in inputs_of(rows):
        part = packed(tensor["datatype"], tensor.pop("data"))
        inputs.append(tensor | {"parameters": {"binary_data_size": len(part)}})
        raw += part
    head = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}}).encode()
    answer = client.ask("POST", INFER, headers=BARE | {"Inference-Header-Content-Length": str(len(head))}, content=head + raw)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/octet-stream"
    length = int(answer.headers["inference-header-content-length"])
    found, place = {}, length
    for output in json.loads(answer.content[:length])["outputs"]:
        size = output["parameters"]["binary_data_size"]
        found[output["name"]] = values_of(Tensor("x", output["shape"], output["datatype"]), answer.content[place : place + size], at="x")
        place += size
    assert place == len(answer.content)
    # what was sent as FP32 is what FP32 holds
    exact = [one | {"size": struct.unpack("<f", struct.pack("<f", one["size"]))[0]} for one in rows]
    said = client.predict(*exact).json()["predictions"]
    assert found["score"] == [one["score"] for one in said]
    assert found["decision"] == [one["decision"] for one in said]
    assert found["id"] == [one.id for one in client.kept("predictions", Prediction)][:2]


@pytest.mark.parametrize("datatype", DATATYPES)
def test_every_datatype_is_the_same_as_json_and_as_bytes(datatype):
    values = {"BOOL": [True, False], "BYTES": ["Köln", ""]}.get(datatype, [0, 1] if datatype.startswith("UINT") else [-1, 0])
    from_json = values_of(Tensor("x", [2], datatype, list(values)), None, at="x")
    assert values_of(Tensor("x", [2], datatype), packed(datatype, values), at="x") == from_json == values


def test_numbers_of_any_datatype_answer_alike(trees, row):
    said = tensors(trees.ask("POST", INFER, json={"inputs": inputs_of([row])}))["score"]
    for datatype in ("UINT8", "INT8", "UINT64", "FP16", "FP64"):
        other = inputs_of([row], product=datatype, stock=datatype)
        assert tensors(trees.ask("POST", INFER, json={"inputs": other}))["score"] == said


def test_the_server_and_its_model_are_described(trees):
    about = trees.ask("GET", "/v2").json()
    assert about == {"name": "keepfit", "version": version("keepfit"), "extensions": ["binary_tensor_data"]}
    said = trees.ask("GET", MODEL).json()
    assert (said["name"], said["versions"], said["platform"]) == ("returns", ["r1"], "keepfit")
    assert {one["name"]: one["datatype"] for one in said["inputs"]} == DATATYPE | {"product": "INT64", "stock": "INT64"}
    outputs = {"id": "BYTES", "prediction": "BOOL", "score": "FP64", "decision": "BOOL", "warnings": "BYTES", "release": "BYTES"}
    assert {one["name"]: one["datatype"] for one in said["outputs"]} == outputs
    assert {tuple(one["shape"]) for one in said["inputs"] + said["outputs"]} == {(-1,)}
    assert trees.ask("GET", f"{MODEL}/versions/r1").json() == said


def test_it_is_ready_while_a_release_is_champion(trees):
    paths = ("/v2/health/ready", f"{MODEL}/ready", f"{MODEL}/versions/r1/ready")
    assert [trees.ask("GET", path).status_code for path in paths] == [200] * 3
    trees.app.answering = None
    assert [trees.ask("GET", path).json()["ready"] for path in paths] == [False] * 3
    assert [trees.ask("GET", path).status_code for path in ("/v2/health/live", *paths)] == [200, 503, 503, 503]
    refused(trees.ask("GET", MODEL), 503)


def test_a_request_that_names_a_version_is_answered_by_no_other(trees, another, row):
    trees.take(trees.app.answering.champion, canary=another("v1-linear", "r2"), share=0.999999)
    inputs = inputs_of([row])
    assert tensors(trees.ask("POST", INFER, json={"inputs": inputs}))["release"] == ["r2"]
    assert tensors(trees.ask("POST", f"{MODEL}/versions/r1/infer", json={"inputs": inputs}))["release"] == ["r1"]
    assert "r1" in refused(trees.ask("POST", f"{MODEL}/versions/r2/infer", json={"inputs": inputs}), 404)
    refused(trees.ask("GET", f"{MODEL}/versions/r7/ready"), 404)
    refused(trees.ask("GET", "/v2/models/other/ready"), 404)


def one(**changed):
    """A request of one input, which is changed."""
    return json.dumps({"inputs": [{"name": "order", "shape": [1], "datatype": "INT64", "data": [1]} | changed]}).encode()


@pytest.mark.parametrize(
    ("body", "at"),
    [
        (b"{", ""),
        (b"[]", ""),
        (b"{}", "inputs"),
        (b'{"inputs": []}', "inputs"),
        (b'{"inputs": [{"name": "order"}]}', "inputs[0]"),
        (b'{"inputs": [' + b"[" * 5000, ""),
        (one(datatype="hunter2"), "inputs[0].datatype"),
        (one(shape=[]), "inputs[0].shape"),
        (one(shape=[-1]), "inputs[0].shape"),
        (one(shape=[1, 2]), "inputs[0].shape"),
        (one(shape=[10**30]), "inputs[0].data"),
        (one(shape=[2]), "inputs[0].data"),
        (one(data=[[1]]), "inputs[0].data"),
        (one(data=None), "inputs[0].data"),
        (one(data=["hunter2"]), "inputs[0].data[0]"),
        (one(data=[True]), "inputs[0].data[0]"),
        (one(datatype="INT8", data=[128]), "inputs[0].data[0]"),
        (one(datatype="UINT8", data=[-1]), "inputs[0].data[0]"),
        (one(datatype="BYTES", data=[7]), "inputs[0].data[0]"),
        (one(datatype="BOOL", data=[1]), "inputs[0].data[0]"),
        (one(datatype="BYTES", data=["hunter2"]), "rows[0].order"),
        (one(name="ordr"), "rows[0].ordr"),
        (one(name="ids"), ""),
        (one(parameters={"binary_data_size": 8}), "inputs[0].parameters.binary_data_size"),
        (one(parameters={"binary_data_size": "hunter2"}), "inputs[0].parameters.binary_data_size"),
    ],
)
def test_what_is_no_request_is_refused_by_its_place_without_a_value_of_it(trees, body, at):
    said = refused(trees.ask("POST", INFER, content=body))
    assert at in said
    assert "hunter2" not in said
    assert trees.kept("predictions", Prediction) == []


def test_inputs_that_do_not_fit_each_other_are_refused(trees, row):
    inputs = inputs_of([row])
    assert "twice" in refused(trees.ask("POST", INFER, json={"inputs": [*inputs, inputs[0]]}))
    longer = [*inputs[1:], inputs[0] | {"shape": [2], "data": [1, 2]}]
    assert "length" in refused(trees.ask("POST", INFER, json={"inputs": longer}))
    assert "did you mean 'score'?" in refused(trees.ask("POST", INFER, json={"inputs": inputs, "outputs": [{"name": "scor"}]}))
    none = [tensor | {"shape": [0], "data": []} for tensor in inputs]
    refused(trees.ask("POST", INFER, json={"inputs": none}))


@pytest.mark.parametrize(
    ("datatype", "raw"),
    [("INT64", b"1234567"), ("BYTES", b"\x09\x00\x00\x00abc"), ("BYTES", b"\x01\x00"), ("BYTES", b"\x01\x00\x00\x00\xff"), ("BYTES", b"")],
)
def test_bytes_that_do_not_fit_are_refused(trees, datatype, raw):
    head = one(datatype=datatype, data=None, parameters={"binary_data_size": len(raw)})
    headers = BARE | {"Inference-Header-Content-Length": str(len(head))}
    assert "binary_data_size" in refused(trees.ask("POST", INFER, headers=headers, content=head + raw))
    assert "bytes after" in refused(
        trees.ask("POST", INFER, headers=BARE | {"Inference-Header-Content-Length": str(len(one()))}, content=one() + b"x")
    )


@pytest.mark.parametrize("length", ["", "-1", "x", "99999", "9" * 5000])
def test_a_header_that_does_not_fit_the_body_is_refused(trees, length):
    refused(trees.ask("POST", INFER, headers=BARE | {"Inference-Header-Content-Length": length}, content=one()))


def test_what_a_page_of_another_site_may_post_unasked_is_refused(trees, row):
    body = json.dumps({"inputs": inputs_of([row])}).encode()
    assert trees.ask("POST", INFER, headers=BARE, content=body).status_code == 200
    refused(trees.ask("POST", INFER, headers=BARE | {"Origin": "https://example.org"}, content=body), 415)
    refused(trees.ask("POST", INFER, headers=BARE | {"Content-Type": "text/plain"}, content=body), 415)
    refused(trees.ask("POST", INFER, headers=BARE | {"Content-Encoding": "gzip"}, content=body), 415)


@pytest.mark.parametrize(
    ("task", "classes", "fields", "expected"),
    [
        (Binary, ("no", "yes"), ["score"], {"prediction": "BYTES", "score": "FP64", "decision": "BOOL"}),
        (
            Multiclass,
            (1, 2, 3),
            ["p0", "p1", "p2"],
            {"prediction": "INT64", **dict.fromkeys(["p0", "p1", "p2"], "FP64"), "decision": "INT64"},
        ),
        (Regression, (), ["prediction", "low", "high"], dict.fromkeys(["prediction", "low", "high", "decision"], "FP64")),
    ],
)
@pytest.mark.parametrize("as_bytes", [False, True])
def test_what_every_task_answers_has_its_datatypes(task, classes, fields, expected, as_bytes):
    outputs = dict(zip(fields, (0.75, 0.15, 0.1), strict=False))
    prediction, decision = task().answer(outputs, classes, 0.5)
    example = task().answer(dict.fromkeys(fields, 0.0), classes, 0.5)
    release = SimpleNamespace(project="p", id="r1", classes=classes)
    served = SimpleNamespace(release=release, fields=task().fields(classes), example=example)
    datatypes = outputs_of(served)
    assert datatypes == {"id": "BYTES", **expected, "warnings": "BYTES", "release": "BYTES"}
    told = Said("r1", [Answer("a", prediction, outputs, decision, ("x", "y"), "r1")])
    answer = answered(Infer([]), dict.fromkeys(datatypes, as_bytes), told, served)
    length = int(dict(answer.headers).get(b"inference-header-content-length", len(answer.body)))
    found, place = {}, length
    for output in json.loads(answer.body[:length])["outputs"]:
        size = output.get("parameters", {}).get("binary_data_size")
        raw = None if size is None else answer.body[place : place + size]
        place += size or 0
        found[output["name"]] = values_of(Tensor("x", [1], output["datatype"], output.get("data")), raw, at="x")
    values = {"id": "a", "prediction": prediction, **outputs, "decision": decision, "warnings": "x; y", "release": "r1"}
    assert found == {name: [value] for name, value in values.items()}
