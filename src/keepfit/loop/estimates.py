"""Estimates that were made, read from the ledger."""

from __future__ import annotations

from keepfit.estimate import Estimate
from keepfit.loop.state import interval
from keepfit.workspace import Workspace

__all__ = ["estimates", "newest"]


def estimates(ws: Workspace) -> list[Estimate]:
    """Every estimate that was made, in the order of the ledger."""
    return [ws.artifacts.get_record(Estimate, entry.body["artifacts"]["estimate"]) for entry in ws.ledger.entries(kind="estimate")]


def newest(ws: Workspace, release: str | None) -> Estimate | None:
    """The newest estimate of a release as champion, where its window was not looked at since."""
    entries = [e for e in ws.ledger.entries(kind="estimate") if e.body["release"] == release and e.body["role"] == "champion"]
    last = max(entries, key=lambda entry: entry.body["begin"], default=None)
    if last is None or any(interval(entry.body) == interval(last.body) for entry in ws.ledger.entries(kind="watch")):
        return None
    return ws.artifacts.get_record(Estimate, last.body["artifacts"]["estimate"])
