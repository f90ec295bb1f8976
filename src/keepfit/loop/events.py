"""Events: what the loop and people did, in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from keepfit.ledger import Entry
from keepfit.workspace import Workspace

__all__ = ["Event", "events"]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened: when, at which place in the chain, of which kind, in words, and by whom."""

    at: datetime
    seq: int
    kind: str
    says: str
    by: str


def events(ws: Workspace) -> tuple[Event, ...]:
    """Releases and their roles, what the loop ended, incidents that opened and closed, and decisions, oldest first."""
    return tuple(Event(entry.at, entry.seq, entry.kind, says, entry.actor) for entry, says in _told(ws))


def _told(ws: Workspace) -> Iterator[tuple[Entry, str]]:
    for entry in ws.ledger.entries():
        if (says := _says(entry.kind, entry.body)) is not None:
            yield entry, says


def _says(kind: str, body: Any) -> str | None:
    if kind == "release":
        return f"{body['release']} became {body['role'] if body['role'] != 'none' else 'a release without a role'}: {body['because']}"
    if kind == "incident" and body["change"] in {"opened", "closed"}:
        return f"incident {body['incident']} {body['change']}: {body['because']}"
    if kind == "decision":
        return f"{body['decision']} {body['about']}: {body['because']}".replace(" :", ":")
    if kind == "action" and body["status"] in {"done", "failed", "abandoned"} and body["kind"] not in {"watch", "promote"}:
        return f"{body['kind']} {body['status']}" + (f": {body['why']}" if body.get("why") else "")
    return None
