"""A ceiling over a metric."""

from __future__ import annotations

from typing import Literal

from keepfit.evaluation import Evaluation
from keepfit.gate import Answer
from keepfit.gates.limit import Small, hold
from keepfit.spec.strict import Strict

__all__ = ["AtMost"]


class AtMost(Strict):
    """The whole interval of a metric must lie at or below `limit`, in every group of the column `by` where one is named.

    It does not keep a worse champion: where the champion's own value on the same rows is no better, the
    gate does not apply.
    """

    kind: Literal["at_most"] = "at_most"
    metric: str
    limit: float  #: in the metric's own unit
    by: str | None = None  #: a column; the intervals of its groups hold together
    small: Small = "undecided"  #: what groups of too few rows make of it

    def __call__(self, candidate: Evaluation, champion: Evaluation | None) -> Answer:
        return hold(candidate, champion, self.metric, self.limit, side="at most", by=self.by, small=self.small)
