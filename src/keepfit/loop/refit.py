"""Refit: a challenger is fitted on all that is known and waits in the shadow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keepfit.candidate import Candidate
from keepfit.loop import fit
from keepfit.loop.guard import Lesson, refuse_suspicious
from keepfit.loop.history import narrowed
from keepfit.loop.lease import within
from keepfit.loop.models import candidate_behind
from keepfit.loop.release import release
from keepfit.loop.rows import Rows
from keepfit.loop.state import broken_windows
from keepfit.loop.step import Came, Step
from keepfit.loop.take import Taken, keep, take
from keepfit.loop.watch import log_rows
from keepfit.record import plain
from keepfit.schema import Schema

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["refit"]


def refit(step: Step) -> Came:
    """Fit a challenger on all rows whose labels are known, and let it wait in the shadow."""
    found = candidate_behind(step.ws, step.state.champion)
    assert found is not None
    assert step.action.window is not None
    champion, _ = found
    cause = [step.action.window.name]
    since = min((one.since for one in step.state.incidents if one.release == step.state.champion), default=None)

    def narrow(rows: Rows, known: Schema, classes: tuple[Any, ...]) -> Rows:
        learned = narrowed(rows, known, step.policy.history, since=since, least=step.policy.minimum_labels)
        of_source = sum(part.snapshot.rows for part in taken if part.snapshot.origin != "log")
        refuse_suspicious(step, champion, Lesson(rows, learned, known, classes, of_source))
        return learned

    depends = [*cause, plain(step.policy.history), plain(since if step.policy.history.kept == "since_change" else None)]
    with within(step.policy.budget):
        taken = _data(step, champion)
        fitted = fit.refit(step.ws, champion, taken, cause=depends, now=step.now, narrow=narrow, progress=step.progress)
    because, named = "a challenger for the next window", [fitted.candidate.id, *cause]
    entry = release(step.ws, fitted.candidate, role="shadow", because=because, cause=named, now=step.now)
    return Came(fitted.candidate.id, entry.body["release"])


def _data(step: Step, champion: Candidate) -> list[Taken]:
    """What a refit learns from: the source taken again, the log joined with its labels, or both."""
    ws, now, wanted = step.ws, step.now, step.policy.data
    known = ws.artifacts.get_record(Schema, champion.schema)
    taken = [take(ws, now=now)] if wanted != "log" else []
    if wanted != "source":
        rows = log_rows(ws, known, champion.classes, now=now)
        rows = rows.where(_sound(step, rows, known))
        if rows.count:
            columns = tuple(column for column in known.public if "later" not in column.uses)
            from_log = Schema(columns, known.target, known.time, known.key)
            taken.append(keep(ws, rows.frame.select([c.name for c in columns]), from_log, origin="log", now=now))
    return taken


def _sound(step: Step, rows: Rows, known: Schema) -> NDArray[np.bool_]:
    """Which rows of the log lie in no window whose feed was broken."""
    import numpy as np

    sound = np.ones(rows.count, dtype=bool)
    if known.time is None:
        return sound
    time = rows.frame[known.time]
    for window in broken_windows(step.told):
        sound &= ~((time >= window.begin) & (time < window.end)).to_numpy()
    return sound
