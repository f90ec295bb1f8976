"""A ceiling over the time that an answer takes."""

from __future__ import annotations

from typing import Literal

from keepfit.evaluation import Evaluation
from keepfit.gate import Answer
from keepfit.gates.limit import Claim, against_limit
from keepfit.spec.strict import Length, Strict

__all__ = ["Latency"]


def _shown(micros: float) -> str:
    return f"{micros / 1000:.3g} ms"


class Latency(Strict):
    """99 of 100 answers for one row must take at most `limit` of processor time, on the machine that fitted the model.

    The time of the network, of the server, and of waiting for a processor comes on top. It does not keep a worse champion:
    where the champion's own time is no shorter, the gate does not apply.
    """

    kind: Literal["latency"] = "latency"
    limit: Length  #: a duration, such as 2ms

    def __call__(self, candidate: Evaluation, champion: Evaluation | None) -> Answer:
        mine, theirs = candidate.serving, champion.serving if champion else None
        if mine is None:
            return Answer("undecided", "no answer of this candidate was timed", "fit it again: keepfit run")
        limit = float(self.limit.microseconds)
        if mine.slow_high is None and mine.slow_low <= limit:
            says = f"99 of 100 answers take {_shown(mine.slow)}, at most {_shown(limit)}; {mine.rows:,} answers were timed"
            return Answer("undecided", says, "about 370 test rows are needed to bound it")
        high = max(mine.slow_high or mine.slow, mine.slow)
        claim = Claim("99 of 100 answers take", mine.slow, min(mine.slow_low, mine.slow), high, mine.rows, theirs.slow if theirs else None)
        return against_limit(candidate, [claim], limit, side="at most", show=_shown)
