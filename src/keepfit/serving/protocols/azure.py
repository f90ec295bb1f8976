"""Azure ML's custom containers: `/score`, its description, and the probe of the stock server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec

from keepfit.serving import forms, native
from keepfit.serving.exchange import Refused, Request, Response, Route, json_body
from keepfit.serving.rows import Asked, Rows, carried, needed_of

if TYPE_CHECKING:
    from keepfit.release import Release
    from keepfit.serving.app import App

__all__ = ["routes"]

_TEXT = b"text/plain; charset=utf-8"
_encode = msgspec.json.Encoder().encode
#: How Swagger writes the stored types.
_TYPES: dict[str, dict[str, Any]] = {
    "int": {"type": "integer", "format": "int64"},
    "float": {"type": "number", "format": "double"},
    "float32": {"type": "number", "format": "float"},
    "bool": {"type": "boolean"},
    "text": {"type": "string"},
    "instant": {"type": "string", "format": "date-time"},
}


def routes(app: App) -> list[Route]:
    """`/score` and its description; in a container of Azure's also what else the stock server answers."""

    async def score(request: Request) -> Response:
        answering = app.who_answers()
        return Response(200, native.said(await app.answer(answering, _asked(request, answering.rows), request)))

    async def score_one(request: Request) -> Response:
        answering = app.who_answers()
        row = forms.from_text(_of_query(request), answering.rows, at="rows[0]")
        return Response(200, native.said(await app.answer(answering, forms.asked(answering.rows, [row], forms.Named()), request)))

    async def described(request: Request) -> Response:
        return Response(200, _encode(swagger(app.who_answers().champion.release)))

    async def healthy(request: Request) -> Response:
        ready = app.answering is not None
        return Response(200 if ready else 503, b"Healthy" if ready else b"no champion", _TEXT)

    async def options(request: Request) -> Response:
        return Response(200, b"", _TEXT, ((b"allow", b"GET, HEAD, OPTIONS, POST"),))

    found = [Route("POST", "/score", score), Route("GET", "/swagger.json", described)]
    if app.orders.platform is not None and app.orders.platform.name == "azure":
        found += [
            Route("GET", "/", healthy, opens=None),
            Route("GET", "/score", score_one),
            Route("OPTIONS", "/score", options, opens=None),
        ]
    return found


def swagger(release: Release) -> dict[str, Any]:
    """The description of `/score` in Swagger 2.0, with the release's columns."""
    needed = needed_of(release)
    properties = {column.name: _TYPES[carried(column)] | ({} if column.name in needed else _NULL) for column in release.columns}
    row: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False, "required": sorted(needed)}
    asked = {"type": "object", "required": ["rows"], "properties": {"rows": {"type": "array", "items": {"$ref": "#/definitions/Row"}}}}
    told = {
        "type": "object",
        "properties": {"release": {"type": "string"}, "predictions": {"type": "array", "items": {"type": "object"}}},
    }
    body = {"name": "body", "in": "body", "required": True, "schema": {"$ref": "#/definitions/ServiceInput"}}
    answers = {
        "200": {"description": "an answer for each row", "schema": {"$ref": "#/definitions/ServiceOutput"}},
        "default": {"description": "a problem document", "schema": {"type": "object"}},
    }
    score = {"operationId": "RunMLService", "summary": release.statement, "parameters": [body], "responses": answers}
    return {
        "swagger": "2.0",
        "info": {"title": release.project, "description": release.statement, "version": release.id},
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "securityDefinitions": {"Bearer": {"type": "apiKey", "name": "Authorization", "in": "header"}},
        "paths": {"/score": {"post": score | {"security": [{"Bearer": []}]}}},
        "definitions": {"Row": row, "ServiceInput": asked, "ServiceOutput": told},
    }


def _asked(request: Request, rows: Rows) -> Asked:
    """Rows as the native route takes them, or under `data`, or under `input_data` as a split frame or as records."""
    form = forms.loads(json_body(request))
    present = [name for name in ("rows", "data", "input_data") if isinstance(form, dict) and name in form]
    if len(present) != 1 or set(form) - {*present, "ids", "subjects"}:
        fix = '{"rows": [{column: value, …}, …]}, and where wanted ids and subjects'
        raise Refused(422, "the body must be an object with one of rows, data and input_data", fix=fix, code="KF403")
    name, given = present[0], form.pop(present[0])
    about = forms.named(form, at="ids and subjects")
    read = forms.split if name == "input_data" and isinstance(given, dict) else forms.records
    return forms.asked(rows, read(given, at=name), about)


def _of_query(request: Request) -> dict[str, str]:
    """The one row of a query, as `?column=value&…`."""
    try:
        pairs = parse_qsl(request.query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=10_000)
    except ValueError:
        raise Refused(400, "the query is not readable", at="query", fix="/score?column=value&…", code="KF403") from None
    if len(dict(pairs)) != len(pairs):
        raise Refused(422, "a column stands twice", at="query", code="KF403")
    return dict(pairs)


_NULL = {"x-nullable": True}
