"""A ceiling over a metric."""

from __future__ import annotations

from typing import Literal

from keepfit.evaluation import Evaluation
from keepfit.gate import Answer
from keepfit.gates.limit import against_limit
from keepfit.spec.strict import Strict

__all__ = ["AtMost"]


class AtMost(Strict):
    """The whole interval of a metric must lie at or below `limit`.

    It does not keep a worse champion: where the champion's own value on the same rows is no better, the
    gate does not apply.
    """

    kind: Literal["at_most"] = "at_most"
    metric: str
    limit: float  #: in the metric's own unit

    def __call__(self, candidate: Evaluation, champion: Evaluation | None) -> Answer:
        return against_limit(candidate, champion, self.metric, self.limit, side="at most")
