"""Probes: whether the process lives, and whether and what it serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from keepfit.serving.exchange import Request, Response, Route

if TYPE_CHECKING:
    from keepfit.serving.app import App

__all__ = ["routes"]


def routes(app: App) -> list[Route]:
    """`/livez` and `/readyz`."""

    async def live(request: Request) -> Response:
        return Response(200, b'{"status":"alive"}')

    async def ready(request: Request) -> Response:
        release = app.served.release
        says = {
            "status": "ready",
            "project": release.project,
            "release": release.id,
            "log": app.log.name,
            "simulated": app.simulated,
        }
        return Response(200, msgspec.json.encode(says))

    return [Route("GET", "/livez", live, opens=None), Route("GET", "/readyz", ready, opens=None)]
