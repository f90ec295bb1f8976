"""Pace: whether answers came, and how fast, beside the window before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keepfit.loop import fold, log
from keepfit.notice import Pace, of_failures, of_latency
from keepfit.signal import Signal
from keepfit.window import Interval
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import polars as pl

__all__ = ["of_answers"]


def of_answers(ws: Workspace, window: Interval, told: pl.DataFrame, fields: tuple[str, ...]) -> list[Signal]:
    """What the loop must know of how a release answered in a window, whatever it said.

    Parameters
    ----------
    told : its answers
    fields : the output fields that every answer has
    """
    import polars as pl  # the command line starts without it

    columns = [name for field in fields if (name := f"{fold.OUTPUT}{field}") in told.columns]
    failed = told.height - told.filter(pl.all_horizontal(pl.col(*columns).is_not_null())).height if columns else told.height
    found = [of_failures(failed, told.height)]
    now = _pace(told)
    if now.answers:
        length = window.end - window.begin
        earlier = log.predictions(ws, within=Interval(window.begin - length, window.begin), columns=["latency_us"])
        role = told["role"][0]
        found.append(of_latency(now, _pace(earlier.filter(pl.col("role") == role))))
    return [one for one in found if one is not None]


def _pace(answered: pl.DataFrame) -> Pace:
    took = answered["latency_us"].drop_nulls()
    return Pace(took.len(), float(took.quantile(0.95) or 0.0))
