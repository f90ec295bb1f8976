"""Superiority to answers that need no model."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from keepfit.evaluation import BASELINES, Evaluation
from keepfit.gate import Answer
from keepfit.gates.limit import unmeasurable
from keepfit.gates.paired import Asks, Compared, against
from keepfit.spec.strict import Strict

__all__ = ["BetterThanBaseline"]


class BetterThanBaseline(Strict):
    """The candidate must gain more than `margin` over every baseline: a constant answer, and where there is time the last known label.

    Paired on the same rows. It is on by default; write `better_than_baseline = false` in `[gates]` to do without. It does
    not keep a worse champion: where the champion's own value on the same rows is no better, the gate does not apply.
    """

    kind: Literal["better_than_baseline"] = "better_than_baseline"
    metric: str | None = None  #: by default the one by which candidates compete
    margin: Annotated[float, Field(ge=0)] = 0.0  #: in the metric's own unit, more being better

    def __call__(self, candidate: Evaluation, champion: Evaluation | None) -> Answer:
        metric = self.metric or candidate.selects
        if metric not in candidate.metrics:
            return unmeasurable(candidate, metric)
        names = [name for name, measured in candidate.baselines.items() if metric in measured]
        if not names:
            return Answer("undecided", f"no baseline's {metric} was measured on these {candidate.count:,} rows")
        compared = [Compared(BASELINES.get(name, name), candidate.gain_over_baseline(name, metric), candidate.count) for name in names]
        asks = Asks(self.margin, strict=True, says=f"more than {self.margin:g} asked for" if self.margin else "")
        answer = against(candidate, compared, asks)
        mine, theirs = candidate.metrics[metric], champion.metrics.get(metric) if champion else None
        sign = 1.0 if mine.better == "higher" else -1.0
        if answer.status == "passed" or theirs is None or sign * theirs.value > sign * mine.value:
            return answer
        says = f"{answer.because}; the champion has {theirs} on the same rows, the candidate {mine}: it is no better"
        return Answer("not_applicable", says)
