"""Requests that cannot be answered: a problem document names the place, never the value, and nothing is kept of them."""

from __future__ import annotations

import pytest

import keepfit

#: Whatever is wrong in these requests carries it, and no answer may show it.
VALUE = "cobalt-lemur-47"
ROW = {"number": 1, "when": "2024-06-03T10:00Z", "amount": 0.5, "shop": "north"}
PREDICT, LABELS = "/v1/predict", "/v1/labels"


def without(*names):
    return {name: value for name, value in ROW.items() if name not in names}


BAD = {
    "a body that is no JSON": (PREDICT, f'{{"rows": [{VALUE}', 400, ""),
    "a body that is no object": (PREDICT, f'["{VALUE}"]', 422, ""),
    "a member that is not known": (PREDICT, {"rows": [ROW], "colour": VALUE}, 422, ""),
    "no rows": (PREDICT, {"rows": []}, 422, "rows"),
    "a row that is no object": (PREDICT, {"rows": [ROW, VALUE]}, 422, "rows[1]"),
    "too many rows": (PREDICT, {"rows": [ROW] * 10_001}, 413, "rows"),
    "an unknown column": (PREDICT, {"rows": [ROW, {**ROW, "amuont": VALUE}]}, 422, "rows[1].amuont"),
    "a number that is text": (PREDICT, {"rows": [{**ROW, "amount": VALUE}]}, 422, "rows[0].amount"),
    "text that is a number": (PREDICT, {"rows": [{**ROW, "shop": 4711}]}, 422, "rows[0].shop"),
    "a whole number that is not whole": (PREDICT, {"rows": [{**ROW, "number": 1.5}]}, 422, "rows[0].number"),
    "a time that is no instant": (PREDICT, {"rows": [{**ROW, "when": VALUE}]}, 422, "rows[0].when"),
    "a time without an offset": (PREDICT, {"rows": [{**ROW, "when": "2024-06-03T10:00"}]}, 422, "rows[0].when"),
    "a row without its key": (PREDICT, {"rows": [without("number")]}, 422, "rows[0].number"),
    "a key that is null": (PREDICT, {"rows": [{**ROW, "number": None}]}, 422, "rows[0].number"),
    "a row without its time": (PREDICT, {"rows": [without("when")]}, 422, "rows[0].when"),
    "a row without a column that was never empty": (PREDICT, {"rows": [without("amount")]}, 422, "rows[0].amount"),
    "the target among the columns": (PREDICT, {"rows": [{**ROW, "bad": True}]}, 422, "rows[0].bad"),
    "an id for two rows": (PREDICT, {"rows": [ROW, ROW], "ids": [VALUE, VALUE]}, 422, "ids"),
    "a label with a value that the target has not": (LABELS, {"labels": [{"prediction": "x", "value": VALUE}]}, 422, "labels[0].value"),
    "a label of another type": (LABELS, {"labels": [{"prediction": "x", "value": 1}]}, 422, "labels[0].value"),
    "a label of nothing": (LABELS, {"labels": [{"value": True}]}, 422, "labels[0].prediction"),
    "a label with another key": (LABELS, {"labels": [{"key": {"shop": VALUE}, "value": True}]}, 422, "labels[0].key"),
    "a label with a key of text": (LABELS, {"labels": [{"key": {"number": VALUE}, "value": True}]}, 422, "labels[0].key.number"),
    "a label observed at no time": (
        LABELS,
        {"labels": [{"prediction": "x", "value": True, "observed_at": VALUE}]},
        422,
        "labels[0].observed_at",
    ),
    "no labels": (LABELS, {"labels": []}, 422, "labels"),
    "no such path": ("/v1/nothing", {}, 404, "/v1/nothing"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_request_is_answered_with_its_place_and_without_its_value(asked, what):
    path, body, status, at = BAD[what]
    answer = asked.post(path, body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["title"]
    assert problem["at"] == at
    assert VALUE not in answer.text
    assert "4711" not in answer.text


def test_a_body_that_is_too_large_is_refused(asked):
    answer = asked.post(PREDICT, b" " * 6_291_457)
    assert answer.status_code == 413


def test_a_method_that_is_not_answered_is_405(asked):
    assert asked.client.get(PREDICT).status_code == 405


def test_a_simulated_server_refuses_requests_without_its_clock(champion, serve):
    with serve(champion, "--simulated") as server:
        assert server.client.get("/readyz").json()["simulated"] is True
        for at in (None, VALUE):
            answer = server.post(PREDICT, {"rows": [ROW]}, at=at)
            assert answer.status_code == 400
            assert answer.json()["at"] == "header Keepfit-Now"
            assert VALUE not in answer.text
        assert server.post(PREDICT, {"rows": [ROW]}, at="2024-06-03T07:00Z").status_code == 200


def test_nothing_is_kept_of_a_request_with_one_bad_row(champion, serve):
    with serve(champion) as server:
        assert server.post(PREDICT, {"rows": [ROW, without("number")]}).status_code == 422
        assert server.post(PREDICT, {"rows": [ROW], "ids": ["the-only-one"]}).status_code == 200
    assert keepfit.open(champion).predictions()["id"].to_list() == ["the-only-one"]
