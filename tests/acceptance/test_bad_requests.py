"""Requests that cannot be answered: a problem document names the place, never the value, and nothing is kept of them.

`WHAT_MAY_COME` says which tests stand for what bad input; the last test here looks that each is there.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import keepfit

#: Whatever is wrong in these requests carries it, and no answer may show it.
VALUE = "cobalt-lemur-47"
ROW = {"number": 1, "when": "2024-06-03T10:00Z", "amount": 0.5, "shop": "north"}
PREDICT, LABELS = "/v1/predict", "/v1/labels"


#: What may come, and the tests that stand for it.
WHAT_MAY_COME = {
    "invalid JSON": ["a_body_that_is_no_request_is_refused", "a_bad_request_is_answered_with_its_place_and_without_its_value"],
    "wrong content type": ["a_body_that_does_not_say_that_it_is_json_is_refused", "another_content_type_is_415_in_plain_text"],
    "deep nesting": ["a_body_that_is_nested_too_deep_is_refused", "a_body_that_is_no_request_is_refused"],
    "a body of 100 MB": ["a_body_that_is_too_large_is_refused", "a_body_that_is_too_large_is_refused_without_being_held"],
    "a slow client": ["a_slow_client_is_told_that_it_is_too_slow", "a_client_that_does_not_take_its_answers_is_cut_off"],
    "a half-closed connection": ["a_client_that_stops_sending_still_gets_its_answers"],
    "header floods": ["a_flood_of_headers_is_refused"],
    "10,000 connections": ["ten_thousand_clients_are_held_and_answered", "connections_beyond_the_limit_are_refused"],
    "unicode and control characters in ids": ["an_id_is_printable", "an_id_may_be_in_any_script", "half_a_character_is_no_text"],
    "control characters in values": ["a_value_with_odd_characters_is_answered_and_kept_as_it_came"],
    "duplicate keys in an object": ["a_name_that_stands_twice_counts_as_it_stands_last"],
    "numbers as strings": ["a_value_of_the_wrong_type_is_refused_by_name_and_never_repeated"],
    "integers beyond 64 bits": ["a_value_of_the_wrong_type_is_refused_by_name_and_never_repeated", "extreme_numbers_are_answered"],
    "a label for an unknown prediction": ["a_label_of_nobody_s_prediction_waits_and_one_that_contradicts_has_the_last_word"],
    "a label that contradicts an earlier one": [
        "a_label_of_nobody_s_prediction_waits_and_one_that_contradicts_has_the_last_word",
        "a_label_that_is_corrected_and_corrected_back_ends_with_the_last_word",
    ],
    "a clock that jumps back": ["a_clock_that_jumps_back_makes_no_id_twice_and_none_that_sorts_before"],
    "a corrupt bundle": [
        "a_release_that_does_not_hold_takes_no_traffic_and_an_alarm_says_so",
        "an_altered_or_missing_file_of_a_release_is_found",
    ],
    "a bundle from a newer version": ["a_bundle_of_a_newer_version_is_refused_by_its_version"],
    "a key revoked in mid-connection": ["beyond_this_machine_a_key_is_needed_and_a_revoked_one_opens_nothing_on_an_open_connection"],
    "a worker killed while segments are folded": ["a_worker_that_is_killed_while_segments_are_folded_costs_nothing"],
}


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


@pytest.mark.parametrize("size", [6_291_457, 100_000_000])
def test_a_body_that_is_too_large_is_refused(asked, size):
    answer = asked.post(PREDICT, b" " * size)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
@pytest.mark.parametrize("path", [PREDICT, LABELS])
def test_a_body_that_does_not_say_that_it_is_json_is_refused(asked, path, headers):
    answer = asked.client.post(path, content=json.dumps({"rows": [ROW]}), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "KF403")


@pytest.mark.parametrize("inside", ['{"rows": %s}', '{"rows": [{"amount": %s}]}', '{"rows": [], "more": %s}', "%s"])
@pytest.mark.parametrize("depth", [500, 100_000])
def test_a_body_that_is_nested_too_deep_is_refused(asked, inside, depth):
    for body in ("[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth):
        assert asked.post(PREDICT, inside % body).status_code in (400, 422)
    assert asked.client.get("/livez").status_code == 200


def test_a_name_that_stands_twice_counts_as_it_stands_last(asked):
    row = f'{{"amount": -3.0, "shop": "south", {json.dumps(ROW)[1:]}'
    twice = asked.post(PREDICT, f'{{"rows": [{row}]}}')
    assert twice.status_code == 200, twice.text
    (said,), (alone,) = (answer.json()["predictions"] for answer in (twice, asked.post(PREDICT, {"rows": [ROW]})))
    assert said["score"] == alone["score"]


@pytest.mark.parametrize("name", ["ids", "shop"])
def test_half_a_character_is_no_text(asked, name):
    row = json.dumps(ROW | {"shop": "\ud800"} if name == "shop" else ROW)
    ids = '["\\ud800"]' if name == "ids" else '["x"]'
    assert asked.post(PREDICT, f'{{"rows": [{row}], "ids": {ids}}}').status_code in (400, 422)


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


def test_a_value_with_odd_characters_is_answered_and_kept_as_it_came(champion, serve):
    odd = "a\0b\x1b[31m\u202e\ufeff\U0001f40e"
    with serve(champion) as server:
        (said,) = server.post(PREDICT, {"rows": [ROW | {"shop": odd}], "ids": ["né-\u732b"]}).json()["predictions"]
        assert said["warnings"]
        assert odd not in json.dumps(said, ensure_ascii=False)
    kept = keepfit.open(champion).predictions()
    assert kept.select("id", "input.shop").rows() == [("né-\u732b", odd)]


def test_a_label_of_nobody_s_prediction_waits_and_one_that_contradicts_has_the_last_word(champion, serve):
    with serve(champion) as server:

        def label(name, value):
            return server.post(LABELS, {"labels": [{"prediction": name, "value": value}]}).json()

        assert label("to come", True) == label("of nobody", True) == {"accepted": 1}
        server.post(PREDICT, {"rows": [ROW, ROW | {"number": 2}], "ids": ["to come", "there"]})
        assert label("there", True) == label("there", False) == {"accepted": 1}
    kept = keepfit.open(champion).predictions()
    assert dict(kept.select("id", "label").rows()) == {"to come": True, "there": False}


def test_for_everything_that_may_come_there_are_tests():
    written = "\n".join(path.read_text(encoding="utf-8") for path in Path(__file__).parents[1].rglob("test_*.py"))
    there = set(re.findall(r"def test_(\w+)\(", written))
    assert {name for names in WHAT_MAY_COME.values() for name in names} - there == set()
