"""A label: a late truth about a prediction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

__all__ = ["Label"]


@dataclass(frozen=True, slots=True)
class Label:
    """A value that became known after the answer.

    It names its prediction by id, or by the row's key (canonical JSON). The target is the label named after it; others may
    stand beside it. `observed_at` is when it became true in the world, `received_at` when it came here.
    """

    record: ClassVar[str] = "label"
    version: ClassVar[int] = 1

    prediction: str | None
    key: str | None
    name: str
    value: bool | int | float | str | None
    source: Literal["system", "person", "judge"]
    by: str
    observed_at: datetime | None
    received_at: datetime
    supersedes: str | None = None
