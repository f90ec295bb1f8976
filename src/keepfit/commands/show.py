"""`keepfit show`."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from keepfit import errors, record
from keepfit.candidate import Candidate
from keepfit.commands.shared import Given, emit, options
from keepfit.evaluation import Evaluation
from keepfit.ledger import Entry
from keepfit.release import Release
from keepfit.verdict import Verdict
from keepfit.window import Window
from keepfit.workspace import Workspace

__all__ = ["command"]

_KINDS: dict[str, Any] = {
    "candidate": Candidate,
    "evaluation": Evaluation,
    "champion_evaluation": Evaluation,
    "release": Release,
    "verdict": Verdict,
    "window": Window,
}


@click.command("show", epilog="Example: keepfit show r1; keepfit show 12")
@click.argument("name")
@options
def command(given: Given, name: str) -> None:
    """One thing whole: a candidate (c1), a release (r1), or an entry by its number (12)."""
    ws = given.workspace()
    entry = _find(ws, name)
    whole = {"entry": record.to_json(entry)}
    for member, digest in entry.body.get("artifacts", {}).items():
        if member in _KINDS:
            whole[member] = record.to_json(ws.artifacts.get_record(_KINDS[member], digest))
    emit(given, whole, lambda: msgspec.json.format(msgspec.json.encode(whole), indent=2).decode())


def _find(ws: Workspace, name: str) -> Entry:
    for entry in reversed(list(ws.ledger.entries())):
        fits = entry.kind == "fit" and entry.body["candidate"] == name
        released = entry.kind == "release" and entry.body["release"] == name
        if fits or released or str(entry.seq) == name:
            return entry
    raise errors.NothingThere(f"there is no '{name}'", at=name, fix="see: keepfit history")
