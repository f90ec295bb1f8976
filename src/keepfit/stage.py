"""A delivery stage: a challenger answers a share of the requests until a test ends the stage."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal, TypeAlias

__all__ = ["Canary", "StageTest", "stage_of"]

Says: TypeAlias = Literal["passed", "failed", "undecided"]


@dataclass(frozen=True, slots=True)
class StageTest:
    """What a test said of a stage, on what was answered between `begin` and `end`.

    `gain` is how much the challenger's loss lies below the champion's on the same rows, on average over all `rows`;
    `no_worse` and `worse` are the logarithms of the evidence against the opposite, and None before labels are known.
    """

    record: ClassVar[str] = "stage"
    version: ClassVar[int] = 1

    release: str
    stage: int
    begin: datetime
    end: datetime
    rows: int
    units: int
    gain: float | None
    no_worse: float | None
    worse: float | None
    says: Says
    because: str

    @property
    def noted(self) -> dict[str, Any]:
        """What its entry says of it beside the interval."""
        return {
            "release": self.release,
            "stage": self.stage,
            "rows": self.rows,
            "units": self.units,
            "gain": self.gain,
            "no_worse": self.no_worse,
            "worse": self.worse,
            "says": self.says,
            "because": self.because,
        }


@dataclass(frozen=True, slots=True)
class Canary:
    """The challenger that answers now: its stage, counted from 0, since when, and what the newest test of it said.

    It is looked at once every `look`, `tested` up to an instant; the stage ends by `ends` at the latest. `trouble`
    says what broke in its own answers.
    """

    release: str
    stage: int
    since: datetime
    look: timedelta
    ends: datetime
    tested: datetime | None = None
    says: Says = "undecided"
    trouble: str = ""

    def next_look(self, now: datetime) -> datetime | None:
        """The end of what can be looked at and was not; None where there is nothing new."""
        looks = (now - self.since) // self.look
        end = self.since + looks * self.look
        return end if looks > 0 and (self.tested is None or end > self.tested) else None


def stage_of(share: float, stages: tuple[float, ...]) -> int:
    """The stage in which a canary is, by the share that it answers; the project file may have changed since.

    >>> stage_of(0.05, (0.05, 0.25)), stage_of(0.2, (0.05, 0.25)), stage_of(0.25, (0.05, 0.25))
    (0, 0, 1)
    """
    return max(sum(1 for stage in stages if stage <= share + 1e-9) - 1, 0)
