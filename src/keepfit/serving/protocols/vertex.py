"""Vertex AI's custom containers: the routes that its environment names, and those it calls where that names none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from keepfit.serving.exchange import Request, Response, Route
from keepfit.serving.protocols.kserve import instances, refuse

if TYPE_CHECKING:
    from keepfit.serving.app import App

__all__ = ["routes"]

MODEL = "/v1/endpoints/{endpoint}/deployedModels/{model}"


def routes(app: App) -> list[Route]:
    """Instances in, predictions out, whichever endpoint and deployed model the path names: a container serves one."""

    async def predict(request: Request) -> Response:
        return Response(200, msgspec.json.encode({"predictions": await instances(app, request)}))

    async def health(request: Request) -> Response:
        ready = app.answering is not None
        return Response(200 if ready else 503, msgspec.json.encode({"ready": ready}))

    platform = app.orders.platform
    named = (platform.health, platform.predict) if platform is not None and platform.name == "vertex" else (None, None)
    healths = [MODEL, *([named[0]] if named[0] else [])]
    predicts = [f"{MODEL}:predict", *([named[1]] if named[1] else [])]
    return [
        *(Route("GET", path, health, opens=None, refuse=refuse) for path in healths),
        *(Route("POST", path, predict, refuse=refuse) for path in predicts),
    ]
