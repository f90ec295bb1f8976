"""Deliver: a challenger goes on to a stage or to the champion's place, is dropped, or the champion is rolled back."""

from __future__ import annotations

from keepfit.incident import RACE_Z
from keepfit.loop.judge import score_both
from keepfit.loop.models import candidate_behind
from keepfit.loop.release import give_role
from keepfit.loop.step import Came, Step
from keepfit.loop.watch import log_rows
from keepfit.measures.race import race
from keepfit.schema import Schema

__all__ = ["advance", "drop", "promote", "rollback"]


def advance(step: Step) -> Came:
    """Let a challenger answer the share of the requests that its stage says."""
    assert step.action.stage is not None
    share = step.policy.stages[step.action.stage]
    entry = give_role(step.ws, _release(step), "canary", because=step.action.because, now=step.now, more={"share": share})
    return Came(entry.body["candidate"], step.action.release, why=f"{share:.0%}")


def drop(step: Step) -> Came:
    """Take a challenger out of its stage: it answers nobody any more."""
    entry = give_role(step.ws, _release(step), "none", because=step.action.because, now=step.now)
    return Came(entry.body["candidate"], step.action.release, why=step.action.because)


def promote(step: Step) -> Came:
    """Make a challenger the champion."""
    entry = give_role(step.ws, _release(step), "champion", because=step.action.because, now=step.now)
    return Came(entry.body["candidate"], step.action.release)


def rollback(step: Step) -> Came:
    """Go back to the last good release; where quality is at stake, only if that one is clearly better on the newest rows.

    Answers that fail or come late are reason enough by themselves. A champion whose quality fell is kept where the
    earlier one is not ahead as clearly as a challenger must be: the world moved for both, and a refit is the remedy.
    """
    incident = next(one for one in step.state.incidents if one.number == step.action.incident)
    if incident.kind == "quality" and (why := _no_better(step)):
        return Came(release=step.state.champion, why=why)
    more = {"rolled_back": step.state.champion, "incident": incident.number}
    entry = give_role(step.ws, _release(step), "champion", because=step.action.because, now=step.now, more=more)
    return Came(entry.body["candidate"], step.action.release)


def _no_better(step: Step) -> str:
    """Why the earlier release would be no gain; empty where it would be one."""
    ws, window = step.ws, step.state.watched
    champion, earlier = candidate_behind(ws, step.state.champion), candidate_behind(ws, step.action.release)
    assert champion is not None
    assert earlier is not None
    known = ws.artifacts.get_record(Schema, champion[0].schema)
    rows = log_rows(ws, known, champion[0].classes, now=step.now, within=window)
    if rows.count == 0:
        return f"{step.state.champion} is kept: there are no rows to compare it on"
    (_, ours), (_, theirs) = score_both(ws, rows, known, [champion[0], earlier[0]], classes=champion[0].classes)
    losses, earlier_losses = (ws.task.losses(rows.truth, outputs) for outputs in (ours, theirs))
    if race(losses, earlier_losses) > RACE_Z:
        return ""
    gain = float((losses - earlier_losses).mean())
    return f"{step.state.champion} is kept: {step.action.release} is not clearly better on the same rows ({gain:+.4f})"


def _release(step: Step) -> str:
    assert step.action.release is not None
    return step.action.release
