"""Run: take, fit, judge, release, each only when its inputs changed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import ClassVar

from keepfit.candidate import Candidate
from keepfit.evaluation import Evaluation
from keepfit.inspection import Inspection
from keepfit.loop.fit import Fit, fit
from keepfit.loop.judge import Judged, judge
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
    """What a run came to. `changed` is false when nothing had to be done; `inspection` says what was found in the data.

    `seconds` is how long the steps took, by their name.
    """

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
    inspection: Inspection | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        return self.verdict.exit_code


def run(ws: Workspace, *, now: datetime, progress: Progress = silent) -> Run:
    """From the source to a judged release.

    A candidate whose every gate passed, or does not apply, becomes the champion; any other changes nothing.
    """
    ws.check()
    before = ws.ledger.head()
    began = [time.monotonic()]
    progress("taking the data")
    taken = take(ws, now=now)
    began.append(time.monotonic())
    fitted = fit(ws, taken, now=now, progress=progress)
    assert fitted.evaluation is not None
    began.append(time.monotonic())
    progress("judging")
    released = None
    judged = judge(ws, fitted, taken, now=now)
    began.append(time.monotonic())
    if judged.verdict.status == "passed":
        entry = release(ws, fitted.candidate, role=_role(fitted, judged), because="every gate passed", cause=[judged.entry.key], now=now)
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
        taken.inspection,
        {step: round(end - begin, 3) for step, (begin, end) in zip(("take", "fit", "judge"), pairwise(began), strict=True)},
    )


def _role(fitted: Fit, judged: Judged) -> Role:
    """Champion, unless something about the model was not judged: then it waits in the shadow for its race.

    A final fit on all rows is not the model that was measured; and a champion that knows all of the test rows,
    as one refitted on newer data does, could not be compared.
    """
    unjudged = fitted.candidate.final_fit == "all" or (judged.champion is not None and judged.champion.count == 0)
    return "shadow" if unjudged else "champion"
