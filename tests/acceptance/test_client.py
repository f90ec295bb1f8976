"""`keepfit.Client` and a real server: what it is told, and by which errors."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

import keepfit as library
from keepfit import errors

ROW = {"number": 1, "when": datetime(2024, 6, 3, 10, tzinfo=UTC), "amount": 0.5, "shop": "north"}


def test_a_client_is_answered_and_told_what_is_wrong_by_the_errors_of_the_library(asked):
    with library.Client(asked.url) as client:
        served = client.release()
        (answer,) = client.predict([ROW], ids=["of the client"])
        assert (served.id, served.project, served.target, served.key) == ("r1", "small", "bad", ("number",))
        assert (answer.id, answer.release, answer.warnings) == ("of the client", "r1", ())
        assert 0 < answer.score < 1
        assert client.predict([ROW], ids=["of the client"])[0].replayed
        assert client.label(True, prediction=answer.id) == client.label(False, key={"number": 1}) == 1
        with pytest.raises(errors.BadRequest) as raised:
            client.predict([ROW, ROW | {"amuont": 1}])
        assert (raised.value.at, raised.value.fix) == ("rows[1].amuont", "did you mean 'amount'?")
        with pytest.raises(errors.IdTaken):
            client.predict([ROW | {"amount": 0.7}], ids=["of the client"])
    with library.Client(asked.url, project="another") as client, pytest.raises(errors.RequestRefused):
        client.release()


def test_coroutines_ask_side_by_side(asked):
    async def ask():
        async with library.AsyncClient(asked.url, project="small") as client:
            many = await asyncio.gather(*(client.predict([ROW | {"number": number}]) for number in range(20)))
            assert await client.label(True, prediction=many[0][0].id) == 1
            return [answer.id for (answer,) in many], (await client.release()).id

    ids, release = asyncio.run(ask())
    assert (len(set(ids)), release) == (20, "r1")


def test_where_no_server_is_it_is_said():
    with library.Client("http://127.0.0.1:1", tries=2, pause=0.01) as client, pytest.raises(errors.NoAnswer) as raised:
        client.predict([ROW])
    assert raised.value.fix == "start one: keepfit serve"
