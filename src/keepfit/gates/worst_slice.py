"""No part of the rows in which the model is much weaker."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from keepfit.evaluation import Evaluation
from keepfit.gate import Answer
from keepfit.gates.limit import Claim, against_limit
from keepfit.spec.strict import Strict

__all__ = ["WorstSlice"]


class WorstSlice(Strict):
    """In no slice may the candidate be behind the other rows by more than `limit`, in the metric by which candidates compete.

    Slices are looked for on rows left out of the folds and confirmed on the rows that judge, with intervals that
    hold for all of them together. It does not keep a worse champion: a slice in which the champion is no less behind
    is excused.
    """

    kind: Literal["worst_slice"] = "worst_slice"
    limit: Annotated[float, Field(ge=0)]  #: in the metric's own unit

    def __call__(self, candidate: Evaluation, champion: Evaluation | None) -> Answer:
        if candidate.suspected is None:
            return Answer("undecided", "no slices were looked for", 'they are with evaluation = "full" in [model]')
        if not candidate.suspected:
            return Answer("passed", "no slice was suspected of being weaker on the rows left out of the folds")
        theirs = {one.where: one.behind.value for one in champion.slices or ()} if champion else {}
        claims = [
            Claim(
                f"{one.metric} behind the other rows",
                one.behind.value,
                one.behind.low,
                one.behind.high,
                one.count,
                theirs.get(one.where),
                f"where {one.where}",
            )
            for one in candidate.slices
        ]
        missing = candidate.suspected - len(claims)
        says = f"{missing} of {candidate.suspected} suspected slices could not be measured on these {candidate.count:,} rows"
        if not claims:
            return Answer("undecided", says, "take data with more of their rows")
        answer = against_limit(candidate, claims, self.limit, side="at most")
        if missing and answer.status == "passed":
            return Answer("undecided", f"{answer.because}; {says}", "take data with more of their rows")
        return answer
