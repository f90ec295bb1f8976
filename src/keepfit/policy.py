"""The policy: what the project file says about refitting and promotion, as one value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from keepfit import digest, record
from keepfit.instant import Duration
from keepfit.spec.refit import RefitSpec, Trigger

__all__ = ["History", "Policy", "policy"]

Kept: TypeAlias = Literal["all", "since_change", "newest", "halving"]


@dataclass(frozen=True, slots=True)
class History:
    """Which rows a refit learns from: all, those since the change, the newest, or older ones ever more seldom."""

    kept: Kept = "all"
    length: Duration | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules for refitting and promotion; `stages` are the shares that a canary answers, one after another."""

    challenger: Literal["window", "off"] = "window"
    on: tuple[Trigger, ...] = ("challenger", "quality")
    every: int | None = None
    data: Literal["source", "log", "both"] = "both"
    history: History = field(default_factory=History)
    cooldown: Duration = field(default_factory=lambda: Duration.parse("7d"))
    minimum_labels: int = 1000
    budget: Duration = field(default_factory=lambda: Duration.parse("1h"))
    compute: Duration | None = None
    give_up_after: int = 3
    stages: tuple[float, ...] = ()
    promote: Literal["auto", "approval"] = "auto"

    @property
    def digest(self) -> str:
        """Names the policy in the cause of an action: under another one a given up action may be tried again."""
        return digest.of_value(record.plain(self))


def policy(spec: RefitSpec) -> Policy:
    """The project file's `[refit]` as a value."""
    return Policy(
        challenger=spec.challenger,
        on=spec.triggers,
        every=spec.every,
        data=spec.data,
        history=_history(spec.history),
        cooldown=spec.cooldown,
        minimum_labels=spec.minimum_labels,
        budget=spec.budget,
        compute=spec.compute,
        give_up_after=spec.give_up_after,
        stages=spec.shares,
        promote=spec.promote,
    )


def _history(text: str) -> History:
    if text == "all":
        return History("all")
    if text == "since_change":
        return History("since_change")
    halving = text.startswith("halving ")
    return History("halving" if halving else "newest", Duration.parse(text.removeprefix("halving ")))
