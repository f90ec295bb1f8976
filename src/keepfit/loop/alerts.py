"""Tell people what the ledger has to tell: each target each thing once, tried again until it is taken.

The ledger is the outbox. Who delivers writes it down before and after, so that of two loops one delivers, and a target
that is down costs seconds and delays nothing else.
"""

from __future__ import annotations

import logging
import os
import re
from datetime import datetime, time

from keepfit import digest, errors, plugin
from keepfit.alert import Alert, Channel, Delivery, Hours, Message, alerts, deliveries, due, noted
from keepfit.spec.load import expand
from keepfit.workspace import Workspace

__all__ = ["deliver", "known_alerts", "target_name"]

#: The kinds of entries that have something to tell.
KINDS = ("incident", "release", "decision")


def deliver(ws: Workspace, *, now: datetime) -> None:
    """Tell every target what is due; what goes wrong is written down and tried again, and is no error of the caller's."""
    if not ws.spec.alerts.to:
        return
    try:
        known = known_alerts(ws)
        told = deliveries(ws.ledger.entries(kind="alert"))
        for target in ws.spec.alerts.to:
            _tell(ws, target, known, told.get(target_name(target), []), now)
    except errors.StoreFault as error:  # the ledger itself: whoever comes next tells
        logging.getLogger("keepfit").warning("alerts wait: %s", error.message)


def known_alerts(ws: Workspace) -> list[Alert]:
    """Everything that there is to tell, oldest first."""
    entries = (entry for kind in KINDS for entry in ws.ledger.entries(kind=kind))
    return alerts(sorted(entries, key=lambda entry: entry.seq))


def target_name(target: str) -> str:
    """Names a target in the ledger without what it holds.

    >>> target_name("slack://${SLACK}").startswith("slack-")
    True
    """
    scheme = re.sub(r"[^a-z]", "", target.partition("://")[0].lower()) if "://" in target else "url"
    return f"{scheme}-{digest.of_value(target)[3:11]}"


def _hours(ws: Workspace) -> Hours | None:
    text = ws.spec.alerts.quiet
    if text is None:
        return None
    begin, end = (time.fromisoformat(part) for part in text.split("-"))
    return Hours(begin, end, ws.spec.data.timezone)


def _tell(ws: Workspace, target: str, known: list[Alert], told: list[Delivery], now: datetime) -> None:
    batch = due(told, known, now, quiet=_hours(ws), digest=ws.spec.alerts.digest)
    if batch is None:
        return
    name, nonce = target_name(target), os.urandom(8).hex()
    key = [name, batch.through, batch.attempt]
    body = {**noted(name, batch, "sending"), "lease": nonce}
    if ws.append("alert", [*key, "sending"], body, at=now, actor="loop").body["lease"] != nonce:
        return  # another loop tells it
    try:
        message = Message(digest.of_value([ws.project, name, batch.through])[3:35], ws.project, now, batch.alerts)
        if batch.alerts:
            _channel(ws, target).send(message)
    except errors.KeepfitError as error:
        ws.append("alert", [*key, "ended"], noted(name, batch, "failed", error.code), at=now, actor="loop")
    except Exception as error:  # noqa: BLE001 -- whatever a service's own code does, it must not end the turn
        ws.append("alert", [*key, "ended"], noted(name, batch, "failed", type(error).__name__), at=now, actor="loop")
    else:
        ws.append("alert", [*key, "ended"], noted(name, batch, "delivered"), at=now, actor="loop")


def _channel(ws: Workspace, target: str) -> Channel:
    at = ws.place("alerts", "to")
    url = expand(target, at=at)
    kind = "webhook" if url.startswith(("http://", "https://")) else "apprise"
    secret = ws.spec.alerts.secret
    made: Channel = plugin.find("channels", kind, at=at)(url, expand(secret, at=ws.place("alerts", "secret")) if secret else None)
    return made
