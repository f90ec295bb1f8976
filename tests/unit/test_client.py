"""The client without a network: what it sends, when it asks again, and which error a refusal becomes."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
import sys
import uuid
from datetime import UTC, datetime
from decimal import Decimal

import httpx
import numpy as np
import polars as pl
import pytest

from keepfit import client as module
from keepfit import errors
from keepfit.client import AsyncClient, Client

SAID = {"id": "a", "prediction": True, "score": 0.7, "decision": True, "warnings": ["shop: a value that was not seen in training"]}
RELEASE = {
    "id": "r1",
    "project": "returns",
    "statement": "",
    "task": "binary",
    "target": "returned",
    "classes": [False, True],
    "threshold": 0.3,
    "columns": [{"name": "price", "kind": "number", "dtype": "float", "nullable": False}],
    "inputs": ["price"],
    "key": [],
    "time": None,
    "made_at": "2024-03-01T00:00:00Z",
    "more": "what a later version says",
}


class Answers:
    """Answers one request after another with what it was given: a response, or an exception."""

    def __init__(self, *given):
        self.given, self.asked = list(given), []

    def __call__(self, request):
        self.asked.append(request)
        one = self.given.pop(0) if len(self.given) > 1 else self.given[0]
        if isinstance(one, Exception):
            raise one
        return one

    @property
    def bodies(self):
        return [json.loads(request.content) for request in self.asked]


def told(*answers):
    return httpx.Response(200, json={"release": "r1", "predictions": list(answers)})


def problem(status, code="", **headers):
    document = {"type": "about:blank", "title": "what is wrong", "status": status, "code": code, "at": "rows[1].x", "fix": "do this"}
    return httpx.Response(status, json=document, headers=headers)


@pytest.fixture
def waited(monkeypatch):
    """The pauses, none of which is really waited for."""
    pauses = []

    async def later(seconds):
        pauses.append(seconds)

    monkeypatch.setattr(module.time, "sleep", pauses.append)
    monkeypatch.setattr(module.asyncio, "sleep", later)
    return pauses


def asking(answers, **options):
    return Client("http://there:1/", transport=httpx.MockTransport(answers), **options)


@pytest.fixture(params=["in turn", "from a coroutine"])
def ask(request):
    """Calls a method of either client: `ask(answers, "predict", rows, key=…)`."""

    def call(answers, method, *arguments, options=None, **named):
        if request.param == "in turn":
            with asking(answers, **(options or {})) as client:
                return getattr(client, method)(*arguments, **named)

        async def run():
            async with AsyncClient("http://there:1", transport=httpx.MockTransport(answers), **(options or {})) as client:
                return await getattr(client, method)(*arguments, **named)

        return asyncio.run(run())

    return call


def test_answers_are_typed_and_name_who_gave_them(ask):
    of_canary = {"id": "b", "prediction": 2.0, "low": 1.0, "high": 3.0, "decision": 2.0, "warnings": [], "release": "r2", "replayed": True}
    answers = Answers(told(SAID, of_canary))
    first, second = ask(answers, "predict", [{"x": 1}, {"x": 2}], ids=["a", "b"], subjects=["anna", None])
    assert (first.id, first.prediction, first.score, first.release, first.replayed) == ("a", True, 0.7, "r1", False)
    assert first.warnings == ("shop: a value that was not seen in training",)
    assert (second.score, second.outputs, second.release, second.replayed) == (None, {"low": 1.0, "high": 3.0}, "r2", True)
    (request,) = answers.asked
    assert (request.method, str(request.url)) == ("POST", "http://there:1/v1/predict")
    assert "authorization" not in request.headers
    assert answers.bodies == [{"rows": [{"x": 1}, {"x": 2}], "ids": ["a", "b"], "subjects": ["anna", None]}]


def test_a_key_and_a_project_are_sent(ask):
    answers = Answers(httpx.Response(200, json=RELEASE))
    served = ask(answers, "release", options={"key": "kf_secret", "project": "two words"})
    assert str(answers.asked[0].url) == "http://there:1/v1/projects/two%20words/release"
    assert answers.asked[0].headers["authorization"] == "Bearer kf_secret"
    assert (served.id, served.classes, served.made_at) == ("r1", (False, True), datetime(2024, 3, 1, tzinfo=UTC))


def test_each_row_gets_an_id_that_the_retry_keeps(ask, waited):
    answers = Answers(httpx.ConnectError("refused"), problem(503, "KF408"), httpx.Response(502), told(SAID, SAID))
    ask(answers, "predict", [{"x": 1}, {"x": 2}])
    first, *rest = answers.bodies
    assert rest == [first] * 3
    assert len(set(first["ids"])) == 2
    for name in first["ids"]:
        made = uuid.UUID(name)
        assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert len(waited) == 3
    assert 0.05 <= waited[0] <= 0.1 <= waited[1] <= 0.2 <= waited[2] <= 0.4


def test_a_server_that_asks_for_a_pause_gets_it_unless_it_is_very_long(ask, waited):
    ask(Answers(problem(429, "KF407", **{"retry-after": "3"}), told(SAID)), "predict", [{}])
    assert waited == [3.0]
    with pytest.raises(errors.TooFast):
        ask(Answers(problem(429, "KF407", **{"retry-after": "3600"})), "predict", [{}])
    assert waited == [3.0]


def test_after_so_many_tries_it_is_said_that_there_is_no_answer(ask, waited):
    answers = Answers(httpx.ReadTimeout("slow"))
    with pytest.raises(errors.NoAnswer, match="no answer in time") as raised:
        ask(answers, "predict", [{}], options={"tries": 4})
    assert (len(answers.asked), len(waited)) == (4, 3)
    assert (raised.value.code, raised.value.at, raised.value.exit_code) == ("KF420", "http://there:1", 4)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (422, "KF403", errors.BadRequest),
        (401, "KF405", errors.NoKey),
        (403, "KF406", errors.NarrowKey),
        (409, "KF409", errors.IdTaken),
        (404, "", errors.RequestRefused),
        (400, "KF499", errors.RequestRefused),
        (301, "", errors.RequestRefused),
    ],
)
def test_a_refusal_is_the_error_that_the_server_met_and_is_not_tried_again(ask, waited, status, code, kind):
    answers = Answers(problem(status, code))
    with pytest.raises(kind) as raised:
        ask(answers, "predict", [{}])
    assert type(raised.value) is kind
    assert raised.value.message.startswith("what is wrong")
    assert (code in ("KF499",)) == ("(KF499)" in raised.value.message)
    assert (raised.value.at, raised.value.fix) == ("rows[1].x", "do this")
    assert (len(answers.asked), waited) == (1, [])


def test_what_cannot_be_served_now_is_said_by_its_own_error_in_the_end(ask, waited):
    with pytest.raises(errors.NoChampion):
        ask(Answers(problem(503, "KF401", **{"retry-after": "1"})), "predict", [{}], options={"tries": 2})
    with pytest.raises(errors.NoAnswer, match="503"):
        ask(Answers(httpx.Response(503, text="<html>a proxy</html>")), "predict", [{}], options={"tries": 2})


@pytest.mark.parametrize("answer", [b"<html>hello</html>", b"[]", b'{"message": "hello"}'])
def test_another_program_s_answer_is_told_from_ours(ask, answer):
    with pytest.raises(errors.RequestRefused, match="no server of keepfit"):
        ask(Answers(httpx.Response(200, content=answer)), "predict", [{}])


def test_a_certificate_that_is_not_trusted_is_not_tried_again(ask, waited):
    error = httpx.ConnectError("certificate verify failed")
    error.__cause__ = ssl.SSLCertVerificationError(1, "self-signed certificate")
    with pytest.raises(errors.NoAnswer, match="not trusted"):
        ask(Answers(error), "release")
    assert waited == []


def test_values_of_other_libraries_are_sent_as_json_has_them(ask):
    moment = datetime(2024, 3, 1, 14, 30, tzinfo=UTC)
    row = {
        "whole": np.int64(3),
        "part": np.float32(0.5),
        "yes": np.bool_(True),
        "missing": float("nan"),
        "at": moment,
        "exact": Decimal("2.5"),
    }
    answers = Answers(told(SAID))
    ask(answers, "predict", [row])
    sent = {"whole": 3, "part": 0.5, "yes": True, "missing": None, "at": "2024-03-01T14:30:00Z", "exact": 2.5}
    assert answers.bodies[0]["rows"] == [sent]
    ask(answers, "predict", pl.DataFrame({"x": [1, None]}))
    assert answers.bodies[1]["rows"] == [{"x": 1}, {"x": None}]


@pytest.mark.parametrize("rows", [{"x": 1}, [{"x": object()}], [{"x": "\ud800"}]])
def test_what_cannot_be_sent_is_said_before_it_is(ask, rows):
    answers = Answers(told(SAID))
    with pytest.raises(errors.BadRequest):
        ask(answers, "predict", rows)
    assert answers.asked == []


def test_labels_are_sent_by_id_or_by_key_and_only_with_what_was_given(ask):
    answers = Answers(httpx.Response(200, json={"accepted": 1}))
    assert ask(answers, "label", True, prediction="a") == 1
    ask(answers, "label", None, key={"order": 3}, name="refund", observed_at=datetime(2024, 3, 1, tzinfo=UTC))
    ask(answers, "labels", [{"prediction": "a", "value": 1}, {"prediction": "b", "value": 2}])
    assert [body["labels"] for body in answers.bodies] == [
        [{"value": True, "prediction": "a"}],
        [{"value": None, "key": {"order": 3}, "name": "refund", "observed_at": "2024-03-01T00:00:00Z"}],
        [{"prediction": "a", "value": 1}, {"prediction": "b", "value": 2}],
    ]


@pytest.mark.parametrize("url", ["there:1", "ftp://there", "http://there:port", ""])
def test_what_is_no_url_is_said(url):
    with pytest.raises(errors.RequestRefused) as raised, Client(url) as client:
        client.release()
    assert "http://127.0.0.1:8080" in raised.value.fix


def test_a_client_is_given_at_least_one_try_and_a_certificate_that_is_there():
    with pytest.raises(errors.BadArgument):
        Client(tries=0)
    with pytest.raises(errors.BadArgument):
        Client(verify="no-such-file.pem")
    assert "kf_secret" not in repr(Client(key="kf_secret"))


def test_an_application_that_asks_imports_no_model_and_no_table():
    script = "import json, sys, keepfit; keepfit.Client; keepfit.AsyncClient; print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    loaded = json.loads(done.stdout)
    assert {name for name in loaded if name.startswith("keepfit")} == {"keepfit", "keepfit.client", "keepfit.errors", "keepfit.tries"}
    assert {"polars", "numpy", "pydantic", "lightgbm", "sklearn", "optuna"} & {name.partition(".")[0] for name in loaded} == set()
