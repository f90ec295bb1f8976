"""`keepfit status`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import click

from keepfit.commands import words
from keepfit.commands.shared import Given, emit, options
from keepfit.reports.status import Status, status
from keepfit.window import Window

__all__ = ["command", "told"]


@click.command("status", epilog="Example: keepfit status --json")
@options
def command(given: Given) -> None:
    """How the project stands: its champion, the newest window, the challenger, incidents, what waits and what is next."""
    found = status(given.workspace(), now=given.now)
    emit(given, found, lambda: told(found))


def told(found: Status) -> str:
    """The status for people."""
    if found.champion is None:
        back = f", or keepfit promote {found.previous}" if found.previous else ""
        return f"{found.project}        no champion        Next: keepfit run{back}"
    lines = [f"{found.project}        champion {click.style(found.champion, bold=True)}, {_age(found)}        {_word(found)}"]
    lines += [f"  {name:<12} {text}" for name, text in _lines(found)]
    return "\n".join(lines)


def _word(found: Status) -> str:
    """The state in a word."""
    if found.frozen:
        return click.style("frozen", fg="blue", bold=True)
    if found.incidents:
        grave = any(incident.severity == "critical" for incident in found.incidents)
        many = "1 incident" if len(found.incidents) == 1 else f"{len(found.incidents)} incidents"
        return click.style(many, fg="red" if grave else "yellow", bold=True)
    return click.style("a person is wanted", fg="yellow") if found.waiting else click.style("all well", fg="green")


def _age(found: Status) -> str:
    assert found.champion_since is not None
    age = found.at - found.champion_since
    if age < timedelta(0):
        return f"since {found.champion_since:%Y-%m-%d %H:%M} UTC"
    return f"{age.days} days old" if age.days > 1 else f"{age.total_seconds() / 3600:.0f} hours old"


def _lines(found: Status) -> Iterator[tuple[str, str]]:
    yield "traffic", _traffic(found.window)
    if found.window is not None:
        yield "quality", _quality(found)
        yield "drift", _drift(found.window)
    if (early := found.estimate) is not None and early.selects in early.metrics:
        yield "expected", words.expected(early, early.selects)
    yield "challenger", _challenger(found)
    if found.canary:
        stage = f", stage {found.stage + 1}" if found.stage is not None else ""
        yield "canary", f"{found.canary} answers {found.share:.0%} of the requests{stage}" + (f": {found.tested}" if found.tested else "")
    for incident in found.incidents:
        yield "incident", words.incident_line(incident).strip().removeprefix("incident ")
    for one in found.waiting:
        yield "waits", one.because
    if found.frozen:
        yield "frozen", f"by {found.frozen.by} on {found.frozen.at:%Y-%m-%d}: {found.frozen.because}"
    if found.busy:
        yield "under way", found.busy
    if found.untold:
        yield "alerts", f"{found.untold} of the targets could not be reached: keepfit history --kind alert"
    yield "next", found.next


def _traffic(window: Window | None) -> str:
    if window is None:
        return "no window has been looked at yet"
    return f"{window.predictions:,} predictions from {window.begin:%Y-%m-%d} to {window.end:%Y-%m-%d}"


def _quality(found: Status) -> str:
    window = found.window
    assert window is not None
    share = f"labels: {window.labels / window.predictions:.0%} of those due" if window.predictions else "no labels"
    if window.evaluation is None:
        return f"too few labels to tell      {share}"
    metric = "roc_auc" if "roc_auc" in window.evaluation.metrics else window.evaluation.selects
    before = found.at_release.metrics.get(metric) if found.at_release else None
    at_release = f", at release {before.value:.3g}" if before else ""
    return f"{metric} {window.evaluation[metric]}{at_release}      {share}"


def _drift(window: Window) -> str:
    moved = list(dict.fromkeys(drift.column for drift in window.drift if drift.moved))
    mattering = list(dict.fromkeys(drift.column for drift in window.drift if drift.matters))
    if not moved and not mattering:
        return "nothing moved"
    said = f"{', '.join(moved[:3])}{' and others' if len(moved) > 3 else ''} moved" if moved else "nothing moved in this window alone"
    matters = f"{', '.join(mattering[:3])} matter{'s' if len(mattering) == 1 else ''}" if mattering else "nothing that matters"
    return f"{said}; {matters}"


def _challenger(found: Status) -> str:
    if found.challenger is None:
        return "none"
    since = f" since {found.shadow_since:%Y-%m-%d}" if found.shadow_since else ""
    if found.gain is None:
        return f"{found.challenger} in the shadow{since}, not raced yet"
    ahead = "ahead" if found.gain.value > 0 else "behind"
    verdict = {"passed": "the gates pass", "failed": "a gate fails", "undecided": "not enough yet"}.get(found.verdict or "", "")
    return f"{found.challenger} in the shadow{since}, {ahead} by {found.gain} {found.gain.metric.replace('_', ' ')}: {verdict}"
