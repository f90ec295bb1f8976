"""`[problem]`: what is to be decided, and what the decision is worth."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from keepfit.instant import Duration
from keepfit.spec.strict import Length, Strict

__all__ = ["ProblemSpec"]


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
    positive: bool | int | float | str | None = None
    #: The column that says when a row's decision is due; splits, windows and label delays follow it.
    time: str | None = None
    #: The columns that together name one row.
    key: Annotated[tuple[str, ...], Field(strict=False)] = ()
    #: How long after `time` the truth is known.
    label_delay: Length = Duration(0)
    #: What one decision is worth, in the owner's unit, by the names that the task has for its decisions; what is absent is 0.
    value: dict[str, float] | None = None
