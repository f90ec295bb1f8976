"""keepfit's own routes: predict, labels, the release."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from keepfit import errors
from keepfit.instant import parse
from keepfit.label import Label
from keepfit.record import text, to_json
from keepfit.release import Release
from keepfit.serving.exchange import Refused, Request, Response, Route, json_body
from keepfit.serving.served import Served

if TYPE_CHECKING:
    from keepfit.serving.app import App
    from keepfit.serving.predicting import Answer, Said

__all__ = ["LabelBody", "label_of", "routes", "shown"]

#: Labels that one request may hold.
MOST_LABELS = 10_000


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


_decode_labels = msgspec.json.Decoder(LabelsBody).decode
_encode = msgspec.json.Encoder().encode


def routes(app: App) -> list[Route]:
    """The routes of `/v1`; each also stands under `/v1/projects/<name>`."""

    async def predict(request: Request) -> Response:
        answering = app.who_answers()
        return Response(200, said(await app.answer(answering, answering.rows.decode(json_body(request)), request)))

    async def label(request: Request) -> Response:
        accepted = _label(app, request)
        if app.log.waits:
            await app.log.lasting()
        return Response(200, _encode({"accepted": accepted}))

    async def release(request: Request) -> Response:
        return Response(200, _encode(to_json(app.who_answers().champion.release)))

    return [
        Route("POST", "/v1/predict", predict),
        Route("POST", "/v1/labels", label, opens="label"),
        Route("GET", "/v1/release", release),
    ]


def said(told: Said) -> bytes:
    """The answer to `POST /v1/predict`."""
    return _encode({"release": told.release, "predictions": shown(told)})


def shown(told: Said) -> list[dict[str, Any]]:
    """The answers as a client sees them, one for each row."""
    return [_one(told, one) for one in told.answers]


def _one(told: Said, one: Answer) -> dict[str, Any]:
    answer = {"id": one.id, "prediction": one.prediction, **one.outputs, "decision": one.decision, "warnings": one.warnings}
    if one.release != told.release:
        answer["release"] = one.release
    if one.replayed:
        answer["replayed"] = True
    return answer


def _label(app: App, request: Request) -> int:
    """Keep the labels of a request, all or none; how many."""
    now = app.now(request)
    try:
        given = _decode_labels(json_body(request)).labels
    except msgspec.ValidationError as error:
        raise Refused(422, str(error)[:300], code="KF403", fix='{"labels": [{"prediction": id, "value": …}, …]}') from None
    if app.log.name == "none":
        raise Refused(503, "this server keeps no labels", fix="serve a project rather than a folder, with its log")
    served = app.who_answers().champion
    if not 0 < len(given) <= MOST_LABELS:
        raise Refused(413 if given else 422, f"a request holds 1 to {MOST_LABELS} labels", at="labels", code="KF403")
    kept = []
    for number, one in enumerate(given):
        try:
            kept.append(text(label_of(served, one, by="http", now=now)).encode())
        except errors.BadRequest as error:
            raise errors.BadRequest(error.message, at=f"labels[{number}].{error.at}", fix=error.fix) from None
    app.log.keep("labels", kept)
    app.counters.add(app.counters.place("keepfit_labels_total"), len(kept))
    return len(kept)


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
    value = _of_target(release, given.value) if name == release.target and given.value is not None else given.value
    key = served.key_of_label(given.key) if given.key is not None else None
    try:
        observed = parse(given.observed_at) if given.observed_at is not None else None
    except ValueError:
        raise errors.BadRequest("observed_at is an instant in ISO 8601 with an offset", at="observed_at") from None
    return Label(given.prediction, key, name, value, "system", by, observed, now, given.supersedes)


def _of_target(release: Release, value: object) -> bool | int | float | str:
    """A value as the target has it: of whole numbers 1.0 is 1, and no number is true or false."""
    if not release.classes and isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    for known in release.classes:
        if known == value and isinstance(known, bool) == isinstance(value, bool):
            return known
    raise errors.BadRequest(f"the value is none that '{release.target}' has", at="value")
