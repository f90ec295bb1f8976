"""`[problem]`: what is to be decided, and what the decision is worth."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from keepfit.instant import Duration
from keepfit.spec.strict import Length, Strict

__all__ = ["ProblemSpec", "ValueSpec"]


class ValueSpec(Strict):
    """What one decision is worth, in the owner's unit, against doing nothing."""

    true_positive: float = 0.0
    false_positive: float = 0.0
    true_negative: float = 0.0
    false_negative: float = 0.0


class ProblemSpec(Strict):
    """The problem, stated once."""

    #: Names the project in the ledger, in routes and in metrics.
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
    #: One sentence for people.
    statement: str = ""
    #: A kind of task.
    task: str = "binary"
    #: The column to predict.
    target: str
    #: The target's value to find, for a binary task; `true`, or the rarer of two values, by default.
    positive: bool | int | str | None = None
    #: The column that says when a row's decision is due; splits, windows and label delays follow it.
    time: str | None = None
    #: The columns that together name one row.
    key: Annotated[tuple[str, ...], Field(strict=False)] = ()
    #: How long after `time` the truth is known.
    label_delay: Length = Duration(0)
    #: What a decision is worth.
    value: ValueSpec | None = None

    @model_validator(mode="after")
    def _target_is_no_key(self) -> ProblemSpec:
        if self.target in self.key:
            raise ValueError(f"target {self.target!r} cannot be part of the key: it would have to be known before it is predicted")
        if self.target == self.time:
            raise ValueError(f"target and time cannot be the same column {self.target!r}")
        return self
