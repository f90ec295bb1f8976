"""Intervals against a limit: what every gate with one shares."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from keepfit.evaluation import Evaluation
from keepfit.gate import Answer, Status
from keepfit.metric import number

__all__ = ["Claim", "Side", "Small", "against_limit", "few", "hold", "of_one", "overall", "settles", "unmeasurable", "with_rest"]

Side: TypeAlias = Literal["at least", "at most"]
#: What groups that could not be measured make of a rule that all others pass.
Small: TypeAlias = Literal["undecided", "pass_over"]
Show: TypeAlias = Callable[[float], str]
#: With fewer days or subjects than this an interval rests on so little that the answer says so.
FEW = 10
#: Claims that one answer tells of.
SHOWN = 3


@dataclass(frozen=True, slots=True)
class Claim:
    """A value that a rule limits: of what, on how many rows, the champion's value on the same rows, and in which of them.

    `low` and `high` are None where nothing is known of the variation, `theirs` where the champion was not measured.
    """

    of: str
    value: float
    low: float | None
    high: float | None
    rows: int
    theirs: float | None = None
    where: str = ""

    def shown(self, show: Show) -> str:
        interval = "" if self.low is None or self.high is None else f" [{show(self.low)}, {show(self.high)}]"
        return f"{self.of}{f' {self.where}:' if self.where else ''} {show(self.value)}{interval}"


def hold(
    candidate: Evaluation, champion: Evaluation | None, metric: str, limit: float, *, side: Side, by: str | None, small: Small
) -> Answer:
    """Hold a metric against a limit, overall or in each group of the column `by`."""
    if by is None:
        if metric not in candidate.metrics:
            return unmeasurable(candidate, metric)
        return against_limit(candidate, [overall(candidate, champion, metric)], limit, side=side)
    claims, unmeasured = _groups(candidate, champion, metric, by)
    if not claims:
        return Answer("undecided", f"{metric} cannot be measured in any group of '{by}' on these {candidate.count:,} rows")
    return with_rest(candidate, by, unmeasured, small, against_limit(candidate, claims, limit, side=side))


def overall(candidate: Evaluation, champion: Evaluation | None, metric: str) -> Claim:
    """The claim about a metric on all rows."""
    mine, theirs = candidate.metrics[metric], champion.metrics.get(metric) if champion else None
    return Claim(metric, mine.value, mine.low, mine.high, candidate.count, theirs.value if theirs else None)


def unmeasurable(evaluation: Evaluation, metric: str) -> Answer:
    """The answer where a metric was not measured."""
    why = evaluation.left_out.get(metric)
    return Answer("undecided", f"{metric} cannot be measured on these {evaluation.count:,} rows{f': {why}' if why else ''}")


def _groups(candidate: Evaluation, champion: Evaluation | None, metric: str, by: str) -> tuple[list[Claim], list[str]]:
    """The claims about a metric in each group of a column, and the groups in which it was not measured."""
    claims, unmeasured = [], []
    for name, group in candidate.groups.get(by, {}).items():
        if (mine := group.metrics.get(metric)) is None:
            unmeasured.append(f"{metric} cannot be measured where {by} is {name} ({group.count:,} rows)")
            continue
        other = champion.groups.get(by, {}).get(name) if champion else None
        theirs = other.metrics.get(metric) if other else None
        where = f"where {by} is {name}"
        claims.append(Claim(metric, mine.value, mine.low, mine.high, group.count, theirs.value if theirs else None, where))
    return claims, unmeasured


def with_rest(candidate: Evaluation, by: str, unmeasured: Sequence[str], small: Small, answer: Answer) -> Answer:
    """An answer about a column's groups, where some of them could not be measured: too few rows, or none of an outcome."""
    rest = candidate.rest.get(by)
    says = list(unmeasured)
    if rest is not None:
        says.append(f"{rest.groups} group{'s' * (rest.groups > 1)} of '{by}' with {rest.rows:,} rows together could not be measured")
    if not says or answer.status not in {"passed", "not_applicable"}:
        return answer
    because = "; ".join([answer.because, *says])
    if small == "pass_over":
        return Answer(answer.status, f"{because}, and was passed over", answer.change)
    return Answer("undecided", because, 'take data with more rows of them, or write small = "pass_over" in the gate')


