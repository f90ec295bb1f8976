"""An interval against a limit: what `at_least` and `at_most` share."""

from __future__ import annotations

import math
from typing import Literal

from keepfit.evaluation import Evaluation
from keepfit.gate import Answer, Status

__all__ = ["against_limit"]


def against_limit(
    candidate: Evaluation, champion: Evaluation | None, metric: str, limit: float, *, side: Literal["at least", "at most"]
) -> Answer:
    """Passed when the whole interval is on the right side, failed when it is on the wrong one, else undecided."""
    measured = candidate.metrics.get(metric)
    if measured is None:
        return Answer("undecided", f"{metric} cannot be measured on these {candidate.count} rows")
    sign = 1.0 if side == "at least" else -1.0
    says = f"{metric} {measured}, {side} {limit:g}"
    if measured.low is None or measured.high is None:
        return Answer("undecided", f"{says}; one {candidate.unit} of rows says nothing about its variation")
    worst, best = sorted((sign * measured.low, sign * measured.high))
    status: Status = "passed" if worst >= sign * limit else "failed" if best < sign * limit else "undecided"
    if status == "passed":
        return Answer(status, says)
    theirs = champion.metrics.get(metric) if champion else None
    if theirs is not None and sign * theirs.value <= sign * measured.value:
        return Answer("not_applicable", f"{says}; the champion has {theirs} on the same rows, which is no better")
    return Answer(status, says + (_more_rows(candidate, measured.value, worst, best, limit) if status == "undecided" else ""))


def _more_rows(candidate: Evaluation, value: float, worst: float, best: float, limit: float) -> str:
    """How many more rows would settle it, were the value to stay: an interval narrows with the root of its rows."""
    distance = abs(value - limit)
    if distance == 0:
        return "; the value is the limit itself"
    needed = candidate.count * ((best - worst) / 2 / distance) ** 2 - candidate.count
    digits = 10 ** max(0, math.floor(math.log10(max(needed, 1))))
    more = math.ceil(needed / digits) * digits
    return f"; the interval straddles the limit: about {more:,} more rows ({candidate.count:,} now) would settle it"
