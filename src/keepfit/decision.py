"""Decisions of people about the loop: approvals, vetoes, a freeze and its end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Literal, TypeAlias

from keepfit.ledger import Entry

__all__ = ["REFIT", "Decision", "Decisions", "Says", "decisions"]

#: `wanted` is the loop's own: it asks for a decision.
Says: TypeAlias = Literal["approve", "veto", "freeze", "unfreeze", "wanted"]

#: What a decision is about when it is not a release: refitting, after it was given up or its data was refused.
REFIT = "refit"


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about a release, or about refitting; about the whole project for a freeze."""

    record: ClassVar[str] = "decision"
    version: ClassVar[int] = 1

    says: Says
    about: str
    by: str
    at: datetime
    because: str
    seq: int = 0

    @property
    def noted(self) -> dict[str, Any]:
        """The body of its entry; who and when stand in the entry itself."""
        return {"decision": self.says, "about": self.about, "because": self.because}


@dataclass(frozen=True, slots=True)
class Decisions:
    """What holds now: who froze the project, and the newest decision about each thing.

    `count` is how many there are, `seq` the place of the newest.
    """

    frozen: Decision | None = None
    newest: dict[str, Decision] = field(default_factory=dict)
    wanted: dict[str, Decision] = field(default_factory=dict)
    count: int = 0
    seq: int = 0

    def says(self, about: str) -> Says | None:
        """What was decided last about a release, or about refitting."""
        found = self.newest.get(about)
        return found.says if found else None

    @property
    def waiting(self) -> tuple[Decision, ...]:
        """What was asked and not decided since, oldest first."""
        return tuple(one for about, one in self.wanted.items() if about not in self.newest or self.newest[about].seq < one.seq)


def decisions(entries: Iterable[Entry]) -> Decisions:
    """What holds after the ledger's entries of kind `decision`."""
    frozen: Decision | None = None
    newest: dict[str, Decision] = {}
    wanted: dict[str, Decision] = {}
    count = seq = 0
    for entry in entries:
        body = entry.body
        one = Decision(body["decision"], body["about"], entry.actor, entry.at, body["because"], entry.seq)
        count, seq = count + 1, entry.seq
        if one.says == "freeze":
            frozen = frozen or one
        elif one.says == "unfreeze":
            frozen = None
        else:
            (wanted if one.says == "wanted" else newest)[one.about] = one
    return Decisions(frozen, newest, wanted, count, seq)
