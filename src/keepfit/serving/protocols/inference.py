"""The Open Inference Protocol, version 2, over REST, with its extension for binary tensors."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import msgspec

from keepfit import errors
from keepfit.serving import forms
from keepfit.serving.exchange import JSON, Refused, Request, Response, Route
from keepfit.serving.protocols.kserve import refuse
from keepfit.serving.rows import Asked, Rows, carried, needed_of
from keepfit.serving.tensors import OF_DTYPE, Tensor, datatype_of, packed, values_of

if TYPE_CHECKING:
    from keepfit.serving.answering import Answering
    from keepfit.serving.app import App
    from keepfit.serving.predicting import Answer, Said
    from keepfit.serving.served import Served

__all__ = ["routes"]

_encode = msgspec.json.Encoder().encode
_HEADER_LENGTH = b"inference-header-content-length"
_BYTES = b"application/octet-stream"


class Wanted(msgspec.Struct):
    """An output that a request asks for."""

    name: str
    parameters: dict[str, Any] = {}


class Infer(msgspec.Struct):
    """The JSON of a request."""

    inputs: list[Tensor]
    id: str | None = None
    parameters: dict[str, Any] = {}
    outputs: list[Wanted] | None = None


def routes(app: App) -> list[Route]:
    """The one model is the project by its name, and its one version is the champion's."""
    about = _encode({"name": "keepfit", "version": version("keepfit"), "extensions": ["binary_tensor_data"]})

    async def server(request: Request) -> Response:
        return Response(200, about)

    async def live(request: Request) -> Response:
        return Response(200, b'{"live":true}')

    async def ready(request: Request) -> Response:
        is_ready = app.answering is not None
        return Response(200 if is_ready else 503, _encode({"ready": is_ready}))

    async def model_ready(request: Request) -> Response:
        is_ready = app.answering is not None and _of_version(app, request) is not None
        return Response(200 if is_ready else 503, _encode({"name": app.orders.project, "ready": is_ready}))

    async def model(request: Request) -> Response:
        return Response(200, _encode(metadata(_of_version(app, request).champion)))

    async def infer(request: Request) -> Response:
        answering = _of_version(app, request)
        body, raw = _parted(request)
        try:
            form = msgspec.convert(forms.loads(body), Infer)
        except msgspec.ValidationError as error:
            raise Refused(400, str(error)[:300], fix=_FORM, code="KF403") from None
        wanted = _wanted(form, answering.champion)
        told = await app.answer(answering, asked(form, raw, answering.rows), request)
        return answered(form, wanted, told, answering.champion)

    found = [
        Route("GET", "/v2", server, refuse=refuse),
        Route("GET", "/v2/health/live", live, opens=None, refuse=refuse),
        Route("GET", "/v2/health/ready", ready, opens=None, refuse=refuse),
    ]
    for path in ("/v2/models/{model}", "/v2/models/{model}/versions/{version}"):
        found += [
            Route("GET", path, model, refuse=refuse),
            Route("GET", f"{path}/ready", model_ready, opens=None, refuse=refuse),
            Route("POST", f"{path}/infer", infer, refuse=refuse),
        ]
    return found


def metadata(served: Served) -> dict[str, Any]:
    """What the model takes and gives; every tensor has one value for each row."""
    release, needed = served.release, needed_of(served.release)
    taken = [column for column in release.columns if column.name in needed or column.name in release.inputs]
    return {
        "name": release.project,
        "versions": [release.id],
        "platform": "keepfit",
        "inputs": [{"name": column.name, "datatype": OF_DTYPE[carried(column)], "shape": [-1]} for column in taken],
        "outputs": [{"name": name, "datatype": datatype, "shape": [-1]} for name, datatype in outputs_of(served).items()],
    }


def outputs_of(served: Served) -> Mapping[str, str]:
    """The outputs that there are, each with its datatype."""
    prediction, decision = served.example
    of_prediction = datatype_of(served.release.classes or (prediction,))
    of_decision = "BOOL" if type(decision) is bool else of_prediction
    fields = dict.fromkeys(served.fields, "FP64")
    return {"id": "BYTES", "prediction": of_prediction, **fields, "decision": of_decision, "warnings": "BYTES", "release": "BYTES"}


