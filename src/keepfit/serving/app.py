"""The HTTP interface, as a plain ASGI application."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

import msgspec

from keepfit import errors
from keepfit.errors import KeepfitError
from keepfit.instant import parse
from keepfit.label import Label
from keepfit.prediction import Prediction, Via, new_id, subject_token
from keepfit.record import text, to_json
from keepfit.serving.served import Served
from keepfit.stores.segments import SegmentWriter

__all__ = ["App", "PredictBody"]

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

MOST_BYTES = 6_291_456
MOST_ROWS = 10_000


class PredictBody(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /v1/predict`."""

    rows: list[dict[str, Any]]
    ids: list[str] | None = None


class LabelBody(msgspec.Struct, forbid_unknown_fields=True):
    """One label of `POST /v1/labels`: about a prediction by id, or about a row by its key."""

    value: bool | int | float | str | None
    prediction: str | None = None
    key: dict[str, Any] | None = None
    name: str | None = None
    observed_at: str | None = None
    supersedes: str | None = None


class LabelsBody(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /v1/labels`."""

    labels: list[LabelBody]


_PREDICT = msgspec.json.Decoder(PredictBody)
_LABELS = msgspec.json.Decoder(LabelsBody)


@dataclass(frozen=True, slots=True)
class Response:
    """What goes back."""

    status: int
    body: bytes
    kind: bytes = b"application/json"


class _Refused(Exception):
    """A request that is answered with a problem document (RFC 9457)."""

    def __init__(self, status: int, title: str, *, at: str = "", fix: str = "", code: str = "") -> None:
        super().__init__(title)
        self.response = Response(
            status,
            msgspec.json.encode({"type": "about:blank", "title": title, "status": status, "code": code, "at": at, "fix": fix}),
            b"application/problem+json",
        )


class App:
    """Answers for the champion; `served` is exchanged as a whole when another takes the role.

    Parameters
    ----------
    served : the release that answers
    predictions, labels : where answers and labels are kept; None keeps none, and readiness says so
    subjects : the key under which a subject's token is made
    simulated : take the time from the header `Keepfit-Now`, and refuse requests without it
    """

    def __init__(
        self, served: Served, *, predictions: SegmentWriter | None, labels: SegmentWriter | None, subjects: bytes | None, simulated: bool
    ) -> None:
        self.served = served
        self._subjects = subjects
        self._predictions, self._labels, self._simulated = predictions, labels, simulated
        self._via: Via = "replay" if simulated else "online"
        self._routes: dict[tuple[str, str], Callable[[Mapping[bytes, bytes], bytes], Response]] = {
            ("POST", "/v1/predict"): self._predict,
            ("POST", "/v1/labels"): self._label,
            ("GET", "/v1/release"): self._release,
            ("GET", "/livez"): lambda headers, body: Response(200, b'{"status":"alive"}'),
            ("GET", "/readyz"): self._ready,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            body = await _body(receive)
            response = self._answer(scope, body)
        except _Refused as refused:
            response = refused.response
        headers = [(b"content-type", response.kind), (b"content-length", str(len(response.body)).encode())]
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": response.body})

    def close(self) -> None:
        """Seal what is kept."""
        for writer in (self._predictions, self._labels):
            if writer is not None:
                writer.close()

    def _answer(self, scope: Scope, body: bytes) -> Response:
        path = str(scope["path"]).removeprefix(f"/v1/projects/{self.served.release.project}")
        path = path if path.startswith("/v1") or path == scope["path"] else f"/v1{path}"
        route = self._routes.get((scope["method"], path))
        if route is None:
            if any(known == path for _, known in self._routes):
                raise _Refused(405, f"{scope['method']} is not answered here", at=path)
            raise _Refused(404, "there is nothing here", at=path, fix="POST /v1/predict, POST /v1/labels, GET /v1/release")
        try:
            return route(dict(scope["headers"]), body)
        except errors.BadRequest as error:
            raise _refusal(422, error) from None
        except errors.StoreFault as error:
            raise _refusal(503, error) from None
        except msgspec.ValidationError as error:
            raise _Refused(422, _without_values(str(error)), code="KF403", fix="see GET /v1/release for the columns") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise _Refused(400, "the body is not JSON", code="KF403") from None

    def _now(self, headers: Mapping[bytes, bytes]) -> datetime:
        if not self._simulated:
            return datetime.now(UTC)
        try:
            return parse(headers[b"keepfit-now"].decode())
        except (KeyError, ValueError):
            fix = "send Keepfit-Now: 2013-03-01T00:00Z, or start the server without --simulated"
            raise _Refused(400, "this server runs on a simulated clock", at="header Keepfit-Now", fix=fix, code="KF403") from None

    def _predict(self, headers: Mapping[bytes, bytes], body: bytes) -> Response:
        started = time.perf_counter_ns()
        at = self._now(headers)
        request = _PREDICT.decode(body)
        if not 0 < len(request.rows) <= MOST_ROWS:
            raise _Refused(413 if request.rows else 422, f"a request holds 1 to {MOST_ROWS} rows", at="rows", code="KF403")
        ids = request.ids or [new_id() for _ in request.rows]
        if len(ids) != len(request.rows) or len(set(ids)) != len(ids) or not all(0 < len(name) <= 200 for name in ids):
            raise _Refused(422, "ids names every row once, in 1 to 200 characters", at="ids", code="KF403")
        answers, kept = [], []
        for number, (name, row) in enumerate(zip(ids, request.rows, strict=True)):
            try:
                answer, prediction = self._answer_row(name, row, at, started)
            except errors.BadRequest as error:
                raise errors.BadRequest(error.message, at=f"rows[{number}].{error.at}", fix=error.fix) from None
            answers.append(answer)
            kept.append(text(prediction).encode())
        if self._predictions is not None:
            self._predictions.append(kept)
        return Response(200, msgspec.json.encode({"release": self.served.release.id, "predictions": answers}))

    def _answer_row(self, name: str, row: Mapping[str, Any], at: datetime, started: int) -> tuple[dict[str, Any], Prediction]:
        """One row's answer, and what is kept of it."""
        served = self.served
        said = served.answer(row)
        who = said.private.pop(served.subject, None) if served.subject else None
        prediction = Prediction(
            id=name,
            at=at,
            project=served.release.project,
            release=served.release.id,
            role="champion",
            via=self._via,
            time=said.time,
            key=said.key,
            subject=subject_token(self._subjects, str(who)) if self._subjects and who is not None else None,
            inputs=said.inputs,
            outputs=said.outputs,
            decision=said.decision,
            warnings=said.warnings,
            latency_us=(time.perf_counter_ns() - started) // 1000,
            private=said.private,
        )
        answer = {"id": name, "prediction": said.prediction, **said.outputs, "decision": said.decision, "warnings": said.warnings}
        return answer, prediction

    def _label(self, headers: Mapping[bytes, bytes], body: bytes) -> Response:
        now = self._now(headers)
        request = _LABELS.decode(body)
        if self._labels is None:
            raise _Refused(503, "this server keeps no labels", fix="serve a project rather than a folder")
        if not 0 < len(request.labels) <= MOST_ROWS:
            raise _Refused(413 if request.labels else 422, f"a request holds 1 to {MOST_ROWS} labels", at="labels", code="KF403")
        kept = []
        for number, given in enumerate(request.labels):
            try:
                kept.append(text(label_of(self.served, given, by="http", now=now)).encode())
            except errors.BadRequest as error:
                raise errors.BadRequest(error.message, at=f"labels[{number}].{error.at}", fix=error.fix) from None
        self._labels.append(kept)
        return Response(200, msgspec.json.encode({"accepted": len(kept)}))

    def _release(self, headers: Mapping[bytes, bytes], body: bytes) -> Response:
        return Response(200, msgspec.json.encode(to_json(self.served.release)))

    def _ready(self, headers: Mapping[bytes, bytes], body: bytes) -> Response:
        says = {
            "status": "ready",
            "project": self.served.release.project,
            "release": self.served.release.id,
            "log": "segments" if self._predictions is not None else "none",
            "simulated": self._simulated,
        }
        return Response(200, msgspec.json.encode(says))


def label_of(served: Served, given: LabelBody, *, by: str, now: datetime) -> Label:
    """A label from what was sent.

    Raises
    ------
    BadRequest
        It names no prediction and no key, or its value cannot be a value of the target.
    """
    release = served.release
    if (given.prediction is None) == (given.key is None):
        raise errors.BadRequest("a label names a prediction or a key", at="prediction")
    name = given.name or release.target
    if name == release.target and given.value is not None and release.classes and given.value not in _alike(release.classes, given.value):
        raise errors.BadRequest(f"the value is none that '{release.target}' has", at="value")
    key = served.key_of_label(given.key) if given.key is not None else None
    try:
        observed = parse(given.observed_at) if given.observed_at else None
    except ValueError:
        raise errors.BadRequest("observed_at is an instant in ISO 8601 with an offset", at="observed_at") from None
    return Label(given.prediction, key, name, given.value, "system", by, observed, now, given.supersedes)


def _alike(classes: tuple[Any, ...], value: object) -> list[Any]:
    return [one for one in classes if type(one) is type(value)]


def _refusal(status: int, error: KeepfitError) -> _Refused:
    return _Refused(status, error.message, at=error.at if status < 500 else "", fix=error.fix, code=error.code)


def _without_values(message: str) -> str:
    """msgspec names the type and the path, never the value, except of unknown fields, whose name it quotes."""
    return message[:300]


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Refused(400, "the client went away")
        part = message.get("body", b"")
        size += len(part)
        if size > MOST_BYTES:
            raise _Refused(413, f"a body has at most {MOST_BYTES} bytes", fix="send fewer rows at once")
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)
