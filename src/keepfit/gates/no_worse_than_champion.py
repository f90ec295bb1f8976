"""Non-inferiority to the model that serves now."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from keepfit.evaluation import Evaluation
from keepfit.gate import Answer
from keepfit.gates.limit import Small
from keepfit.gates.paired import Asks, against_champion
from keepfit.spec.strict import Strict

__all__ = ["NoWorseThanChampion"]


class NoWorseThanChampion(Strict):
    """The candidate may lose at most `margin` against the champion, in every group of the column `by` where one is named.

    Both models are scored on the same rows, none of which either was fitted, tuned or calibrated on, so the interval is
    that of the paired gain. A wide interval is undecided: not knowing is not passing.
    """

    kind: Literal["no_worse_than_champion"] = "no_worse_than_champion"
    metric: str
    margin: Annotated[float, Field(ge=0)]  #: in the metric's own unit, more being better
    by: str | None = None  #: a column; the intervals of its groups hold together
    small: Small = "undecided"  #: what groups of too few rows make of it

    def __call__(self, candidate: Evaluation, champion: Evaluation | None) -> Answer:
        asks = Asks(-self.margin, strict=False, says=f"loss allowed {self.margin:g}")
        return against_champion(candidate, champion, self.metric, asks, by=self.by, small=self.small)
