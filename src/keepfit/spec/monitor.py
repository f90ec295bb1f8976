"""`[monitor]`, `[refit]` and `[serve]`: how live traffic is judged, and what follows from it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from keepfit.instant import Duration
from keepfit.spec.strict import Length, Strict

__all__ = ["MonitorSpec", "RefitSpec"]


SHORTEST_WINDOW = Duration.parse("1m")


def days(count: int) -> Duration:
    return Duration.parse(f"{count}d")


class MonitorSpec(Strict):
    """How a window of live traffic is judged."""

    #: How long a window is. Windows of `7d` begin on Mondays, others are counted from 1970-01-05, at 00:00 UTC.
    window: Length = days(7)

    @field_validator("window")
    @classmethod
    def _long_enough(cls, value: Duration) -> Duration:
        if value < SHORTEST_WINDOW:
            raise ValueError(f"a window is at least {SHORTEST_WINDOW} long")
        return value


class RefitSpec(Strict):
    """When a challenger is fitted, and when it takes over."""

    #: "window": a challenger is fitted whenever a window's labels are due. "off": never.
    challenger: Literal["window", "off"] = "window"
    #: What a refit learns from: the source taken again, the prediction log joined with its labels, or both.
    data: Literal["source", "log", "both"] = "both"
    #: The least time between two promotions.
    cooldown: Length = days(7)
    #: Rows with a known target that a window needs before a challenger is fitted or compared.
    minimum_labels: Annotated[int, Field(ge=1)] = 1000
    #: "auto": a challenger that wins and passes the gates takes over. "approval": a person promotes it.
    promote: Literal["auto", "approval"] = "auto"
