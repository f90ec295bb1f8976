"""The first screen of a report: what it decides, how often right and wrong, what it is worth, the verdict, and one plot."""

from __future__ import annotations

from collections.abc import Mapping

from keepfit.evaluation import BASELINES, Measured
from keepfit.gate import Status
from keepfit.loop.report import Report
from keepfit.reports import plots
from keepfit.reports.numbers import between, count, number
from keepfit.reports.page import Figure, Gate, Opening, Tone
from keepfit.reports.quality import calibration, in_test, in_windows, picture
from keepfit.verdict import Verdict

__all__ = ["opening", "thousand"]

_TONES: Mapping[Status, Tone] = {"passed": "good", "failed": "bad", "undecided": "unsure", "not_applicable": "plain"}


def opening(report: Report) -> Opening:
    """The first screen."""
    name = report.release or report.candidate.id
    word, tone, says = _verdict(report.verdict)
    legend = _legend(report)
    title = "Of 1,000 rows: " + ", ".join(f"{many} {words}" for words, many, _ in legend)
    return Opening(
        kicker=f"{report.about.project} · {name}, {report.role}",
        headline=report.about.statement or f"What will {report.about.target} be?",
        sentences=_sentences(report),
        picture=picture(lambda _: plots.waffle(title, legend), title) if legend else None,
        legend=legend,
        verdict=word,
        tone=tone,
        verdict_says=says,
        gates=tuple(
            Gate(one.gate, one.status.replace("_", " "), _TONES[one.status], f"{one.because}. {one.change}" if one.change else one.because)
            for one in (report.verdict.outcomes if report.verdict else ())
        ),
        figure=_figure(report),
    )


def _verdict(verdict: Verdict | None) -> tuple[str, Tone, str]:
    if verdict is None:
        return "Not judged", "plain", "no rule was held against it yet"
    if not verdict.outcomes:
        return "No gates", "plain", "the project file states no rule that it must pass"
    of = {status: sum(one.status == status for one in verdict.outcomes) for status in _TONES}
    said = [f"{many} {status.replace('_', ' ')}" for status, many in of.items() if many]
    word = {"passed": "Passed", "failed": "Failed", "undecided": "Undecided"}[verdict.status]
    gates = "1 gate" if len(verdict.outcomes) == 1 else f"{len(verdict.outcomes)} gates"
    return word, _TONES[verdict.status], f"of {gates}: {', '.join(said)}"


def _sentences(report: Report) -> tuple[str, ...]:
    evaluation = report.evaluation
    if evaluation is None or not report.sentence:
        return (report.untested or "Nothing was measured of it yet.",)
    said = [report.sentence]
    if (value := evaluation.metrics.get("value")) is not None:
        said.append(f"Worth {_worth(value.value)} per 1,000 rows {report.about.against}".rstrip() + f"{_bounds(value)}.")
        said += _beside(report)
    tested = report.tested
    when = f" from {between(tested.begin, tested.end)}" if tested and tested.begin and tested.end else ""
    said.append(f"Measured on {count(evaluation.count)} rows{when} that it never saw.")
    return tuple(said)


def _beside(report: Report) -> list[str]:
    """What the decisions are worth beside those of the best answer that needs no model, where it decides for anything."""
    assert report.evaluation is not None
    gains = {name: next((one for one in report.gains.get(name, ()) if one.metric == "value"), None) for name in report.evaluation.baselines}
    known = {name: gain for name, gain in gains.items() if gain is not None and report.evaluation.baselines[name]["value"].value != 0}
    best = min(known, key=lambda name: known[name].value, default=None)
    if best is None or known[best].value == 0:
        return []
    gain = known[best]
    low, high = sorted((gain.low, gain.high) if gain.value > 0 else (-gain.low, -gain.high))
    more = f"{_worth(abs(gain.value))} {'more' if gain.value > 0 else 'less'} than {BASELINES.get(best, best)}"
    return [f"That is {more} would bring, most likely between {low + 0.0:,.0f} and {high + 0.0:,.0f}."]


def _worth(value: float) -> str:
    """A worth as it is spoken of: whole, unless it is small."""
    return f"{value + 0.0:,.0f}" if abs(value) >= 10 or value == 0 else number(value)


def _bounds(value: Measured) -> str:
    if value.low is None or value.high is None:
        return ""
    shown = _worth if max(abs(value.low), abs(value.high)) < 10 else lambda one: f"{one + 0.0:,.0f}"
    return f", most likely between {shown(value.low)} and {shown(value.high)}"


def _legend(report: Report) -> tuple[tuple[str, int, str], ...]:
    """What 1,000 rows come to: in words, how many, and the kind in which they are drawn."""
    if report.evaluation is None or not sum(report.evaluation.counts.values()):
        return ()
    squares = thousand(report.evaluation.counts)
    ordered = [(*report.about.counted[name], squares[name]) for name in report.about.counted if name in squares]
    return tuple((words, many, f"{'right' if right else 'wrong'} n{place}") for place, (words, right, many) in enumerate(ordered))


def thousand(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts as whole numbers of 1,000 rows; the largest takes what rounding leaves over.

    >>> thousand({"right": 2, "wrong": 1})
    {'right': 667, 'wrong': 333}
    """
    rows = sum(counts.values())
    whole = {name: round(1000 * found / rows) for name, found in counts.items()}
    whole[max(whole, key=lambda name: whole[name])] += 1000 - sum(whole.values())
    return whole


def _figure(report: Report) -> Figure | None:
    live = in_windows(report.evaluation, report.windows, report.promotions)
    if live is not None:
        return live
    if report.tested is None or report.evaluation is None:
        return None
    return in_test(report.evaluation, report.tested.stretches) or calibration(report.tested)
