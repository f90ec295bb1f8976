"""A step of the loop: what it is given, and what it came to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from keepfit.action import Action
from keepfit.evaluation import Gain
from keepfit.incident import State
from keepfit.loop.state import Told
from keepfit.policy import Policy
from keepfit.progress import Progress
from keepfit.stage import StageTest
from keepfit.verdict import Verdict
from keepfit.workspace import Workspace

__all__ = ["Came", "Step"]


@dataclass(frozen=True, slots=True)
class Step:
    """What a step is given: the workspace that it may write through, what is due, and what was read before."""

    ws: Workspace
    action: Action
    state: State
    told: Told
    policy: Policy
    now: datetime
    progress: Progress


@dataclass(frozen=True, slots=True)
class Came:
    """What a step came to, and in a few words why where that is not plain."""

    candidate: str | None = None
    release: str | None = None
    gain: Gain | None = None
    verdict: Verdict | None = None
    test: StageTest | None = None
    why: str = ""
