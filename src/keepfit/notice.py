"""Notice: what of a window the loop must know, as signals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from keepfit.drift import Drift
from keepfit.evaluation import Evaluation, Gain
from keepfit.gate import Gate, asked
from keepfit.measures.interval import wilson
from keepfit.signal import Severity, Signal

__all__ = ["Belief", "Pace", "of_belief", "of_drift", "of_failures", "of_latency", "of_quality"]

#: Answers are slow when 95 of 100 take so many times as long as they did, and so much longer; beyond the second pair the release breaks.
SLOW, BREAKING_SLOW = (3.0, 100_000.0), (10.0, 1_000_000.0)
#: The share of answers without outputs that is surely exceeded before it is told, and before the release breaks.
FAILING, BREAKING_FAILURES = 0.005, 0.05
#: Fewer answers than this tell nothing of either.
FEWEST_ANSWERS = 100


@dataclass(frozen=True, slots=True)
class Belief:
    """What the answers of a window expected on average, beside what happened: their difference with a 95 % interval.

    `spread` is the standard deviation of what happened; `said_as` and `happened_as` name both for people.
    """

    expected: float
    happened: float
    half: float
    spread: float
    rows: int
    said_as: str
    happened_as: str


@dataclass(frozen=True, slots=True)
class Pace:
    """How long answers took: of so many, 95 of 100 up to `slow` microseconds."""

    answers: int
    slow: float


def of_latency(now: Pace, before: Pace) -> Signal | None:
    """Answers that take much longer than in the window before."""
    if min(now.answers, before.answers) < FEWEST_ANSWERS:
        return None

    def beyond(limits: tuple[float, float]) -> bool:
        return now.slow > limits[0] * before.slow and now.slow > before.slow + limits[1]

    if not beyond(SLOW):
        return None
    because = f"95 of 100 answers took up to {now.slow / 1000:,.0f} ms; {before.slow / 1000:,.0f} ms in the window before"
    return Signal("latency", "", "critical" if beyond(BREAKING_SLOW) else "warning", round(now.slow / 1000, 3), because)


def of_failures(failed: int, answers: int) -> Signal | None:
    """Answers that hold no output: surely more than a few."""
    if answers < FEWEST_ANSWERS:
        return None
    low, _ = wilson(failed, answers)
    if low <= FAILING:
        return None
    because = f"{failed:,} of {answers:,} answers hold no output"
    return Signal("errors", "", "critical" if low > BREAKING_FAILURES else "warning", round(failed / answers, 6), because)


def of_drift(found: Iterable[Drift], *, harmless: bool, least: float) -> list[Signal]:
    """One signal for each column that moved so far that it matters, the worst of its questions.

    It is a warning while nobody knows what came true; where labels show that no harm was done, or quality says so
    itself, it is information: a likely cause.
    """
    severity: Severity = "info" if harmless else "warning"
    worst: dict[tuple[str, str], Drift] = {}
    for one in found:
        held = worst.get((one.about, one.column))
        if one.matters and (held is None or abs(one.effect) > abs(held.effect)):
            worst[one.about, one.column] = one
    return [
        Signal("drift" if one.about in {"feature", "label"} else "prediction", one.column, severity, one.effect, _words(one, least))
        for one in worst.values()
    ]


def of_quality(measured: Evaluation, change: Gain | None, limits: Mapping[str, Gate]) -> list[Signal]:
    """A window whose quality is surely below its level at release, or on the wrong side of a gate's limit.

    Parameters
    ----------
    limits : the project's gates that ask for a metric and need no champion, by name
    """
    found = []
    if change is not None and change.high < 0:
        name = change.metric.replace("_", " ")
        because = f"{name} is worse than at release by {-change.value:.4g} [{-change.high:.4g}, {-change.low:.4g}]"
        found.append(Signal("quality", change.metric, "warning", round(change.value, 6), because))
    for name, gate in limits.items():
        answer, metric = gate(measured, None), asked(gate).metric
        if answer.status == "failed" and metric is not None:
            value = measured.metrics[metric].value
            found.append(Signal("quality", metric, "critical", round(value, 6), f"gate {name} fails on live rows: {answer.because}"))
    return found


def of_belief(belief: Belief, least: float) -> Signal | None:
    """Answers that expect too much or too little: surely, and by more than the least that matters, in deviations of what happens."""
    gap = belief.expected - belief.happened
    if abs(gap) <= belief.half or abs(gap) <= least * belief.spread:
        return None
    word = "much" if gap > 0 else "little"
    because = (
        f"too {word} was expected over {belief.rows:,} rows: {belief.said_as} {belief.expected:.4g}, {belief.happened_as} "
        f"{belief.happened:.4g}, apart by {abs(gap):.4g} ± {belief.half:.4g}"
    )
    return Signal("calibration", "", "warning", round(gap, 6), because)


def _words(one: Drift, least: float) -> str:
    what = {
        "location": "its middle moved",
        "scale": "its spread changed",
        "shape": "its shape changed",
        "tails": "far values became more frequent",
        "missing": "rows without a value became " + ("more" if one.effect > 0 else "fewer"),
        "categories": "its shares changed",
        "unseen": "values came that the reference does not have",
    }.get(one.statistic, one.statistic)
    spread = f" ± {1.96 * one.error:.2g}" if one.error else ""
    worth = f"; {one.importance:.0%} of what all columns are worth" if one.importance is not None else ""
    when = " over the windows of late" if one.over == "recent" else ""
    return f"{what} by {one.effect:+.3g}{spread} {one.unit}{when} ({least:g} matters){worth}"
