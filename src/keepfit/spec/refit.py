"""`[refit]`: when a challenger is fitted and from what, and when it takes over."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field, PlainSerializer

from keepfit.instant import Duration
from keepfit.spec.contradictions import Contradiction
from keepfit.spec.strict import Length, Strict

__all__ = ["Guard", "RefitSpec", "Trigger"]

Trigger: TypeAlias = Literal["challenger", "quality", "drift", "schedule"]
Guard: TypeAlias = Literal["flips", "flood", "vanished"]

_STAGE = re.compile(r"canary:\s*(\d+(?:\.\d+)?)\s*%")
_HALVING = re.compile(r"halving\s+(\S+)")


def _stage(text: str) -> str:
    found = _STAGE.fullmatch(text.strip())
    if found is None or not 0 < float(found[1]) < 100:
        raise ValueError(f"{text!r} is not a stage: write canary and a share between 0 and 100 %, as in canary:5%")
    return f"canary:{float(found[1]):g}%"


def _history(text: str) -> str:
    if text in {"all", "since_change"}:
        return text
    halving = _HALVING.fullmatch(text.strip())
    length = halving[1] if halving else text
    try:
        duration = Duration.parse(length)
    except ValueError:
        raise ValueError(f'{text!r} is none of "all", "since_change", a duration such as "365d", and "halving 90d"') from None
    if not duration.microseconds:
        raise ValueError(f"{text!r} leaves no row to learn from")
    return f"halving {duration}" if halving else str(duration)


class RefitSpec(Strict):
    """When a challenger is fitted, and when it takes over."""

    #: "window": a challenger is fitted whenever a window's labels are due. "off": only when something in `on` asks for it.
    challenger: Literal["window", "off"] = "window"
    #: What may make a challenger champion. "challenger": it beats the champion on the same rows. "quality": the champion is
    #: worse than at its release. "drift": what it sees moved so far that it matters. "schedule": every `every` windows.
    on: Annotated[tuple[Trigger, ...], Field(strict=False)] = ("challenger", "quality")
    #: Windows between two promotions by schedule.
    every: Annotated[int, Field(ge=1)] | None = None
    #: What a refit learns from: the source taken again, the prediction log joined with its labels, or both.
    data: Literal["source", "log", "both"] = "both"
    #: Which rows: "all"; those of a length of time, as in "365d"; "since_change": from the window on in which the open
    #: incident began; "halving 90d": all, but a row that is 90 days older is taken half as often.
    history: Annotated[str, AfterValidator(_history)] = "all"
    #: Recipes tried beside the champion's, on folds of the rows that are learned from. 0: one fit of the champion's recipe.
    trials: Annotated[int, Field(ge=0)] = 0
    #: The least time between two changes of the champion.
    cooldown: Length = Duration.parse("7d")
    #: Rows with a known target that a window needs before a challenger is fitted or compared.
    minimum_labels: Annotated[int, Field(ge=1)] = 1000
    #: The longest that one refit may take; then it counts as failed.
    budget: Length = Duration.parse("1h")
    #: The most that refits may take within 30 days, all together.
    compute: Length | None = None
    #: What is asked of the rows before a refit; one that finds something refuses them until a person approves. "flips": labels
    #: contradict most of the champion's confident answers; "flood": the newest rows repeat each other; "vanished": a segment is gone.
    guards: Annotated[tuple[Guard, ...], Field(strict=False)] = ("flips", "flood", "vanished")
    #: After so many failed attempts in a row nothing is tried again until a person approves it.
    give_up_after: Annotated[int, Field(ge=1)] = 3
    #: The stages between the shadow and the champion, as in ["canary:5%", "canary:25%"]: shares of the live requests.
    stages: Annotated[tuple[Annotated[str, AfterValidator(_stage), PlainSerializer(str)], ...], Field(strict=False)] = ()
    #: "auto": a challenger that wins and passes the gates takes over. "approval": a person approves it first.
    promote: Literal["auto", "approval"] = "auto"

    @property
    def triggers(self) -> tuple[Trigger, ...]:
        """`on` where the file says it; else all of its defaults that the other keys leave possible."""
        if "on" in self.model_fields_set:
            return self.on
        found = [name for name in self.on if name != "challenger" or self.challenger == "window"]
        return (*found, "schedule") if self.every is not None else tuple(found)

    @property
    def shares(self) -> tuple[float, ...]:
        """What a canary answers of the requests, stage by stage."""
        return tuple(float(stage.removeprefix("canary:").removesuffix("%")) / 100 for stage in self.stages)

    def contradictions(self) -> Iterator[Contradiction]:
        """All that cannot hold together."""
        on = self.triggers
        if "challenger" in on and self.challenger == "off":
            yield Contradiction(
                ("refit", "on"), "a challenger cannot win where none is fitted (challenger is off)", 'challenger = "window"'
            )
        if "schedule" in on and self.every is None:
            yield Contradiction(("refit", "on"), "a schedule needs its length, refit.every", "every = 4")
        if "schedule" not in on and self.every is not None:
            yield Contradiction(("refit", "every"), "no schedule is followed: refit.on does not hold it", 'add "schedule" to on')
        if len(set(on)) < len(on):
            yield Contradiction(("refit", "on"), "a trigger stands twice", "name each once")
        if any(later <= earlier for earlier, later in itertools.pairwise(self.shares)):
            yield Contradiction(("refit", "stages"), "the shares do not grow from stage to stage", 'as in ["canary:5%", "canary:25%"]')
        if self.stages and not on:
            yield Contradiction(("refit", "stages"), "nothing enters a stage by itself: on is empty", 'on = ["challenger", "quality"]')
        if self.promote == "approval" and not on:
            yield Contradiction(("refit", "promote"), "nobody is ever asked: refit.on is empty", 'on = ["challenger", "quality"]')
        if self.compute is not None and self.compute < self.budget:
            yield Contradiction(("refit", "budget"), "one refit may take longer than all within 30 days", f'budget = "{self.compute}"')
