"""Records as text for people."""

from __future__ import annotations

import math
from collections.abc import Iterable

import click

from keepfit import plugin
from keepfit.drift import Drift
from keepfit.estimate import Estimate
from keepfit.evaluation import BASELINES, Evaluation
from keepfit.gate import Outcome
from keepfit.incident import Incident
from keepfit.inspection import Inspection
from keepfit.metric import number
from keepfit.suspicion import Suspicion
from keepfit.task import Task
from keepfit.verdict import Verdict
from keepfit.violation import Violation, many
from keepfit.window import Window

__all__ = [
    "estimate_lines",
    "expected",
    "incident_line",
    "inspection_line",
    "metrics",
    "outcome_lines",
    "sentence",
    "suspicion_lines",
    "verdict_line",
    "violation_lines",
    "window_lines",
]

_SEVERITIES = {"info": "bright_black", "warning": "yellow", "critical": "red"}
_COLOURS = {"passed": "green", "failed": "red", "undecided": "yellow", "not_applicable": "bright_black"}


def outcome_lines(outcomes: Iterable[Outcome]) -> list[str]:
    """One line for each gate, and below one that did not pass what would have to change."""
    said = list(outcomes)
    width = max((len(outcome.gate) for outcome in said), default=0)
    lines = []
    for outcome in said:
        status = click.style(f"{outcome.status.replace('_', ' '):<14}", fg=_COLOURS[outcome.status])
        lines.append(f"{outcome.gate:<{width}}  {status}  {outcome.because}")
        if outcome.change:
            lines.append(f"{'':<{width}}  {outcome.change}")
    return lines


def violation_lines(violations: Iterable[Violation]) -> list[str]:
    """One line for each violation: its policy, check and column, what it is, and the first rows."""
    lines = []
    for one in violations:
        shown = f": {'row' if one.count == 1 else 'rows'} {', '.join(f'{row:,}' for row in one.rows[:5])}" if one.rows else ""
        more = ", …" if one.count > 5 and one.rows else ""
        colour = "red" if one.policy == "refuse" else "yellow"
        lines.append(f"{click.style(f'{one.policy:<10}', fg=colour)}  {one.check:<7}  {one.column}: {one.because}{shown}{more}")
    return lines


def suspicion_lines(suspicions: Iterable[Suspicion]) -> list[str]:
    """One line for each suspicion, and where there is something to set, another that says it."""
    lines = []
    for one in suspicions:
        lines.append(f"{click.style(f'{one.kind:<10}', fg='yellow')}  {f'{one.column}: ' if one.column else ''}{one.because}")
        lines += [f"{'':<10}  to set: {one.suggests}"] if one.suggests else []
    return lines


def inspection_line(inspection: Inspection) -> str:
    """An inspection in one line: how much was found, and the gravest of it."""
    if inspection.clean:
        return "every row fits, and nothing is suspected"
    found = [(one.column, one.because) for one in inspection.violations] + [(one.column, one.because) for one in inspection.suspicions]
    first, *others = [f"{column}: {because}" if column else because for column, because in found]
    aside = f"{many(inspection.aside)} left out; " if inspection.aside else ""
    more = f"; and {len(others)} more" if others else ""
    return f"{aside}{first}{more}   (keepfit schema)"


def verdict_line(verdict: Verdict) -> str:
    """The verdict in one line."""
    counted = {status: sum(outcome.status == status for outcome in verdict.outcomes) for status in ("failed", "undecided")}
    if not any(counted.values()):
        return click.style("every gate passed", fg="green") if verdict.outcomes else "no gates are stated"
    return click.style(", ".join(f"{count} {status}" for status, count in counted.items() if count), fg=_COLOURS[verdict.status])


def sentence(evaluation: Evaluation) -> str:
    """What the decisions came to, in whole numbers of 1,000 rows, and what they are worth."""
    task: Task = plugin.find("tasks", evaluation.task)()
    text = task.says(evaluation.counts, {name: measured.value for name, measured in evaluation.metrics.items()})
    value = evaluation.metrics.get("value")
    if value is not None:
        bounds = f" [{value.low:,.0f}, {value.high:,.0f}]" if value.low is not None and value.high is not None else ""
        text += f"\nWorth {value.value:,.0f} per 1,000 rows{task.against}{bounds}{_beside(evaluation)}."
    return text


def _beside(evaluation: Evaluation) -> str:
    """What the decisions are worth beside those of the best answer that needs no model, where it decides for anything."""
    worth = {name: found["value"].value for name, found in evaluation.baselines.items() if "value" in found}
    best = max(worth, key=lambda name: worth[name], default=None)
    if best is None or evaluation["value"].value == worth[best] or worth[best] == 0:
        return ""
    gain = evaluation.gain_over_baseline(best, "value")
    word = "more" if gain.value >= 0 else "less"
    low, high = sorted((gain.low, gain.high) if gain.value >= 0 else (-gain.low, -gain.high))
    bounds = f" [{low:,.0f}, {high:,.0f}]" if math.isfinite(high - low) else ""
    return f"; {abs(gain.value):,.0f} {word}{bounds} than {BASELINES.get(best, best)}"


