"""`[monitor]`: how live traffic is judged."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, field_validator

from keepfit.instant import Duration
from keepfit.spec.length import FEWEST_ROWS, RowCount, WindowLength
from keepfit.spec.strict import Strict

__all__ = ["MonitorSpec"]


SHORTEST_WINDOW = Duration.parse("1m")


def days(count: int) -> Duration:
    return Duration.parse(f"{count}d")


class MonitorSpec(Strict):
    """How a window of live traffic is judged."""

    #: How long a window is. Windows of `7d` begin on Mondays, others are counted from 1970-01-05, at 00:00 UTC. A number of
    #: answered rows, as in `5000 rows`, makes windows that end with the row that fills them, each beginning where the last one ended.
    window: WindowLength = days(7)

    #: The chance of one or more alarms in a window where nothing changed, over all columns and questions together.
    false_alarms: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    #: The least effect that matters: in standard deviations of a number, in the share of rows that a category moved by. It
    #: decides what the loop is told of, not what is found.
    min_effect: Annotated[float, Field(gt=0)] = 0.1

    #: Further statistics to show beside the rule, which they decide nothing of: names from the `drift` seam, or `module:function`.
    also: tuple[str, ...] = ()

    @field_validator("also", mode="before")
    @classmethod
    def _as_tuple(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @field_validator("also")
    @classmethod
    def _each_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError("a statistic stands there twice")
        return value

    @field_validator("window")
    @classmethod
    def _long_enough(cls, value: Duration | RowCount) -> Duration | RowCount:
        if isinstance(value, RowCount) and value.rows < FEWEST_ROWS:
            raise ValueError(f"a window holds at least {FEWEST_ROWS} rows")
        if isinstance(value, Duration) and value < SHORTEST_WINDOW:
            raise ValueError(f"a window is at least {SHORTEST_WINDOW} long")
        return value
