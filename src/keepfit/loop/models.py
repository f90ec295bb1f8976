"""Models that were fitted before: candidates, what was measured of them, and the models themselves."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keepfit import errors
from keepfit.candidate import Candidate
from keepfit.estimator import Fitted
from keepfit.evaluation import Evaluation
from keepfit.features import Inputs
from keepfit.ledger import Entry
from keepfit.loop import tune
from keepfit.release import Roles
from keepfit.task import Outputs
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Model", "candidate_behind", "candidate_of", "champion_candidate", "evaluation_of", "is_whole", "load_model", "refuse_removed"]


@dataclass(frozen=True, slots=True)
class Model:
    """A candidate's model, as it answers: calibrated where the candidate is."""

    ws: Workspace
    candidate: Candidate
    fitted: Fitted

    def predict(self, frame: pl.DataFrame) -> Outputs:
        """The task's output fields, each of shape (rows,)."""
        return tune.apply(self.ws.task, self.candidate.calibration, self.fitted.predict(Inputs(frame, self.ws.kinds)))


def load_model(ws: Workspace, candidate: Candidate) -> Model:
    """A candidate's model, from its artifacts.

    Raises
    ------
    Removed
        A clean-up removed it.
    """
    refuse_removed(ws, candidate)
    with tempfile.TemporaryDirectory() as place:
        for name, named in candidate.files.items():
            (Path(place) / name).write_bytes(ws.artifacts.get(named))
        return Model(ws, candidate, ws.estimator(candidate.estimator).load(Path(place)))


def refuse_removed(ws: Workspace, candidate: Candidate) -> None:
    """Raise where a clean-up removed a model, as something was missing otherwise."""
    if all(ws.artifacts.path(name).exists() for name in candidate.files.values()):
        return
    for entry in ws.ledger.entries(kind="gc"):
        if not set(entry.body["removed"]).isdisjoint(candidate.files.values()):
            fix = "fit it again: keepfit run fits what is not there any more; gc --keep keeps more"
            message = f"the model of {candidate.id} was removed by keepfit gc on {entry.at:%Y-%m-%d} (entry {entry.seq})"
            raise errors.Removed(message, at=candidate.id, fix=fix)


def is_whole(ws: Workspace, fit: Entry) -> bool:
    """Whether the model of a fit is still there: a clean-up removes those that nothing needs any more."""
    named = [name for member, name in fit.body["artifacts"].items() if member.startswith("model/") or member == "sample"]
    return all(ws.artifacts.path(name).exists() for name in named)


def candidate_of(ws: Workspace, name: str) -> tuple[Candidate, Entry]:
    """A candidate by its id, with the entry of its fit.

    Raises
    ------
    NothingThere
        The ledger has none of that id.
    """
    for entry in ws.ledger.entries(kind="fit"):
        if entry.body["candidate"] == name:
            return ws.artifacts.get_record(Candidate, entry.body["artifacts"]["candidate"]), entry
    raise errors.NothingThere(f"there is no candidate '{name}'", at=name, fix="see: keepfit history")


def candidate_behind(ws: Workspace, release: str | None) -> tuple[Candidate, Entry] | None:
    """The candidate behind a release; None for no release."""
    for entry in ws.ledger.entries(kind="release"):
        if entry.body["release"] == release:
            return candidate_of(ws, entry.body["candidate"])
    return None


def champion_candidate(ws: Workspace, now: Roles) -> Candidate | None:
    """The candidate behind the champion."""
    found = candidate_behind(ws, now.champion)
    return found[0] if found else None


def evaluation_of(ws: Workspace, entry: Entry) -> Evaluation | None:
    """The evaluation that a fit's entry names."""
    name = entry.body["artifacts"].get("evaluation")
    return ws.artifacts.get_record(Evaluation, name) if name else None
