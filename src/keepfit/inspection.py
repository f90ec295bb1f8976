"""An inspection: what a look at a table came to, before anything is learned from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from keepfit.suspicion import Suspicion
from keepfit.violation import Violation

__all__ = ["Inspection"]


@dataclass(frozen=True, slots=True)
class Inspection:
    """What changed since the table that was taken before, what does not fit its schema, and what is suspected of it.

    `rows` were looked at; `aside` of them were left out and kept aside.
    """

    record: ClassVar[str] = "inspection"
    version: ClassVar[int] = 1

    rows: int
    aside: int
    changes: tuple[str, ...]
    violations: tuple[Violation, ...]
    suspicions: tuple[Suspicion, ...]

    @property
    def clean(self) -> bool:
        """Whether nothing is broken and nothing suspected; a table may change."""
        return not self.violations and not self.suspicions