def metrics(evaluation: Evaluation) -> list[str]:
    """Every metric with its interval."""
    return [f"{name:<18} {measured}" for name, measured in evaluation.metrics.items()]


def incident_line(incident: Incident) -> str:
    """An open incident in one line."""
    colour = "red" if incident.severity == "critical" else "yellow"
    whose = f" of {incident.release}" if incident.release else ""
    about = f" ({', '.join(incident.about[:5])})" if incident.about else ""
    head = click.style(f"incident {incident.number}", fg=colour, bold=True)
    return f"  {head} since {incident.since:%Y-%m-%d}: {incident.kind}{whose}{about}. {incident.because}"


def window_lines(window: Window) -> list[str]:
    """What was seen in a window."""
    lines = [
        f"Window {window.begin:%Y-%m-%d} to {window.end:%Y-%m-%d}, release {window.release}: "
        f"{window.predictions:,} predictions, {window.labels:,} labels"
    ]
    if window.evaluation is None:
        lines.append("  quality        too few labels to tell")
    else:
        lines += _quality_lines(window, window.evaluation)
    lines.append(f"  drift          {_drift_words(window)}")
    lines += _shown_lines(window)
    lines += [f"  note           {note}" for note in window.notes]
    for signal in window.signals:
        about = f" of {signal.about}" if signal.about else ""
        lines.append(f"  {click.style(f'{signal.severity:<14}', fg=_SEVERITIES[signal.severity])} {signal.kind}{about}: {signal.because}")
    return lines


def estimate_lines(found: Estimate) -> list[str]:
    """What the quality of a window may be whose labels are not there yet, and how far such estimates were off so far."""
    lines = [
        f"Window {found.begin:%Y-%m-%d} to {found.end:%Y-%m-%d}, release {found.release}: "
        f"{found.rows:,} predictions, before their labels are due"
    ]
    shown = list(dict.fromkeys([found.selects, *found.metrics]))[:2]
    lines += [f"  expected       {expected(found, name)}" for name in shown if name in found.metrics]
    return lines + [f"  note           {note}" for note in found.notes]


def expected(found: Estimate, metric: str) -> str:
    """What a metric may come to, and how far such estimates were off so far."""
    return f"{metric} {found[metric]} before labels, {_so_far(found, metric)}"


def _so_far(found: Estimate, metric: str) -> str:
    track = found.past.get(metric)
    if track is None:
        return f"from {found.known:,} labels; no estimate was held against labels yet"
    kept = f"{track.inside} of {track.windows} inside their interval"
    return f"from {found.known:,} labels; so far off by {number(track.off)} on average, {kept}"


def _quality_lines(window: Window, measured: Evaluation) -> list[str]:
    lines = [f"  {line}" for line in metrics(measured)[:2]]
    if window.change is not None:
        word = "worse" if window.change.high < 0 else "better" if window.change.low > 0 else "not clearly different"
        lines.append(f"  since release  {word}: {window.change} {window.change.metric.replace('_', ' ')} gained")
    if window.expected is not None and window.happened is not None:
        name, said = plugin.find("tasks", measured.task)().compares(window.expected, window.happened)
        lines.append(f"  {name:<14} {said}")
    return lines


def _shown_lines(window: Window) -> list[str]:
    """The statistics that are shown by name, each with the columns where it is largest."""
    found: dict[str, list[Drift]] = {}
    for one in window.drift:
        if one.threshold is None and one.moved is None:
            found.setdefault(one.statistic, []).append(one)
    lines = []
    for name, told in found.items():
        most = sorted(told, key=lambda one: -one.effect)[:3]
        said = ", ".join(f"{one.column} {one.effect:.4g}".strip() for one in most)
        lines.append(f"  {name.replace('_', ' '):<14} {said} {most[0].unit}")
    return lines


def _drift_words(window: Window) -> str:
    """Both answers in one line: what moved, and whether anything of it matters."""
    if not any(one.moved is not None for one in window.drift):
        return "not asked for"
    moved = list(dict.fromkeys(one.column for one in window.drift if one.moved))
    if not moved:
        return "like ordinary windows"
    matter = list(dict.fromkeys(one.column for one in window.drift if one.matters))
    more = f" and {len(moved) - 3} more" if len(moved) > 3 else ""
    said = f"{', '.join(moved[:3])}{more} moved; "
    return said + (
        f"of that matters: {', '.join(matter[:3])}" + (f" and {len(matter) - 3} more" if len(matter) > 3 else "")
        if matter
        else "nothing that matters"
    )
