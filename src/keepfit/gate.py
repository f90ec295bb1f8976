"""A gate: a rule that a candidate must pass; its outcome says whether it did, or that nobody can tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, TypeAlias

from keepfit.evaluation import Evaluation

__all__ = ["Answer", "Gate", "Outcome", "Status"]

Status: TypeAlias = Literal["passed", "failed", "undecided", "not_applicable"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a gate says: its status, and why in words with numbers."""

    status: Status
    because: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """A gate's answer under the name that the project file gives it."""

    record: ClassVar[str] = "outcome"
    version: ClassVar[int] = 1

    gate: str
    kind: str
    status: Status
    because: str


class Gate(Protocol):
    """A rule with its options."""

    kind: str
    #: The metric that it asks for; the workspace checks that the task has it.
    metric: str

    def __call__(self, candidate: Evaluation, champion: Evaluation | None) -> Answer:
        """Judge a candidate; `champion` was measured on the same rows, None when there is none."""
        ...
