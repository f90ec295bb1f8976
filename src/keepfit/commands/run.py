"""`keepfit run`."""

from __future__ import annotations

import click

from keepfit.candidate import Candidate
from keepfit.commands import words
from keepfit.commands.shared import Given, emit, options, working
from keepfit.loop.run import Run, run

__all__ = ["command", "told"]


@click.command("run", epilog="Example: keepfit run --now 2013-03-01T00:00Z")
@options
def command(given: Given) -> int:
    """Take the data, fit, judge, and release what passes every gate.

    Exit status: 0 every applicable gate passed, 1 one failed, 2 one is undecided.
    """
    ws = given.workspace()
    with given.alone(ws), working(given) as progress:
        done = run(ws, now=given.now, progress=progress)
    emit(given, done, lambda: told(done))
    return done.exit_code


def told(done: Run) -> str:
    """A run for people."""
    if not done.changed:
        return f"Nothing to do: data, settings and champion {done.champion or '(none)'} are unchanged."
    snapshot, candidate = done.snapshot, done.candidate
    lines = [f"take     {snapshot.rows:,} rows, {snapshot.known:,} with a known target, {len(snapshot.parts)} parts, {done.new_parts} new"]
    lines[0] += _took(done, "take")
    if done.inspection is not None:
        lines.append(f"check    {words.inspection_line(done.inspection)}")
    lines.append(f"fit      {candidate.id}: {_tried(candidate)} on {candidate.fitted_rows:,} rows{_took(done, 'fit')}")
    outcomes = words.outcome_lines(done.verdict.outcomes) or ["no gates are stated"]
    lines.append(f"judge    {outcomes[0]}")
    lines += [f"         {line}" for line in outcomes[1:]]
    if done.released:
        role = "champion" if done.champion == done.released else "in the shadow: it waits for its race, or for keepfit promote"
        lines.append(f"release  {click.style(done.released, bold=True)} is {role}")
    lines += ["", words.sentence(done.evaluation)]
    if done.exit_code:
        stays = f"The champion stays {done.champion}." if done.champion else "There is no champion."
        lines.append(f"Not released: {words.verdict_line(done.verdict)}. {stays} exit {done.exit_code}")
        lines.append(f"Next: keepfit report {candidate.id}")
    else:
        lines.append(f"Next: keepfit report {done.released or candidate.id}, keepfit serve")
    return "\n".join(lines)


def _took(done: Run, step: str) -> str:
    """How long a step took, where it was long enough to be felt."""
    seconds = done.seconds.get(step, 0.0)
    if seconds < 0.1:
        return ""
    return f"  {click.style(f'{seconds:.1f} s' if seconds < 10 else f'{seconds:,.0f} s', dim=True)}"


def _tried(candidate: Candidate) -> str:
    """How the recipe was chosen: the winner's value on the folds, the best of the others, and that of no model at all."""
    if not candidate.trials:
        return candidate.estimator
    best = candidate.tried.get(candidate.estimator)
    others = [f"{name} {value:.4f}" for name, value in candidate.tried.items() if name != candidate.estimator]
    others += [f"a constant answer {candidate.constant:.4f}"] if candidate.constant is not None else []
    won = f"{candidate.estimator}, {candidate.selects} {best:.4f}" if best is not None else candidate.estimator
    recipes = "1 recipe" if candidate.trials == 1 else f"{candidate.trials} recipes"
    beside = f" ({', '.join(others)})" if others else ""
    return f"best of {recipes} on the folds: {won}{beside}{', calibrated' if candidate.calibration else ''},"
