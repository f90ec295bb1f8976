"""The race: a challenger against the champion on the rows of a window that are new to both."""

from __future__ import annotations

from keepfit.incident import RACE_Z
from keepfit.loop.judge import record_verdict, score_both
from keepfit.loop.models import candidate_behind
from keepfit.loop.step import Came, Step
from keepfit.loop.watch import log_rows
from keepfit.measures.race import race
from keepfit.record import plain
from keepfit.schema import Schema

__all__ = ["compare"]

#: The largest number of standard errors that is written down: all rows alike would give infinity.
MOST = 1e6


def compare(step: Step) -> Came:
    """Race the challenger against the champion, and ask the gates."""
    ws, action, now = step.ws, step.action, step.now
    champion, challenger = (candidate_behind(ws, name) for name in (step.state.champion, action.release))
    assert champion is not None
    assert challenger is not None
    assert action.window is not None
    (theirs_made, _), (made, _) = champion, challenger
    step.progress(f"racing {made.id} against {theirs_made.id}")
    known = ws.artifacts.get_record(Schema, made.schema)
    rows = log_rows(ws, known, made.classes, now=now, within=action.window)
    if known.time:
        time = rows.frame[known.time]
        begin = max(instant for instant in (action.window.begin, theirs_made.fitted_before, made.fitted_before) if instant is not None)
        rows = rows.where(((time >= begin) & (time < action.window.end)).to_numpy())
    if rows.count == 0 or rows.truth.min() == rows.truth.max():
        return Came(made.id, why="no rows to race on")  # another challenger comes with the next refit
    (theirs, champion_outputs), (ours, outputs) = score_both(ws, rows, known, [theirs_made, made], classes=made.classes)
    z = race(ws.task.losses(rows.truth, champion_outputs), ws.task.losses(rows.truth, outputs))
    extra = {"window": plain(action.window), "rows": rows.count, "ahead": z > RACE_Z, "z": round(max(-MOST, min(z, MOST)), 6)}
    gain = ours.known_gain_over(theirs, ws.task.selects)
    extra |= {"gain": plain(gain)} if gain is not None else {}
    judged = record_verdict(ws, ours, theirs, cause=[made.id, theirs_made.id, action.window.name], now=now, extra=extra)
    return Came(made.id, action.release, gain, judged.verdict)