def asked(form: Infer, raw: bytes, rows: Rows) -> Asked:
    """What a request asks: each input is a column by its name, and `ids` and `subjects` are what no column is.

    Raises
    ------
    Refused, BadRequest
        Inputs differ in length, stand twice, or hold what their columns cannot.
    """
    columns: dict[str, list[Any]] = {}
    place = 0
    for number, tensor in enumerate(form.inputs):
        at = f"inputs[{number}]"
        if tensor.name in columns:
            raise Refused(400, "an input stands twice", at=f"{at}.name", code="KF403")
        size = tensor.parameters.get("binary_data_size")
        if size is not None and (type(size) is not int or not 0 <= size <= len(raw) - place):
            raise Refused(400, "there are not as many bytes after the JSON", at=f"{at}.parameters.binary_data_size", code="KF403")
        columns[tensor.name] = values_of(tensor, None if size is None else raw[place : place + size], at=at)
        place += size or 0
    if place != len(raw):
        raise Refused(400, "there are bytes after the JSON that no input names", at="inputs", code="KF403")
    if len({len(values) for values in columns.values()}) > 1:
        raise Refused(400, "the inputs are of different length", at="inputs", code="KF403")
    beside = {name: columns.pop(name) for name in ("ids", "subjects") if name in columns and name not in rows.carries}
    if not columns:
        raise Refused(400, "there is no input", at="inputs", fix=_FORM, code="KF403")
    about = forms.named(beside or None, at="ids and subjects")
    return forms.asked(rows, [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)], about)


def answered(form: Infer, wanted: Mapping[str, bool], told: Said, served: Served) -> Response:
    """The answer: `wanted` outputs, each as bytes or not."""
    datatypes = outputs_of(served)
    outputs: list[dict[str, Any]] = []
    raw: list[bytes] = []
    for name, as_bytes in wanted.items():
        values = [_value(one, name) for one in told.answers]
        if datatypes[name] == "BYTES":
            values = [value if isinstance(value, str) else str(value) for value in values]
        output: dict[str, Any] = {"name": name, "datatype": datatypes[name], "shape": [len(values)]}
        if as_bytes:
            raw.append(packed(datatypes[name], values))
            output["parameters"] = {"binary_data_size": len(raw[-1])}
        else:
            output["data"] = values
        outputs.append(output)
    said: dict[str, Any] = {"model_name": served.release.project, "model_version": told.release}
    if form.id is not None:
        said["id"] = form.id
    head = _encode(said | {"outputs": outputs})
    if not raw:
        return Response(200, head)
    return Response(200, b"".join([head, *raw]), _BYTES, ((_HEADER_LENGTH, str(len(head)).encode()),))


def _value(one: Answer, name: str) -> Any:
    if name in one.outputs:
        return one.outputs[name]
    if name == "warnings":
        return "; ".join(one.warnings)
    return getattr(one, name)


def _wanted(form: Infer, served: Served) -> dict[str, bool]:
    """The outputs that are asked for, all where none are named; whether each goes as bytes."""
    there = outputs_of(served)
    as_bytes = form.parameters.get("binary_data_output") is True
    if not form.outputs:
        return dict.fromkeys(there, as_bytes)
    wanted: dict[str, bool] = {}
    for number, output in enumerate(form.outputs):
        if output.name not in there:
            fix = errors.near_match(output.name[:80], there)
            raise Refused(400, "there is no such output", at=f"outputs[{number}].name", fix=fix, code="KF403")
        wanted[output.name] = output.parameters.get("binary_data", as_bytes) is True
    return wanted


def _of_version(app: App, request: Request) -> Answering:
    """Who answers for the model that a request names, and for its version where it names one."""
    if request.parts["model"] != app.orders.project:
        raise Refused(404, "there is no such model", at="model", fix=f"this server answers for {app.orders.project}", code="KF403")
    answering = app.who_answers()
    named = request.parts.get("version")
    if named is None:
        return answering
    if named != answering.champion.release.id:
        fix = f"{answering.champion.release.id} answers now; name no version to be answered by whoever does"
        raise Refused(404, "this version does not answer", at="version", fix=fix, code="KF403")
    return answering.alone()


def _parted(request: Request) -> tuple[bytes, bytes]:
    """The JSON of a request, and the bytes after it."""
    kind = (request.header(b"content-type") or b"").split(b";")[0].strip().lower()
    # Clients of this protocol may leave the type out; a page of another site, which may too, cannot hide where it is from.
    if kind not in (JSON, _BYTES) and (kind or request.header(b"origin") is not None):
        raise Refused(415, "the body must be JSON", at="header Content-Type", fix="send Content-Type: application/json", code="KF403")
    if request.header(b"content-encoding") not in (None, b"identity"):
        raise Refused(415, "the body must not be compressed", at="header Content-Encoding", fix="send it as it is", code="KF403")
    length = request.header(_HEADER_LENGTH)
    if length is None:
        return request.body, b""
    if not length.isdigit() or len(length) > 12 or int(length) > len(request.body):
        raise Refused(400, "the JSON is not as long as the header says", at="header Inference-Header-Content-Length", code="KF403")
    return request.body[: int(length)], request.body[int(length) :]


_FORM = '{"inputs": [{"name": column, "shape": [n], "datatype": …, "data": […]}, …]}'
