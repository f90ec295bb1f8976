"""A gate: a rule that a candidate must pass; its outcome says whether it did, or that nobody can tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, TypeAlias

from keepfit.evaluation import Evaluation

__all__ = ["Answer", "Asked", "Gate", "Outcome", "Status", "asked"]

Status: TypeAlias = Literal["passed", "failed", "undecided", "not_applicable"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a gate says: its status, why in words with numbers, and what would have to change where it did not pass."""

    status: Status
    because: str
    change: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A gate's answer under the name that the project file gives it."""

    record: ClassVar[str] = "outcome"
    version: ClassVar[int] = 1

    gate: str
    kind: str
    status: Status
    because: str
    change: str = ""


class Gate(Protocol):
    """A rule with its options; `keepfit.testing.gate` tests one.

    A gate may have `metric`, the metric that it asks for, which the workspace holds against the task, and `by`, the
    column whose groups it asks for, which are then measured whatever else is.
    """

    kind: str

    def __call__(self, candidate: Evaluation, champion: Evaluation | None) -> Answer:
        """Judge a candidate; `champion` was measured on the same rows, None when there is none, its `count` 0 when it could not be."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """What a gate asks to be measured: a metric, None for none or the one by which candidates compete, and a column."""

    metric: str | None
    by: str | None


def asked(gate: Gate) -> Asked:
    """What a gate asks to be measured."""
    return Asked(getattr(gate, "metric", None), getattr(gate, "by", None))
