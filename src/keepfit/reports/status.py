"""How a project stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from keepfit.evaluation import Evaluation
from keepfit.window import Window
from keepfit.workspace import Workspace

__all__ = ["Status", "status"]


@dataclass(frozen=True, slots=True)
class Status:
    """The state of a project, read from its ledger alone."""

    record: ClassVar[str] = "status"
    version: ClassVar[int] = 1

    project: str
    at: datetime
    champion: str | None
    champion_since: datetime | None
    at_release: Evaluation | None
    challenger: str | None
    previous: str | None
    window: Window | None
    entries: int


def status(ws: Workspace, *, now: datetime) -> Status:
    """Gather the state of a project."""
    roles = ws.roles()
    watched = ws.ledger.last("watch")
    return Status(
        project=ws.project,
        at=now,
        champion=roles.champion,
        champion_since=roles.since,
        at_release=_at_release(ws, roles.champion),
        challenger=roles.shadow,
        previous=roles.previous,
        window=ws.artifacts.get_record(Window, watched.body["artifacts"]["window"]) if watched else None,
        entries=ws.ledger.head().seq,
    )


def _at_release(ws: Workspace, champion: str | None) -> Evaluation | None:
    """What was measured of the champion before it took the role."""
    candidate = next((entry.body["candidate"] for entry in ws.ledger.entries(kind="release") if entry.body["release"] == champion), None)
    judged = [entry for entry in ws.ledger.entries(kind="verdict") if entry.body["candidate"] == candidate]
    return ws.artifacts.get_record(Evaluation, judged[-1].body["artifacts"]["evaluation"]) if judged else None
