"""KServe's first protocol."""

from __future__ import annotations

import pytest

from keepfit.prediction import Prediction

PREDICT = "/v1/models/returns:predict"


def test_the_model_is_the_project_and_says_whether_it_is_ready(trees):
    assert trees.ask("GET", "/v1/models").json() == {"models": ["returns"]}
    assert trees.ask("GET", "/v1/models/returns").json() == {"name": "returns", "ready": True}
    trees.app.answering = None
    answer = trees.ask("GET", "/v1/models/returns")
    assert (answer.status_code, answer.json()) == (503, {"name": "returns", "ready": False})


def test_instances_are_answered_as_rows_are_and_kept(client, row):
    rows = [row, row | {"size": None}]
    answer = client.ask("POST", PREDICT, json={"instances": rows, "parameters": {"ids": ["a", "b"], "subjects": ["anna", None]}})
    assert answer.status_code == 200, answer.text
    kept = client.kept("predictions", Prediction)
    assert [one["score"] for one in answer.json()["predictions"]] == [one.outputs["score"] for one in kept]
    assert [one.id for one in kept] == ["a", "b"]
    assert [one.subject is None for one in kept] == [False, True]
    again = client.predict(rows[0], ids=["a"]).json()["predictions"]
    assert again == [answer.json()["predictions"][0] | {"replayed": True}]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (PREDICT, b"{", 400),
        (PREDICT, b"[]", 400),
        (PREDICT, b"{}", 400),
        (PREDICT, b'{"instances": [], "more": 1}', 400),
        (PREDICT, b'{"instances": []}', 400),
        (PREDICT, b'{"instances": [1]}', 400),
        (PREDICT, b'{"instances": [{"order": "hunter2"}]}', 400),
        (PREDICT, b'{"instances": [{}], "parameters": {"ids": "hunter2"}}', 400),
        ("/v1/models/hunter2:predict", b'{"instances": []}', 404),
        ("/v1/models/returns:explain", b'{"instances": []}', 404),
    ],
)
def test_what_is_no_request_is_refused_without_a_value_of_it(trees, path, body, status):
    answer = trees.ask("POST", path, content=body)
    assert answer.status_code == status, answer.text
    if path.endswith("predict"):
        assert set(answer.json()) == {"error"}
        assert "hunter2" not in answer.text


def test_a_body_that_does_not_say_it_is_json_is_refused(trees, row):
    answer = trees.ask("POST", PREDICT, headers={"Content-Type": "text/plain"}, content=b'{"instances": []}')
    assert (answer.status_code, set(answer.json())) == (415, {"error"})
