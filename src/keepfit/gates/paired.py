"""A candidate against another answer on the same rows: what the gates that compare share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from keepfit.evaluation import Evaluation, Gain
from keepfit.gate import Answer, Status
from keepfit.gates.limit import Claim, Small, few, of_one, settles, unmeasurable, with_rest

__all__ = ["Asks", "Compared", "against", "against_champion"]


@dataclass(frozen=True, slots=True)
class Compared:
    """A paired gain, over whom (and in which group), on how many rows."""

    over: str
    gain: Gain
    rows: int


@dataclass(frozen=True, slots=True)
class Asks:
    """What a gain must be: at least `least` with its whole interval, or above it where `strict`; `says` it for people."""

    least: float
    strict: bool
    says: str

    def status(self, gain: Gain) -> Status:
        if gain.low > self.least or (gain.low == self.least and not self.strict):
            return "passed"
        return "failed" if gain.high < self.least or (gain.high == self.least and self.strict) else "undecided"


def against_champion(
    candidate: Evaluation, champion: Evaluation | None, metric: str, asks: Asks, *, by: str | None, small: Small
) -> Answer:
    """Hold the paired gain over the champion against what is asked, overall or in each group of the column `by`."""
    if champion is None:
        return Answer("not_applicable", "there is no champion to compare with")
    if champion.count == 0:
        why = champion.left_out.get("rows", "too few rows are new to both this candidate and the champion")
        return Answer("undecided", f"{why} ({champion.candidate})", "take newer rows")
    for measured in (candidate, champion):
        if metric not in measured.metrics:
            return unmeasurable(measured, metric)
    if by is None:
        return against(candidate, [Compared("the champion", candidate.gain_over(champion, metric), candidate.count)], asks)
    compared, unmeasured = [], []
    gains = candidate.gains_by_group(champion, metric, by)
    for name, group in candidate.groups.get(by, {}).items():
        if name in gains:
            compared.append(Compared(f"the champion where {by} is {name}", gains[name], group.count))
        else:
            unmeasured.append(f"{metric} cannot be compared where {by} is {name} ({group.count:,} rows)")
    if not compared:
        return Answer("undecided", f"{metric} cannot be compared in any group of '{by}' on these {candidate.count:,} rows")
    return with_rest(candidate, by, unmeasured, small, against(candidate, compared, asks))


def against(candidate: Evaluation, compared: Sequence[Compared], asks: Asks) -> Answer:
    """Passed when every gain is what is asked, failed when one surely is not, else undecided: not knowing is not passing."""
    ordered = sorted(compared, key=lambda one: one.gain.value)
    status = {one: asks.status(one.gain) for one in ordered}
    failed, undecided = ([one for one in ordered if status[one] == wanted] for wanted in ("failed", "undecided"))
    told = failed or undecided or ordered[:1]
    among = f", the least of {len(ordered)}" if told == ordered[:1] and len(ordered) > 1 else ""
    says = f", {asks.says}" if asks.says else ""
    gains = "; ".join(f"gain {one.gain} over {one.over}" for one in told[:3])
    because = few(candidate, f"{told[0].gain.metric}: {gains}{among}{says}")
    if failed:
        worst = min(failed, key=lambda one: one.gain.high)
        misses = abs(worst.gain.high - asks.least)
        return Answer("failed", because, f"even the good end of the gain over {worst.over} misses it by {misses:.4g}" if misses else "")
    if undecided:
        wide = max(undecided, key=lambda one: one.gain.high - one.gain.low)
        if not math.isfinite(wide.gain.high - wide.gain.low):
            return Answer("undecided", because, of_one(candidate))
        claim = Claim("gain", wide.gain.value, wide.gain.low, wide.gain.high, wide.rows)
        return Answer("undecided", because, settles(claim, asks.least))
    return Answer("passed", because)
