"""A verdict: the outcomes of all gates together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from keepfit.evaluation import Evaluation
from keepfit.gate import Gate, Outcome, Status

__all__ = ["Verdict", "judge"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Every gate's outcome for one candidate, against one champion, on one set of rows."""

    record: ClassVar[str] = "verdict"
    version: ClassVar[int] = 1

    candidate: str
    champion: str | None
    rows: str
    outcomes: tuple[Outcome, ...]

    @property
    def status(self) -> Status:
        """`failed` when one failed, else `undecided` when one is, else `passed`: not knowing is not passing."""
        said = {outcome.status for outcome in self.outcomes}
        return "failed" if "failed" in said else "undecided" if "undecided" in said else "passed"

    @property
    def exit_code(self) -> int:
        return {"failed": 1, "undecided": 2}.get(self.status, 0)


def judge(gates: Mapping[str, Gate], candidate: Evaluation, champion: Evaluation | None) -> Verdict:
    """Ask every gate."""
    outcomes = []
    for name, gate in gates.items():
        answer = gate(candidate, champion)
        outcomes.append(Outcome(name, gate.kind, answer.status, answer.because, answer.change))
    return Verdict(candidate.candidate, champion.candidate if champion else None, candidate.rows, tuple(outcomes))
