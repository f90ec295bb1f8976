"""A client of the server: predict, bring labels, ask what is served; every request again until it is taken, and counted once.

It rests on nothing of keepfit but its errors, so that an application that asks imports no model and no table.

>>> from keepfit import Client
>>> with Client("http://127.0.0.1:8080") as client:  # doctest: +SKIP
...     client.predict([{"carrier": "UA", "origin": "EWR", "departure": "2013-07-01T17:00Z"}])[0].score
0.3716
"""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self, TypeAlias
from urllib.parse import quote

import httpx
import msgspec

from keepfit import errors
from keepfit.tries import Tries

__all__ = ["Answer", "AsyncClient", "Client", "Served"]

#: What stands for a row: its columns by name. A data frame of Polars or pandas stands for many.
Rows: TypeAlias = "Sequence[Mapping[str, Any]]"

#: Tries of one request, the first one included.
TRIES = 6
#: Seconds before the second try; before each further one twice as many.
PAUSE = 0.1


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server says of one row.

    `outputs` are the task's: the `score` of a binary one, in [0, 1]; `p0`, `p1`, … in the order of the classes; the `prediction` with
    its `low` and `high`. `release` is the one that answered. `replayed`: it is what was answered before under the same id.
    """

    id: str
    prediction: Any
    decision: Any
    outputs: Mapping[str, float]
    warnings: tuple[str, ...]
    release: str
    replayed: bool = False

    @property
    def score(self) -> float | None:
        """The chance of the value to find; None where the task is not binary."""
        return self.outputs.get("score")


@dataclass(frozen=True, slots=True)
class Served:
    """The release that answers. `columns` are those that a row may hold, each with its `name`, `kind`, `dtype` and `nullable`."""

    id: str
    project: str
    statement: str
    task: str
    target: str
    classes: tuple[Any, ...]
    threshold: float
    columns: tuple[Mapping[str, Any], ...]
    inputs: tuple[str, ...]
    key: tuple[str, ...]
    time: str | None
    made_at: datetime


class _Asking:
    """What both clients share: where, with which key, and how requests and answers are written."""

    def __init__(self, url: str, key: str | None, project: str | None, tries: int, pause: float) -> None:
        if tries < 1:
            raise errors.BadArgument("a request has at least one try", at="tries", fix="tries=1 asks once")
        self.url = url.rstrip("/")
        self._below = f"{self.url}/v1/projects/{quote(project, safe='')}" if project else f"{self.url}/v1"
        self._headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {key}"} if key else {})
        self._most, self._pause = tries, pause

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    def _tries(self) -> Tries:
        return Tries(self.url, self._most, self._pause)

    def _request(self, http: Any, method: str, name: str, body: object = None) -> Any:
        content = _encode(body) if body is not None else b""
        try:
            return http.build_request(method, f"{self._below}/{name}", content=content, headers=self._headers)
        except httpx.InvalidURL as error:
            raise errors.RequestRefused(f"this is no URL: {error}", at=self.url, fix="give one as http://127.0.0.1:8080") from None

    def _read(self, content: bytes, kind: Any) -> Any:
        try:
            return msgspec.json.decode(content, type=kind)
        except msgspec.DecodeError:
            fix = "see which program listens there; keepfit serve --port takes another port"
            raise errors.RequestRefused("what answers is no server of keepfit", at=self.url, fix=fix) from None


class Client(_Asking):
    """Asks a server.

    Parameters
    ----------
    url : where it is, as `keepfit serve` says it
    key : an API key, where the server needs one
    project : the project that is asked for by name; by default whatever is served
    timeout : seconds that one try may take
    tries : how often a request is sent before it is given up; what is counted is counted once
    pause : seconds before the second try; each further pause is twice as long, and longer where the server says so
    verify : False trusts any certificate; a path or an `ssl.SSLContext` names the authorities that are trusted

    Raises
    ------
    NoAnswer
        No server answers, in as many tries.
    BadRequest, NoKey, NarrowKey, TooFast, IdTaken, NoChampion, Overloaded, CannotWrite, RequestRefused
        It refuses; the same error, with place and remedy, as in its own process.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8080",
        *,
        key: str | None = None,
        project: str | None = None,
        timeout: float = 10.0,
        tries: int = TRIES,
        pause: float = PAUSE,
        verify: bool | str | ssl.SSLContext = True,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        super().__init__(url, key, project, tries, pause)
        self._http = httpx.Client(timeout=timeout, verify=_trusted(verify), transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connections."""
        self._http.close()

    def predict(self, rows: Rows, *, ids: Sequence[str] | None = None, subjects: Sequence[str | None] | None = None) -> list[Answer]:
        """Answer rows, in their order.

        Parameters
        ----------
        rows : each a mapping of columns to values, or a data frame; NaN is sent as missing, an aware `datetime` as an instant
        ids : one for each row, by which labels and retries name it; made here where absent, so that a retry is never counted twice
        subjects : whose each row is, where the rows do not say it
        """
        body = _predict_body(rows, ids, subjects)
        return _answers(self._read(self._send("POST", "predict", body), _Predictions))

    def label(
        self,
        value: Any,
        *,
        prediction: str | None = None,
        key: Mapping[str, Any] | None = None,
        name: str | None = None,
        observed_at: datetime | None = None,
        supersedes: str | None = None,
    ) -> int:
        """Tell the truth about one prediction, by its id or by its row's key; how many labels were taken: 1.

        `name` is what the value is of; by default the target.
        """
        return self.labels([_label_body(value, prediction, key, name, observed_at, supersedes)])

    def labels(self, many: Sequence[Mapping[str, Any]]) -> int:
        """Tell many truths, each a mapping with `value` and `prediction` or `key`; how many were taken: all or, with an error, none."""
        return int(self._read(self._send("POST", "labels", {"labels": list(many)}), _Accepted).accepted)

    def release(self) -> Served:
        """The release that answers."""
        served: Served = self._read(self._send("GET", "release"), Served)
        return served

    def _send(self, method: str, name: str, body: object = None) -> bytes:
        tries, request = self._tries(), self._request(self._http, method, name, body)
        while True:
            try:
                answer = self._http.send(request)
            except httpx.HTTPError as error:
                pause = tries.cut_off(error)
            else:
                if answer.status_code == 200:
                    return answer.content
                pause = tries.refused(answer)
            time.sleep(pause)


class AsyncClient(_Asking):
    """Asks a server from a coroutine; parameters, methods and errors are those of `Client`."""

    def __init__(
        self,
        url: str = "http://127.0.0.1:8080",
        *,
        key: str | None = None,
        project: str | None = None,
        timeout: float = 10.0,
        tries: int = TRIES,
        pause: float = PAUSE,
        verify: bool | str | ssl.SSLContext = True,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        super().__init__(url, key, project, tries, pause)
        self._http = httpx.AsyncClient(timeout=timeout, verify=_trusted(verify), transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End the connections."""
        await self._http.aclose()

    async def predict(self, rows: Rows, *, ids: Sequence[str] | None = None, subjects: Sequence[str | None] | None = None) -> list[Answer]:
        """As `Client.predict`."""
        body = _predict_body(rows, ids, subjects)
        return _answers(self._read(await self._send("POST", "predict", body), _Predictions))

    async def label(
        self,
        value: Any,
        *,
        prediction: str | None = None,
        key: Mapping[str, Any] | None = None,
        name: str | None = None,
        observed_at: datetime | None = None,
        supersedes: str | None = None,
    ) -> int:
        """As `Client.label`."""
        return await self.labels([_label_body(value, prediction, key, name, observed_at, supersedes)])

    async def labels(self, many: Sequence[Mapping[str, Any]]) -> int:
        """As `Client.labels`."""
        return int(self._read(await self._send("POST", "labels", {"labels": list(many)}), _Accepted).accepted)

    async def release(self) -> Served:
        """As `Client.release`."""
        served: Served = self._read(await self._send("GET", "release"), Served)
        return served

    async def _send(self, method: str, name: str, body: object = None) -> bytes:
        tries, request = self._tries(), self._request(self._http, method, name, body)
        while True:
            try:
                answer = await self._http.send(request)
            except httpx.HTTPError as error:
                pause = tries.cut_off(error)
            else:
                if answer.status_code == 200:
                    return answer.content
                pause = tries.refused(answer)
            await asyncio.sleep(pause)


# -- what is sent and what comes back ----------------------------------------------------------------


class _Predictions(msgspec.Struct):
    release: str
    predictions: list[dict[str, Any]]


class _Accepted(msgspec.Struct):
    accepted: int


def _plain(value: Any) -> Any:
    """A number of NumPy's as one of Python's."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"a value of type {type(value).__name__} cannot be sent")


_write = msgspec.json.Encoder(enc_hook=_plain, decimal_format="number").encode


def _encode(body: object) -> bytes:
    try:
        return _write(body)
    except (TypeError, ValueError, UnicodeError) as error:
        raise errors.BadRequest(str(error), at="rows", fix="send text, numbers, true, false, null and aware datetimes") from None


def _predict_body(rows: Any, ids: Sequence[str] | None, subjects: Sequence[str | None] | None) -> dict[str, Any]:
    if hasattr(rows, "to_dicts"):
        rows = rows.to_dicts()
    elif hasattr(rows, "to_dict"):
        rows = rows.to_dict(orient="records")
    if isinstance(rows, Mapping):
        raise errors.BadRequest("rows is one row, not a list of them", at="rows", fix="predict([row])")
    rows = list(rows)
    body: dict[str, Any] = {"rows": rows, "ids": list(ids) if ids is not None else [_new_id() for _ in rows]}
    return body if subjects is None else body | {"subjects": list(subjects)}


def _label_body(
    value: Any,
    prediction: str | None,
    key: Mapping[str, Any] | None,
    name: str | None,
    observed_at: datetime | None,
    supersedes: str | None,
) -> dict[str, Any]:
    said = {"prediction": prediction, "key": key, "name": name, "observed_at": observed_at, "supersedes": supersedes}
    return {"value": value} | {part: given for part, given in said.items() if given is not None}


_OWN = frozenset({"id", "prediction", "decision", "warnings", "release", "replayed"})


def _answers(told: _Predictions) -> list[Answer]:
    return [
        Answer(
            id=one["id"],
            prediction=one["prediction"],
            decision=one["decision"],
            outputs={name: value for name, value in one.items() if name not in _OWN},
            warnings=tuple(one["warnings"]),
            release=one.get("release", told.release),
            replayed=one.get("replayed", False),
        )
        for one in told.predictions
    ]


def _new_id() -> str:
    """A UUID of version 7 (RFC 9562, section 5.7)."""
    number = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10))
    number = number & ~(0xF << 76) | 7 << 76
    text = f"{number & ~(3 << 62) | 2 << 62:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _trusted(verify: bool | str | ssl.SSLContext) -> bool | ssl.SSLContext:
    if not isinstance(verify, str):
        return verify
    try:
        return ssl.create_default_context(cafile=verify)
    except (OSError, ssl.SSLError) as error:
        raise errors.BadArgument(f"the certificate cannot be read: {error}", at=verify, fix="give a file in PEM") from None
