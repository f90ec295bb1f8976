"""A signal: one thing about a window that the loop must know of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

__all__ = ["Severity", "Signal", "SignalKind", "worst"]

SignalKind: TypeAlias = Literal["data", "drift", "prediction", "quality", "calibration", "latency", "errors"]
Severity: TypeAlias = Literal["info", "warning", "critical"]

_ORDER: tuple[Severity, ...] = ("info", "warning", "critical")


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing about a window; the loop opens, updates and closes incidents by it.

    `data` says that the feed is broken, `drift` that a column moved so far that it matters to the model, `prediction`
    that its answers moved; `quality` that it is worse than at its release, `calibration` that it expects too much or
    too little; `latency` and `errors` that answering is. `about` is the column, metric or field, empty for the whole
    window. `effect` is in a unit that `because` names; `because` holds numbers and never a value from a row.
    """

    record: ClassVar[str] = "signal"
    version: ClassVar[int] = 1

    kind: SignalKind
    about: str
    severity: Severity
    effect: float
    because: str

    @property
    def noted(self) -> dict[str, Any]:
        """What the ledger's entry of a window says of it: all but the words."""
        return {"kind": self.kind, "about": self.about, "severity": self.severity, "effect": self.effect}


def worst(signals: Iterable[Signal]) -> Severity | None:
    """The gravest severity among signals; None without any.

    >>> worst([Signal("drift", "a", "info", 0.1, ""), Signal("quality", "", "warning", 0.2, "")])
    'warning'
    """
    return max((signal.severity for signal in signals), key=_ORDER.index, default=None)
