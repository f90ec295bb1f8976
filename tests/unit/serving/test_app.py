"""The HTTP interface, asked without a socket, before golden releases."""

from __future__ import annotations

import errno
import json
import os
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest

from keepfit.label import Label
from keepfit.prediction import Prediction, subject_token
from keepfit.serving.duty import Limits
from keepfit.serving.served import Served
from keepfit.stores.segments import waiting
from keepfit.workspace import column_kinds

RELEASES = Path(__file__).parents[2] / "golden" / "releases"
ROW = {
    "order": 1001,
    "at": "2024-03-01T14:30:00+02:00",
    "shop": "Köln",
    "product": 1,
    "price": 10.1,
    "size": 1.5,
    "weekend": False,
    "gift": True,
    "stock": 3,
}
JSON = {"Content-Type": "application/json"}
NOW = {"Keepfit-Now": "2024-03-01T09:00Z", **JSON}


def refused(answer, status, *, at=None):
    """A problem document, which it returns."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["title"]
    if at is not None:
        assert problem["at"] == at
    return problem


def test_an_answer_is_kept_before_it_leaves_and_says_the_same(client):
    answer = client.predict(ROW, ROW | {"shop": "never seen"}, ids=["a", "b"])
    assert answer.status_code == 200
    assert answer.json()["release"] == "r1"
    first, second = answer.json()["predictions"]
    kept = client.kept("predictions", Prediction)
    assert [one.id for one in kept] == ["a", "b"] == [first["id"], second["id"]]
    for said, one in zip((first, second), kept, strict=True):
        assert one.outputs == {"score": said["score"]}
        assert one.decision == said["decision"] == (said["score"] >= client.release.threshold)
        assert said["prediction"] is said["decision"]
        assert list(one.warnings) == said["warnings"]
        assert one.at == datetime(2024, 3, 1, 9, tzinfo=UTC)
        assert one.time == datetime(2024, 3, 1, 12, 30, tzinfo=UTC)
        assert one.key == '[1001,"2024-03-01T12:30:00Z"]'
        assert (one.project, one.release, one.role, one.via) == ("returns", "r1", "champion", "replay")
    assert kept[0].inputs == ROW
    assert second["warnings"] == ["'shop' is a category that training did not see, or rarely"]


def test_ids_are_made_where_none_are_given(client):
    said = client.predict(ROW, ROW).json()["predictions"]
    assert len({uuid.UUID(one["id"]) for one in said}) == 2
    assert all(uuid.UUID(one["id"]).version == 7 for one in said)


def test_private_columns_are_never_inputs_and_the_subject_is_a_token(client):
    secretive = ROW | {"member": "anna@example.org", "gender": "f"}
    answer = client.predict(secretive)
    assert answer.status_code == 200
    (kept,) = client.kept("predictions", Prediction)
    assert kept.inputs == ROW
    assert kept.private == {"gender": "f"}
    assert kept.subject == subject_token(b"secret", "anna@example.org")
    assert "anna" not in "".join(path.read_bytes().decode("latin-1") for path in waiting(client.folder, "predictions"))
    assert client.predict(ROW).json()["predictions"][0]["score"] == answer.json()["predictions"][0]["score"]


def test_columns_that_may_be_missing_are_and_others_must_be_there(client):
    least = {name: value for name, value in ROW.items() if name not in {"size", "stock"}}
    assert client.predict(least).status_code == 200
    assert client.predict(dict.fromkeys(ROW) | {name: ROW[name] for name in ("order", "at")}).status_code == 200
    for name in ("order", "at", "shop", "price"):
        refused(client.predict({key: value for key, value in ROW.items() if key != name}), 422, at=f"rows[0].{name}")
    for name in ("order", "at"):
        refused(client.predict(ROW, ROW | {name: None}), 422, at=f"rows[1].{name}")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("order", "1001"),
        ("order", 1.5),
        ("order", 2**63),
        ("order", True),
        ("at", "2024-03-01T12:30:00"),
        ("at", 1709296200000000),
        ("at", "0001-01-01T00:00:00+01:00"),
        ("shop", 7),
        ("shop", ["Köln"]),
        ("product", "777"),
        ("price", "10.1"),
        ("price", True),
        ("weekend", 0),
        ("weekend", "falsch"),
        ("gift", "hunter2"),
        ("member", 7),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_by_name_and_never_repeated(trees, name, value):
    problem = refused(trees.predict(ROW, ROW | {name: value}), 422, at=f"rows[1].{name}")
    assert name in problem["title"]
    assert problem["code"] == "KF403"
    assert not isinstance(value, str) or value not in json.dumps(problem)
    assert trees.kept("predictions", Prediction) == []  # all rows or none


@pytest.mark.parametrize(
    "row", [{"price": 1.7e308}, {"price": -1.7e308}, {"price": 5e-324}, {"size": 1e300}, {"stock": 2**62}, {"order": -(2**63)}]
)
def test_extreme_numbers_are_answered(client, row):
    answer = client.predict(ROW | row, ROW | {"price": 1.7e308, "size": -1e300})
    assert answer.status_code == 200, answer.text
    assert all(0 <= one["score"] <= 1 for one in answer.json()["predictions"])


def test_an_unknown_column_is_refused_with_a_near_match(trees):
    problem = refused(trees.predict(ROW | {"pirce": 1}), 422, at="rows[0].pirce")
    assert problem["fix"] == "did you mean 'price'?"


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff", 400),
        (b'{"rows": [{"order": NaN}]}', 400),
        (b'{"rows": [{"order": ' + b"[" * 2000, 422),
        (b'{"rows": [], "ids": ' + b"[" * 2000, 422),
        (b"[]", 422),
        (b'{"rows": 1}', 422),
        (b'{"rows": [1]}', 422),
        (b'{"rows": [], "ids": []}', 422),
        (b'{"rows": [{}]}', 422),
        (b'{"rows": [{}], "more": 1}', 422),
        (b'{"rows": [{"order": 1e400}]}', 422),
    ],
)
def test_a_body_that_is_no_request_is_refused(trees, content, status):
    refused(trees.ask("POST", "/v1/predict", content=content), status)


@pytest.mark.parametrize("ids", [["a"], ["a", "a"], ["a", ""], ["a", "b" * 201]])
def test_ids_name_every_row_once(trees, ids):
    refused(trees.predict(ROW, ROW, ids=ids), 422, at="ids")


def test_too_much_at_once_is_refused(trees):
    refused(trees.ask("POST", "/v1/predict", json={"rows": [ROW] * (Limits().most_rows + 1)}), 413)
    refused(trees.ask("POST", "/v1/predict", content=b" " * (Limits().most_bytes + 1)), 413)


def test_a_label_by_key_or_by_prediction_is_kept(trees):
    by_key = {"key": {"order": 1001.0, "at": "2024-03-01T12:30Z"}, "value": True, "observed_at": "2024-03-02T00:00Z"}
    assert trees.label(by_key, {"prediction": "a", "value": False}, {"prediction": "a", "value": None}).json() == {"accepted": 3}
    first, second, third = trees.kept("labels", Label)
    assert (first.key, first.prediction, first.value, first.name) == ('[1001,"2024-03-01T12:30:00Z"]', None, True, "returned")
    assert (first.source, first.by) == ("system", "http")
    assert (first.observed_at, first.received_at) == (datetime(2024, 3, 2, tzinfo=UTC), datetime(2024, 3, 1, 9, tzinfo=UTC))
    assert (second.prediction, second.key, second.value) == ("a", None, False)
    assert third.value is None


def test_the_key_of_a_label_is_that_of_the_prediction_however_it_is_written(trees):
    for order, at in ((1001, "2024-03-01T12:30:00.000000Z"), (1001.0, "2024-03-01T07:30-05:00")):
        trees.predict(ROW | {"order": order, "at": at})
        trees.label({"key": {"order": order, "at": at}, "value": True})
    assert {one.key for one in trees.kept("predictions", Prediction)} == {one.key for one in trees.kept("labels", Label)}
    assert len({one.key for one in trees.kept("labels", Label)}) == 1


@pytest.mark.parametrize(
    ("label", "at"),
    [
        ({"value": True}, "prediction"),
        ({"value": True, "prediction": "a", "key": {"order": 1, "at": "2024-03-01T00:00Z"}}, "prediction"),
        ({"value": True, "key": {"order": 1}}, "key"),
        ({"value": True, "key": {"order": 1, "at": "2024-03-01T00:00Z", "shop": "x"}}, "key"),
        ({"value": True, "key": {"order": "1", "at": "2024-03-01T00:00Z"}}, "key.order"),
        ({"value": True, "key": {"order": None, "at": "2024-03-01T00:00Z"}}, "key.order"),
        ({"value": 1, "prediction": "a"}, "value"),
        ({"value": "true", "prediction": "a"}, "value"),
        ({"value": True, "prediction": "a", "observed_at": "yesterday"}, "observed_at"),
        ({"value": True, "prediction": "a", "observed_at": "9999-12-31T23:59:59-01:00"}, "observed_at"),
    ],
)
def test_a_label_that_does_not_hold_is_refused_and_none_is_kept(trees, label, at):
    refused(trees.label({"prediction": "b", "value": True}, label), 422, at=f"labels[1].{at}")
    assert trees.kept("labels", Label) == []


def test_another_name_than_the_target_s_may_have_any_value(trees):
    assert trees.label({"prediction": "a", "name": "reason", "value": "too small"}).status_code == 200


def test_a_simulated_clock_needs_its_header(trees):
    for headers in ({}, {"Keepfit-Now": "now"}, {"Keepfit-Now": "2024-03-01T09:00"}, {"Keepfit-Now": "0001-01-01T00:00+01:00"}):
        refused(trees.ask("POST", "/v1/predict", headers=headers, json={"rows": [ROW]}), 400, at="header Keepfit-Now")
    assert trees.ask("GET", "/readyz").json()["simulated"] is True


def test_on_the_wall_clock_the_header_means_nothing(make):
    client = make(simulated=False)
    before = datetime.now(UTC)
    assert client.predict(ROW).status_code == 200
    (kept,) = client.kept("predictions", Prediction)
    assert before <= kept.at <= datetime.now(UTC)
    assert kept.via == "online"


def test_a_folder_alone_is_served_without_a_log(make):
    client = make(kept=False)
    assert client.predict(ROW).status_code == 200
    refused(client.label({"prediction": "a", "value": True}), 503)
    assert client.ask("GET", "/readyz").json()["log"] == "none"
    assert not client.folder.exists()


def test_what_cannot_be_kept_is_not_answered(trees, monkeypatch):
    def full(descriptor, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        answer = trees.predict(ROW)
    problem = refused(answer, 503)
    assert str(trees.folder) not in json.dumps(problem)
    assert trees.predict(ROW).status_code == 200


def test_paths_and_methods(trees):
    assert trees.ask("GET", "/livez").json() == {"status": "alive"}
    assert trees.ask("GET", "/readyz").json()["release"] == "r1"
    shown = trees.ask("GET", "/v1/release").json()
    assert (shown["record"], shown["inputs"][0]) == ("release", "order")
    assert trees.ask("POST", "/v1/projects/returns/predict", json={"rows": [ROW]}).status_code == 200
    refused(trees.ask("GET", "/v1/predict"), 405)
    refused(trees.ask("POST", "/v1/projects/other/predict", json={"rows": [ROW]}), 404)
    refused(trees.ask("GET", "/v1"), 404)


def test_another_release_takes_over_between_two_requests(trees):
    before = trees.predict(ROW).json()["predictions"][0]["score"]
    trees.take(Served(RELEASES / "v1-linear", column_kinds()))
    after = trees.predict(ROW).json()["predictions"][0]["score"]
    assert before != after