def against_limit(candidate: Evaluation, claims: Sequence[Claim], limit: float, *, side: Side, show: Show = number) -> Answer:
    """Hold claims against a limit.

    Passed when every interval lies wholly on the right side, failed when one lies wholly on the wrong one, else
    undecided. It does not keep a worse champion: a claim that is not passed is excused where the champion's own
    value on the same rows is no better.
    """
    sign = 1.0 if side == "at least" else -1.0
    says = f"{side} {show(limit)}"
    ordered = sorted(claims, key=lambda claim: sign * claim.value)
    status = {claim: _status(claim, limit, sign) for claim in ordered}
    behind = [claim for claim in ordered if status[claim] != "passed"]
    if not behind:
        among = f" in each of {len(claims)} groups" if len(claims) > 1 else ""
        return Answer("passed", few(candidate, f"{ordered[0].shown(show)}, {says}{among}"))
    kept = [claim for claim in behind if claim.theirs is None or sign * claim.theirs > sign * claim.value]
    if not kept:
        said = [f"{one.shown(show)}; the champion has {show(one.theirs or 0.0)} on the same rows, which is no better" for one in behind]
        return Answer("not_applicable", f"{_listed(said)}; the limit is {says}")
    failed = [claim for claim in kept if status[claim] == "failed"]
    told = failed or kept
    change = [f"{f'{one.where}: ' if one.where else ''}{_change(candidate, one, limit, sign, show)}" for one in told]
    because = few(candidate, f"{_listed([one.shown(show) for one in told])}, {says}")
    return Answer("failed" if failed else "undecided", because, _listed(change))


def _status(claim: Claim, limit: float, sign: float) -> Status:
    if claim.low is None or claim.high is None:
        return "undecided"
    worst, best = sorted((sign * claim.low, sign * claim.high))
    return "passed" if worst >= sign * limit else "failed" if best < sign * limit else "undecided"


def _listed(texts: Sequence[str]) -> str:
    return "; ".join(texts[:SHOWN]) + (f"; and {len(texts) - SHOWN} more" if len(texts) > SHOWN else "")


def few(candidate: Evaluation, says: str) -> str:
    """A text that says so where few days or subjects stand behind its intervals."""
    if candidate.unit == "key" or candidate.clusters >= FEW:
        return says
    return f"{says}; only {candidate.clusters} {candidate.unit}{'s' * (candidate.clusters != 1)} behind it"


def _change(candidate: Evaluation, claim: Claim, limit: float, sign: float, show: Show) -> str:
    """What would have to change for one claim."""
    if claim.low is None or claim.high is None:
        if candidate.clusters < 2:
            return of_one(candidate)
        return "every row says the same, so nothing is known of the variation: see whether the model's outputs vary"
    best = claim.high if sign > 0 else claim.low
    if sign * best < sign * limit:
        return f"even the good end of the interval misses the limit by {show(abs(best - limit))}"
    return settles(claim, limit, sign)


def of_one(candidate: Evaluation) -> str:
    """What would have to change where all rows are of one day or subject."""
    unit = "row" if candidate.unit == "key" else candidate.unit
    return f"one {unit} says nothing about the variation between {unit}s: take rows of more {unit}s"


def settles(claim: Claim, limit: float, sign: float = 1.0) -> str:
    """How many more rows would settle it, were the value to stay: an interval narrows with the root of its rows."""
    assert claim.low is not None
    assert claim.high is not None
    distance = abs(claim.value - limit)
    if distance == 0:
        return "the value is the limit itself: no number of rows settles that"
    towards = claim.value - claim.low if claim.value > limit else claim.high - claim.value
    needed = max(1.0, claim.rows * (towards / distance) ** 2 - claim.rows)
    digits = 10 ** math.floor(math.log10(needed))
    against = ", against it as it stands" if sign * claim.value < sign * limit else ""
    more = math.ceil(needed / digits) * digits
    rows = f"about {more:,}" if more >= 10 else "a few"
    return f"the interval straddles the limit: {rows} more rows ({claim.rows:,} now) would settle it{against}"
