"""KServe's first protocol, that of TensorFlow Serving: `/v1/models/{model}` and `:predict`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from keepfit.serving import forms, native
from keepfit.serving.exchange import Refused, Request, Response, Route, in_words, json_body

if TYPE_CHECKING:
    from keepfit.serving.app import App

__all__ = ["instances", "refuse", "routes"]

_encode = msgspec.json.Encoder().encode


def routes(app: App) -> list[Route]:
    """The one model is the project, by its name."""

    async def models(request: Request) -> Response:
        return Response(200, _encode({"models": [app.orders.project]}))

    async def model(request: Request) -> Response:
        _of_project(app, request)
        ready = app.answering is not None
        return Response(200 if ready else 503, _encode({"name": app.orders.project, "ready": ready}))

    async def predict(request: Request) -> Response:
        _of_project(app, request)
        return Response(200, _encode({"predictions": await instances(app, request)}))

    return [
        Route("GET", "/v1/models", models, refuse=refuse),
        Route("GET", "/v1/models/{model}", model, opens=None, refuse=refuse),
        Route("POST", "/v1/models/{model}:predict", predict, refuse=refuse),
    ]


async def instances(app: App, request: Request) -> list[dict[str, Any]]:
    """The answers to `{"instances": [{column: value, …}, …], "parameters": {"ids": […], "subjects": […]}}`.

    Raises
    ------
    Refused
        It has another form.
    """
    form = forms.loads(json_body(request))
    if not isinstance(form, dict) or not {"instances"} <= set(form) <= {"instances", "parameters"}:
        fix = '{"instances": [{column: value, …}, …]}, and where wanted parameters with ids and subjects'
        raise Refused(400, "the body must be an object with instances", fix=fix, code="KF403")
    answering = app.who_answers()
    about = forms.named(form.get("parameters"), at="parameters")
    asked = forms.asked(answering.rows, forms.records(form["instances"], at="instances"), about)
    return native.shown(await app.answer(answering, asked, request))


def refuse(refused: Refused) -> Response:
    """A refusal as one text, `{"error": …}`; a request's own fault is 400."""
    status = 400 if refused.status == 422 else refused.status
    return Response(status, _encode({"error": in_words(refused)}), headers=refused.headers)


def _of_project(app: App, request: Request) -> None:
    if request.parts["model"] != app.orders.project:
        raise Refused(404, "there is no such model", at="model", fix=f"this server answers for {app.orders.project}", code="KF403")
