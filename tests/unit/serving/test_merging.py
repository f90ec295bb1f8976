"""Requests that wait in one turn of the loop are answered by one call, each with its own rows and its own faults."""

from __future__ import annotations

import asyncio
import json

import pytest

from keepfit.errors import BadRequest
from keepfit.prediction import Prediction


@pytest.fixture
def merging(trees, monkeypatch):
    """An application whose release had better be asked for many rows at once, and how many rows each call had."""
    served = trees.app.answering.champion
    served.merges = True
    calls = []
    really = served.answers

    def answers(rows):
        calls.append(len(rows))
        if any(row["price"] == 13.0 for row in rows):
            bad = next(number for number, row in enumerate(rows) if row["price"] == 13.0)
            raise BadRequest("the estimator cannot take this row: ValueError", at=f"rows[{bad}].price")
        return really(rows)

    monkeypatch.setattr(served, "answers", answers)
    return trees, calls


def many(client, bodies):
    async def ask():
        return await asyncio.gather(
            *(client.respond("POST", "/v1/predict", body=json.dumps({"rows": rows, "ids": ids}).encode()) for rows, ids in bodies)
        )

    return client.runner.run(ask())


def test_waiting_requests_are_one_call_and_each_gets_its_own_answers(merging, row, make):
    client, calls = merging
    bodies = [([row | {"price": float(n)}, row | {"price": n + 0.5}], [f"{n}a", f"{n}b"]) for n in range(12)]
    answers = many(client, bodies)
    assert calls == [24]
    alone = make()
    for (rows, ids), answer in zip(bodies, answers, strict=True):
        assert answer.json()["predictions"] == alone.predict(*rows, ids=ids).json()["predictions"]
    assert len(client.kept("predictions", Prediction)) == 24


def test_one_request_s_bad_row_spoils_no_other(merging, row):
    client, _ = merging
    bodies = [([row], ["a"]), ([row, row | {"price": 13.0}], ["b", "c"]), ([row], ["d"])]
    first, second, third = many(client, bodies)
    assert (first.status_code, second.status_code, third.status_code) == (200, 422, 200)
    assert second.json()["at"] == "rows[1].price"
    assert [one.id for one in client.kept("predictions", Prediction)] == ["a", "d"]


def test_a_model_that_raises_what_it_may_not_ends_no_other_request(merging, row, monkeypatch):
    client, _ = merging

    def broken(rows):
        raise ZeroDivisionError("4711")

    with monkeypatch.context() as patched:
        patched.setattr(client.app.answering.champion, "answers", broken)
        answers = many(client, [([row], ["a"]), ([row], ["b"])])
    assert [answer.status_code for answer in answers] == [500, 500]
    assert "4711" not in answers[0].text
    assert client.predict(row).status_code == 200


def test_a_large_request_waits_for_no_other(merging, row):
    client, calls = merging
    many(client, [([row] * 600, [f"a{n}" for n in range(600)]), ([row] * 600, [f"b{n}" for n in range(600)]), ([row], ["c"])])
    assert calls == [600, 601]
