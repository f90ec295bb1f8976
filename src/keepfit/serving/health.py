"""Probes and figures: whether the process lives, whether and what it serves, and what it counted."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from keepfit.serving.counters import Sample
from keepfit.serving.exchange import Request, Response, Route

if TYPE_CHECKING:
    from keepfit.serving.app import App

__all__ = ["routes"]

_TEXT = b"text/plain; version=0.0.4; charset=utf-8"


def routes(app: App) -> list[Route]:
    """`/livez`, `/readyz`, `/metrics`."""

    async def live(request: Request) -> Response:
        return Response(200, b'{"status":"alive"}')

    async def ready(request: Request) -> Response:
        says = readiness(app)
        return Response(200 if says["status"] == "ready" else 503, msgspec.json.encode(says))

    async def metrics(request: Request) -> Response:
        return Response(200, app.counters.expose(_looked_up(app)).encode(), _TEXT)

    return [
        Route("GET", "/livez", live, opens=None),
        Route("GET", "/readyz", ready, opens=None),
        Route("GET", "/metrics", metrics, opens="admin"),
    ]


def readiness(app: App) -> dict[str, object]:
    """What is served, how it is kept, and what is wrong although requests are answered."""
    who, orders = app.answering, app.orders
    alarms = dict(app.alarms)
    if app.counters.total("keepfit_ledger_unreachable"):
        alarms["ledger"] = "the ledger cannot be read: roles and keys stay as they were"
    if app.counters.total("keepfit_fold_failing"):
        alarms["fold"] = "segments cannot be folded: they wait"
    says: dict[str, object] = {
        "status": "ready" if who is not None else "no champion",
        "project": orders.project,
        "release": who.champion.release.id if who is not None else None,
        "log": orders.log,
        "durability": orders.durability,
        "sample": orders.sample,
        "simulated": orders.simulated,
        "keys": app.duty.guarded,
        "platform": orders.platform.name if orders.platform is not None else None,
        "alarms": alarms,
    }
    if who is not None and who.canary is not None:
        says["canary"] = {"release": who.canary.release.id, "share": who.share}
    if who is not None and who.shadow is not None:
        says["shadow"] = who.shadow.release.id
    return says


def _looked_up(app: App) -> Iterable[Sample]:
    """What is not counted but looked up when it is asked for."""
    who, orders = app.answering, app.orders
    held = {"champion": who.champion, "canary": who.canary, "shadow": who.shadow} if who is not None else {}
    for role, served in held.items():
        if served is not None:
            labels = {"project": orders.project, "release": served.release.id, "role": role}
            yield Sample("keepfit_release_info", "Which release has which role, on the worker that was asked.", 1, labels)
    if who is not None:
        yield Sample("keepfit_canary_share_ratio", "The share of subjects that the canary answers.", who.share if who.canary else 0.0)
    yield Sample(
        "keepfit_log_info", "Where predictions are kept, and what they survive.", 1, {"log": orders.log, "durability": orders.durability}
    )
    yield Sample("keepfit_log_sample_ratio", "The share of predictions that is kept.", orders.sample)
    if orders.segments is not None:
        found = [path for where in ("open", "sealed") for path in (Path(orders.segments) / where).glob("*.seg")]
        yield Sample("keepfit_log_backlog_segments", "Segments that are not folded into tables yet.", len(found))
        yield Sample("keepfit_log_backlog_bytes", "Their bytes.", sum(map(_size, found)))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # folded meanwhile
        return 0
