"""Run: take, fit, judge, release, each only when its inputs changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from keepfit.candidate import Candidate
from keepfit.evaluation import Evaluation
from keepfit.loop.fit import fit
from keepfit.loop.judge import judge
from keepfit.loop.release import release
from keepfit.loop.take import take
from keepfit.progress import Progress, silent
from keepfit.release import Role
from keepfit.snapshot import Snapshot
from keepfit.verdict import Verdict
from keepfit.workspace import Workspace

__all__ = ["Run", "run"]


@dataclass(frozen=True, slots=True)
class Run:
    """What a run came to. `changed` is false when nothing had to be done."""

    record: ClassVar[str] = "run"
    version: ClassVar[int] = 1

    changed: bool
    snapshot: Snapshot
    new_parts: int
    candidate: Candidate
    evaluation: Evaluation
    verdict: Verdict
    released: str | None
    champion: str | None

    @property
    def exit_code(self) -> int:
        return self.verdict.exit_code


def run(ws: Workspace, *, now: datetime, progress: Progress = silent) -> Run:
    """From the source to a judged release.

    A candidate whose every gate passed, or does not apply, becomes the champion; any other changes nothing.
    """
    ws.check()
    before = ws.ledger.head()
    progress("taking the data")
    taken = take(ws, now=now)
    fitted = fit(ws, taken, now=now, progress=progress)
    assert fitted.evaluation is not None
    progress("judging")
    released = None
    judged = judge(ws, fitted, taken, now=now)
    if judged.verdict.status == "passed":
        # A final fit on all rows is not the model that was judged, so it waits in the shadow.
        role: Role = "shadow" if fitted.candidate.final_fit == "all" else "champion"
        entry = release(ws, fitted.candidate, role=role, because="every gate passed", cause=[judged.entry.key], now=now)
        released = entry.body["release"] if entry.seq > before.seq else None
    changed = ws.ledger.head() != before
    return Run(
        changed,
        taken.snapshot,
        taken.entry.body["new_parts"] if taken.entry.seq > before.seq else 0,
        fitted.candidate,
        judged.candidate,
        judged.verdict,
        released,
        ws.roles().champion,
    )
