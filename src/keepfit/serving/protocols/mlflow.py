"""MLflow's scoring protocol, which SageMaker's containers speak too: `/invocations`, `/ping`, `/health`, `/version`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import msgspec

from keepfit.serving import forms, native
from keepfit.serving.exchange import Refused, Request, Response, Route, in_words
from keepfit.serving.rows import Asked, Rows

if TYPE_CHECKING:
    from keepfit.serving.app import App

__all__ = ["routes"]

#: The forms that JSON may have, by the member that holds the rows.
FORMS: Mapping[str, Callable[..., Sequence[Mapping[str, Any]]]] = {
    "dataframe_split": forms.split,
    "dataframe_records": forms.records,
    "instances": forms.records,
    "inputs": forms.columns,
}
_TEXT = b"text/plain; charset=utf-8"
_encode = msgspec.json.Encoder().encode
#: What MLflow calls a refusal by its status; a request's own fault is 400.
_CODES = {
    400: "BAD_REQUEST",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    409: "RESOURCE_CONFLICT",
    413: "REQUEST_LIMIT_EXCEEDED",
    422: "INVALID_PARAMETER_VALUE",
    429: "REQUEST_LIMIT_EXCEEDED",
    503: "TEMPORARILY_UNAVAILABLE",
}


def routes(app: App) -> list[Route]:
    """MLflow's routes; an answer's rows are those of the native one, as records."""
    about_keepfit = version("keepfit").encode()

    async def invocations(request: Request) -> Response:
        answering = app.who_answers()
        told = await app.answer(answering, _asked(request, answering.rows), request)
        return Response(200, _encode({"predictions": native.shown(told)}))

    async def ping(request: Request) -> Response:
        return Response(200 if app.answering is not None else 404, b"\n")

    async def version_(request: Request) -> Response:
        return Response(200, about_keepfit)

    return [
        Route("POST", "/invocations", invocations, refuse=refuse),
        Route("GET", "/ping", ping, opens=None, refuse=refuse),
        Route("GET", "/health", ping, opens=None, refuse=refuse),
        Route("GET", "/version", version_, opens=None, refuse=refuse),
    ]


def refuse(refused: Refused) -> Response:
    """A refusal as MLflow's clients expect it: text where the content type is at fault, else an object with `error_code`."""
    said = in_words(refused)
    if refused.status == 415:
        return Response(415, said.encode(), _TEXT, refused.headers)
    status = 400 if refused.status == 422 else refused.status
    form = {"error_code": _CODES.get(refused.status, "INTERNAL_ERROR" if status >= 500 else "BAD_REQUEST"), "message": said}
    return Response(status, _encode(form), headers=refused.headers)


def _asked(request: Request, rows: Rows) -> Asked:
    kind = _content_type(request)
    if kind == "text/csv":
        return _named(request, forms.asked(rows, forms.read_csv(request.body, rows), forms.Named()))
    form = forms.loads(request.body)
    present = [name for name in FORMS if isinstance(form, dict) and name in form]
    if len(present) != 1 or not set(form) <= {*FORMS, "params"}:
        fix = "optional params hold ids and subjects"
        raise Refused(400, f"the body must be an object with exactly one of {', '.join(FORMS)}", fix=fix, code="KF403")
    name = present[0]
    about = forms.named(form.get("params"), at="params")
    return _named(request, forms.asked(rows, FORMS[name](form[name], at=name), about))


def _content_type(request: Request) -> str:
    kind, *parameters = [part.strip().lower() for part in (request.header(b"content-type") or b"").decode("latin-1").split(";")]
    if any(parameter.replace('"', "") != "charset=utf-8" for parameter in parameters if parameter):
        raise Refused(415, "the only parameter of a content type is charset=utf-8", at="header Content-Type", code="KF403")
    if kind not in ("application/json", "text/csv"):
        fix = "send application/json or text/csv"
        raise Refused(415, "this content type is not read here", at="header Content-Type", fix=fix, code="KF403")
    if request.header(b"content-encoding") not in (None, b"identity"):
        raise Refused(415, "the body must not be compressed", at="header Content-Encoding", fix="send it as it is", code="KF403")
    return kind


def _named(request: Request, asked: Asked) -> Asked:
    """Rows without ids go by the one that SageMaker passes on: a retry is one then, and its truth finds it."""
    given = request.header(b"x-amzn-sagemaker-inference-id")
    if given is not None and asked.ids is None:
        name = given.decode("latin-1")
        asked.ids = [name] if len(asked.rows) == 1 else [f"{name}/{number}" for number in range(len(asked.rows))]
    return asked
