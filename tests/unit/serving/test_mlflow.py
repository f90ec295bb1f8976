"""MLflow's scoring protocol, and what SageMaker adds to it."""

from __future__ import annotations

import json
from importlib.metadata import version

import pytest

from keepfit.prediction import Prediction

CSV = {"Content-Type": "text/csv", "Keepfit-Now": "2024-03-01T09:00Z"}
BARE = {"Keepfit-Now": "2024-03-01T09:00Z"}


def forms_of(rows):
    """The rows in each form that JSON may have."""
    names = list(rows[0])
    return {
        "dataframe_split": {"columns": names, "index": list(range(len(rows))), "data": [list(row.values()) for row in rows]},
        "dataframe_records": rows,
        "instances": rows,
        "inputs": {name: [row[name] for row in rows] for name in names},
    }


def csv_of(rows):
    def cell(value):
        return "" if value is None else f'"{value}"' if isinstance(value, str) else str(value)

    return "\n".join([",".join(rows[0]), *(",".join(map(cell, row.values())) for row in rows), ""]).encode()


def scores(answer):
    assert answer.status_code == 200, answer.text
    return [one["score"] for one in answer.json()["predictions"]]


def refused(answer, status=400, code="INVALID_PARAMETER_VALUE"):
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json"), answer.text
    assert set(answer.json()) == {"error_code", "message"}
    assert answer.json()["error_code"] == code
    return answer.json()["message"]


@pytest.mark.parametrize("form", ["dataframe_split", "dataframe_records", "instances", "inputs"])
def test_each_form_is_answered_as_the_native_one_is_and_kept(client, row, form):
    rows = [row, row | {"shop": "never seen", "size": None}]
    answer = client.ask("POST", "/invocations", json={form: forms_of(rows)[form], "params": {"ids": ["a", "b"]}})
    kept = client.kept("predictions", Prediction)
    assert scores(answer) == scores(client.predict(*rows)) == [one.outputs["score"] for one in kept]
    assert [one.id for one in kept] == [one["id"] for one in answer.json()["predictions"]] == ["a", "b"]
    assert answer.json()["predictions"][1]["warnings"]


def test_csv_is_read_by_the_columns_types(client, row):
    rows = [row, row | {"shop": 'a "quoted", name', "size": None, "weekend": True, "stock": 4.0}]
    quoted = csv_of(rows[:1]) + csv_of([rows[1] | {"shop": "X"}]).splitlines()[1].replace(b'"X"', b'"a ""quoted"", name"')
    answer = client.ask("POST", "/invocations", headers=CSV, content=b"\xef\xbb\xbf" + quoted)
    assert scores(answer) == scores(client.predict(*rows))
    assert client.kept("predictions", Prediction)[1].inputs["shop"] == 'a "quoted", name'
    windows = client.ask(
        "POST", "/invocations", headers=CSV | {"Content-Type": "Text/CSV; charset=UTF-8"}, content=csv_of([row]).replace(b"\n", b"\r\n")
    )
    assert scores(windows) == scores(client.predict(row))


def test_nan_and_the_infinities_of_pandas_are_missing(trees, row):
    body = json.dumps({"dataframe_records": [row | {"size": float("nan"), "stock": float("inf")}]}).encode()
    assert b"NaN" in body
    assert scores(trees.ask("POST", "/invocations", content=body)) == scores(trees.predict(row | {"size": None, "stock": None}))
    refused(trees.ask("POST", "/invocations", content=b'{"dataframe_records": [{"order": NaN}]}'))


def test_an_id_that_was_answered_gets_its_answer_again_in_any_protocol(trees, row):
    first = trees.ask("POST", "/invocations", json={"instances": [row], "params": {"ids": ["a"]}}).json()["predictions"][0]
    again = trees.predict(row, ids=["a"]).json()["predictions"][0]
    assert again == first | {"replayed": True}
    message = refused(
        trees.ask("POST", "/invocations", json={"instances": [row | {"price": 9.9}], "params": {"ids": ["a"]}}), 409, "RESOURCE_CONFLICT"
    )
    assert "another row" in message


def test_the_inference_id_of_sagemaker_names_the_rows(trees, row):
    named = BARE | {"X-Amzn-SageMaker-Inference-Id": "order-7"}
    for expected in ({}, {"replayed": True}):
        (one,) = trees.ask("POST", "/invocations", headers=named, json={"instances": [row]}).json()["predictions"]
        assert one.items() >= ({"id": "order-7"} | expected).items()
    several = trees.ask("POST", "/invocations", headers=named, json={"inputs": {name: [value] * 2 for name, value in row.items()}})
    assert [one["id"] for one in several.json()["predictions"]] == ["order-7/0", "order-7/1"]


