"""`[monitor]`: how live traffic is judged."""

from __future__ import annotations

from pydantic import field_validator

from keepfit.instant import Duration
from keepfit.spec.strict import Length, Strict

__all__ = ["MonitorSpec"]


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
