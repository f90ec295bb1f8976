"""Non-inferiority to the model that serves now."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from keepfit.evaluation import Evaluation
from keepfit.gate import Answer, Status
from keepfit.spec.strict import Strict

__all__ = ["NoWorseThanChampion"]


class NoWorseThanChampion(Strict):
    """The candidate may lose at most `margin` against the champion, and we must be sure of it.

    Both models are scored on the same rows, none of which either was fitted on, so the interval is that
    of the paired gain. A wide interval is undecided: not knowing is not passing.
    """

    kind: Literal["no_worse_than_champion"] = "no_worse_than_champion"
    metric: str
    margin: Annotated[float, Field(ge=0)]  #: in the metric's own unit, more being better

    def __call__(self, candidate: Evaluation, champion: Evaluation | None) -> Answer:
        if champion is None:
            return Answer("not_applicable", "there is no champion to compare with")
        if champion.count == 0:
            return Answer(
                "undecided", f"too few rows are new to both this candidate and the champion ({champion.candidate}): take newer ones"
            )
        if self.metric not in candidate.metrics or self.metric not in champion.metrics:
            return Answer("undecided", f"{self.metric} cannot be measured on these {candidate.count} rows")
        gain = candidate.gain_over(champion, self.metric)
        status: Status = "passed" if gain.low >= -self.margin else "failed" if gain.high < -self.margin else "undecided"
        return Answer(status, f"{self.metric}: gain {gain} over the champion, loss allowed {self.margin:g}")