def test_probes_and_the_version(trees):
    for path in ("/ping", "/health"):
        answer = trees.ask("GET", path, headers={})
        assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, b"\n", "application/json")
    assert trees.ask("GET", "/version", headers={}).text == version("keepfit")
    trees.app.answering = None
    assert trees.ask("GET", "/ping", headers={}).status_code == 404


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "BAD_REQUEST"),
        (b"{", "BAD_REQUEST"),
        (b"[" * 100_000, "BAD_REQUEST"),
        (b"9" * 5000, "BAD_REQUEST"),
        (b'"\xff"', "BAD_REQUEST"),
        (b"[]", "BAD_REQUEST"),
        (b"{}", "BAD_REQUEST"),
        (b'{"instances": [], "inputs": {}}', "BAD_REQUEST"),
        (b'{"instances": [{}], "more": 1}', "BAD_REQUEST"),
        (b'{"messages": []}', "BAD_REQUEST"),
        (b'{"instances": []}', "INVALID_PARAMETER_VALUE"),
        (b'{"instances": {}}', "INVALID_PARAMETER_VALUE"),
        (b'{"instances": [[1, 2]]}', "INVALID_PARAMETER_VALUE"),
        (b'{"instances": [{"order": [1]}]}', "INVALID_PARAMETER_VALUE"),
        (b'{"inputs": [[1, 2]]}', "INVALID_PARAMETER_VALUE"),
        (b'{"inputs": {"order": [1, 2], "at": ["x"]}}', "INVALID_PARAMETER_VALUE"),
        (b'{"dataframe_split": {"columns": ["order"]}}', "INVALID_PARAMETER_VALUE"),
        (b'{"dataframe_split": {"columns": ["order", "order"], "data": [[1, 2]]}}', "INVALID_PARAMETER_VALUE"),
        (b'{"dataframe_split": {"columns": ["order", [1]], "data": [[1, 2]]}}', "INVALID_PARAMETER_VALUE"),
        (b'{"dataframe_split": {"columns": ["order"], "data": [[1, 2]]}}', "INVALID_PARAMETER_VALUE"),
        (b'{"dataframe_split": {"columns": ["order"], "data": {"a": 1}}}', "INVALID_PARAMETER_VALUE"),
        (b'{"dataframe_records": [{}], "params": {"temperature": 1}}', "INVALID_PARAMETER_VALUE"),
        (b'{"dataframe_records": [{}], "params": {"ids": [1]}}', "INVALID_PARAMETER_VALUE"),
        (b'{"dataframe_records": [{}], "params": [1]}', "INVALID_PARAMETER_VALUE"),
    ],
)
def test_a_body_of_another_form_is_refused_in_mlflow_s_own(trees, body, code):
    refused(trees.ask("POST", "/invocations", content=body), code=code)
    assert trees.kept("predictions", Prediction) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("order", "hunter2"),
        ("price", "hunter2"),
        ("weekend", "hunter2"),
        ("at", "hunter2"),
        ("order", "1_000"),
        ("price", "\u0664"),
        ("stock", "1.5"),
    ],
)
def test_a_cell_of_the_wrong_type_is_refused_by_its_place_and_never_repeated(trees, row, name, value):
    message = refused(trees.ask("POST", "/invocations", headers=CSV, content=csv_of([row, row | {name: value}])))
    assert f"rows[1].{name}" in message
    assert value not in message


@pytest.mark.parametrize(
    "body", [b"", b"order", b"order,order\n1,2\n", b"order,at\n1\n", b'order\n"1', b"\xff", b"order\n" + b"x" * 200_000]
)
def test_a_text_that_is_no_csv_is_refused(trees, body):
    answer = trees.ask("POST", "/invocations", headers=CSV, content=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error_code"] in ("BAD_REQUEST", "INVALID_PARAMETER_VALUE")


def test_an_unknown_or_missing_column_is_refused_with_a_near_match(trees, row):
    assert "did you mean 'price'?" in refused(trees.ask("POST", "/invocations", json={"instances": [row | {"pirce": 1}]}))
    without = {name: value for name, value in row.items() if name != "shop"}
    assert "rows[0].shop" in refused(trees.ask("POST", "/invocations", json={"instances": [without]}))


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/vnd.apache.parquet", "application/json; charset=latin-1", "text/csv; header=absent"]
)
def test_another_content_type_is_415_in_plain_text(trees, kind):
    answer = trees.ask("POST", "/invocations", headers=BARE | {"Content-Type": kind}, content=b"{}")
    assert (answer.status_code, answer.headers["content-type"]) == (415, "text/plain; charset=utf-8")
    zipped = trees.ask("POST", "/invocations", headers=BARE | {"Content-Type": "text/csv", "Content-Encoding": "gzip"}, content=b"{}")
    assert zipped.status_code == 415


def test_limits_and_roles_hold_here_too(trees, row):
    most = trees.orders.limits.most_bytes
    assert most == 6_291_456
    refused(trees.ask("POST", "/invocations", content=b" " * (most + 1)), 413, "REQUEST_LIMIT_EXCEEDED")
    padded = json.dumps({"instances": [row]}).encode().ljust(most)
    assert trees.ask("POST", "/invocations", content=padded).status_code == 200
    many = {"inputs": {name: [value] * 10_001 for name, value in row.items()}}
    refused(trees.ask("POST", "/invocations", json=many), 413, "REQUEST_LIMIT_EXCEEDED")
    trees.app.answering = None
    refused(trees.ask("POST", "/invocations", json={"instances": [row]}), 503, "TEMPORARILY_UNAVAILABLE")
