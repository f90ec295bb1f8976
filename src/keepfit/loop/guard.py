"""Guards: rows that are suspicious are not learned from before a person has looked at them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keepfit import errors, guard
from keepfit.candidate import Candidate
from keepfit.decision import REFIT
from keepfit.guard import Doubt
from keepfit.loop.models import load_model
from keepfit.loop.rows import Rows
from keepfit.loop.step import Step
from keepfit.profile import Profile, profile
from keepfit.schema import Schema
from keepfit.task import Scored

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

__all__ = ["Lesson", "approved", "doubts", "refuse_suspicious"]

_TRUTH = "keepfit truth"
#: A column with more names than this is not cut into segments.
MOST_SEGMENTS = 50


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a refit is to learn from.

    `rows` are all that are known, `learned` those of them that the policy takes; the first `of_source` rows come from the
    source, the others from the log.
    """

    rows: Rows
    learned: Rows
    known: Schema
    classes: tuple[Any, ...]
    of_source: int


def refuse_suspicious(step: Step, champion: Candidate, lesson: Lesson) -> None:
    """Raise where a guard of the project has its doubts and no person has approved the rows.

    Raises
    ------
    SuspiciousData
        A guard found something.
    """
    if approved(step) or not step.ws.spec.refit.guards:
        return
    found = list(doubts(step, champion, lesson))
    if found:
        fix = f"look at the newest rows and labels; if they are right: keepfit approve {REFIT}"
        raise errors.SuspiciousData("; ".join(one.because for one in found), at=step.ws.place("refit", "guards"), fix=fix)


def approved(step: Step) -> bool:
    """Whether rows were refused since the champion took over, and a person approved them."""
    said = step.state.decisions.newest.get(REFIT)
    if said is None or said.says != "approve":
        return False
    since = max((entry.seq for entry in step.told["release"] if entry.body["role"] == "champion"), default=0)
    code = errors.SuspiciousData.code
    refused = [one.seqs[0] for one in step.state.attempts if one.kind == "refit" and one.why.startswith(code)]
    return any(since < seq < said.seq for seq in refused)


def doubts(step: Step, champion: Candidate, lesson: Lesson) -> Iterator[Doubt]:
    """What the guards that the project asks for find."""
    ws, asked, rows, known = step.ws, step.ws.spec.refit.guards, lesson.rows, lesson.known
    new = _new(step, champion, lesson)
    features = [column.name for column in known.features]
    if "flips" in asked and new.any():
        yield from _flips(step, champion, rows.where(new), lesson)
    if "flood" in asked and new.any():
        yield from guard.flood(*(_said(rows.where(part), features, known) for part in (new, ~new)))
    if "vanished" in asked:
        reference = ws.artifacts.get_record(Profile, champion.profile)
        now = profile(lesson.learned.frame, known.features, ws.kinds, like=reference)
        yield from guard.vanished(reference, now, {column.name: column.kind for column in known.features}, ws.kinds)


def _new(step: Step, champion: Candidate, lesson: Lesson) -> NDArray[np.bool_]:
    """Which rows are new: those from the window on, as far as the champion does not know them; without time, those of the log."""
    import numpy as np

    rows, known, window = lesson.rows, lesson.known, step.action.window
    if known.time is not None and window is not None:
        return np.asarray((rows.frame[known.time] >= max(window.begin, champion.fitted_before or window.begin)).to_numpy())
    return np.asarray(rows.number >= lesson.of_source) if rows.number is not None else np.zeros(rows.count, dtype=bool)


def _flips(step: Step, champion: Candidate, new: Rows, lesson: Lesson) -> Iterator[Doubt]:
    import numpy as np

    ws, known = step.ws, lesson.known
    outputs = ws.task.under(load_model(ws, champion).predict(new.frame), champion.classes, lesson.classes)
    shown = ws.task.shown(Scored(new.truth, outputs, ws.task.decide(outputs, champion.threshold), None))
    segments = {}
    for column in known.features:
        values = new.frame[column.name]
        if ws.kinds[column.kind].bins != "ordered" and values.n_unique() <= MOST_SEGMENTS:
            segments[column.name] = np.asarray(values.cast(str).rank("dense").fill_null(0).to_numpy(), dtype=np.int64)
    yield from guard.flips(shown, segments)


def _said(rows: Rows, features: list[str], known: Schema) -> pl.DataFrame:
    """Features and target, newest last."""
    import polars as pl  # the command line starts without it

    found = rows.frame.with_columns(pl.Series(_TRUTH, rows.truth))
    return (found.sort(known.time) if known.time else found).select(*features, _TRUTH)
