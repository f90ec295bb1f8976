"""Look: how what a release was asked in a window, and what it answered, lies beside its reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keepfit import errors
from keepfit.candidate import Candidate
from keepfit.drift import Drift
from keepfit.feed import Found, broken
from keepfit.ledger import Entry
from keepfit.loop import fold
from keepfit.loop.also import also
from keepfit.loop.check import rules
from keepfit.loop.models import evaluation_of
from keepfit.loop.refer import DECISION, LABEL, answer_columns, reference_of
from keepfit.moved import Limits, moved
from keepfit.ordinary import learn
from keepfit.profile import Profile, profile
from keepfit.recent import Recent, Shares, carried, shares
from keepfit.reference import ENOUGH, About, Blocks, Reference, counted, in_blocks, of_profile
from keepfit.schema import Column, Schema
from keepfit.signal import Signal
from keepfit.violation import Rule, violations
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Answered", "Compared", "compare"]

Columns = list[tuple[Column, About]]


@dataclass(frozen=True, slots=True)
class Answered:
    """What a release answered in a window: rows as the log holds them, with the column `label`."""

    candidate: Candidate
    fitted: Entry
    known: Schema
    rows: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Compared:
    """A window beside the reference: the answers to every question, windows of late with it, and its own profile.

    `feed` says what is broken in the data itself. `begun` is what answers are compared with from the next window on, where
    the reference holds none.
    """

    drift: tuple[Drift, ...]
    recent: Recent
    profile: Profile
    begun: Blocks | None
    notes: tuple[str, ...]
    feed: tuple[Signal, ...] = ()


def compare(ws: Workspace, seen: Answered, before: Recent | None, begun: Blocks | None) -> Compared:
    """Hold a window against the reference of its release.

    Parameters
    ----------
    before : windows of late, without this one
    begun : the answers of the release's first window, where its reference holds none
    """
    features: Columns = [(column, "feature") for column in seen.known.features if f"{fold.INPUT}{column.name}" in seen.rows.columns]
    reference, notes = _reference(ws, seen, features)
    asked = seen.rows.select(seen.rows[f"{fold.INPUT}{column.name}"].alias(column.name) for column, _ in features)
    made, of_features = _counted(ws, reference.features, asked, features)
    columns = answer_columns(ws.task, seen.candidate.classes)
    said, answers = _said(seen, columns), reference.answers or begun
    of_answers = _counted(ws, answers, said, columns)[1] if answers else {}
    if answers is None:
        notes.append("what the model answered is compared from the next window on, with this one: it was fitted on every known row")
    now = Recent(1, of_features, of_answers)
    late = carried(before, now)
    # A feature may bear the name of an answer's column.
    ordinary = {f"asked {name}": one for name, one in learn(reference.features).items()}
    ordinary |= {f"answered {name}": one for name, one in learn(answers).items()} if answers else {}
    limits, worth = Limits(ws.spec.monitor.false_alarms, ws.spec.monitor.min_effect), _importance(ws, seen.fitted)
    found = moved(ordinary, _keyed(now), _keyed(late), worth, limits)
    found += also(ws, seen.candidate, reference.features, made, of_features, asked)
    missing = {name: int(held["count"]["missing"]) for name, held in made.columns.items()}
    feed = broken(_checked(ws, seen, asked), missing, asked.height, reference.features, worth)
    return Compared(tuple(found), late, made, None if answers else _begin(ws, said, columns), tuple(notes), tuple(feed))


def _checked(ws: Workspace, seen: Answered, asked: pl.DataFrame) -> list[Found]:
    """What does not fit the schema in the rows of a window, beside what the columns looked like when its release was fitted."""
    try:
        before = ws.artifacts.get_record(Profile, seen.candidate.profile)
    except (errors.CannotRead, errors.BrokenFile):
        before = None
    stated = rules(ws)
    found = []
    for one in violations(asked, seen.known, before, rules=stated):
        rule = stated.get(one.column, Rule())
        by_rule = {"range": (rule.least, rule.most), "values": (rule.values,), "missing": (rule.missing,)}.get(one.check, ())
        found.append(Found(one.check, one.column, int(one.rows.sum()), one.because, any(said is not None for said in by_rule)))
    return found


def _reference(ws: Workspace, seen: Answered, features: Columns) -> tuple[Reference, list[str]]:
    """The reference of a release, and what has to be said of it."""
    try:
        found = reference_of(ws, seen.fitted)
        if found is not None:
            return found, _notes(found.features)
        made = of_profile(ws.artifacts.get_record(Profile, seen.candidate.profile), features, ws.kinds)
        return Reference(made), ["the release has a profile and no blocks, as an older keepfit made it: windows are taken to differ little"]
    except (errors.CannotRead, errors.BrokenFile) as error:
        nothing = Reference(Blocks((), False, Profile(0, {}), {}))
        return nothing, [f"the reference cannot be read ({error.code}), so drift is not asked for: restore it, or fit again"]


def _notes(features: Blocks) -> list[str]:
    if features.windows:
        return []
    if len(features.rows) < ENOUGH:
        return [f"the reference has {sum(features.rows):,} rows, too few to say how windows differ of themselves"]
    rows = sum(features.rows) // len(features.rows)
    return [f"the reference is shorter than {ENOUGH} windows: how windows differ is learned from blocks of {rows:,} rows"]


def _counted(ws: Workspace, blocks: Blocks, frame: pl.DataFrame, columns: Columns) -> tuple[Profile, dict[str, Shares]]:
    made = profile(frame, [column for column, _ in columns], ws.kinds, like=blocks.profile)
    found = {}
    for name, held in blocks.columns.items():
        if name in made.columns:
            rows, missing, unseen = counted(held, ws.kinds[held.kind], blocks.profile.columns[name], made.columns[name])
            one = shares(rows, 0 if held.about == "label" else missing, unseen)  # a label that is not there yet is not missing
            if one is not None:
                found[name] = one
    return made, found


def _said(seen: Answered, columns: Columns) -> pl.DataFrame:
    """What was answered, under the names of the table of answers; a row without a label has none."""
    import polars as pl  # the command line starts without it

    found = []
    for column, about in columns:
        name = f"{fold.OUTPUT}{column.name}" if about == "score" else {"prediction": DECISION, "label": LABEL}[about]
        if name in seen.rows.columns:
            values = seen.rows[name]
            found.append((values.cast(pl.Float64, strict=False) if column.dtype == "float" else values).alias(column.name))
    return pl.DataFrame(found)


def _begin(ws: Workspace, said: pl.DataFrame, columns: Columns) -> Blocks:
    import numpy as np

    return in_blocks(said, columns, ws.kinds, np.zeros(said.height, dtype=np.int64), 1, windows=False)


def _keyed(recent: Recent) -> dict[str, Shares]:
    of_answers = {f"answered {name}": one for name, one in recent.answers.items()}
    return {f"asked {name}": one for name, one in recent.features.items()} | of_answers


def _importance(ws: Workspace, fitted: Entry) -> dict[str, float]:
    """Each feature's share of what all are worth to the model: as measured of it, else of the newest before it."""
    measured = evaluation_of(ws, fitted)
    if measured is None or not measured.importance:
        earlier = [entry for entry in ws.ledger.entries(kind="fit") if entry.seq < fitted.seq and "evaluation" in entry.body["artifacts"]]
        measured = evaluation_of(ws, earlier[-1]) if earlier else None
    if measured is None:
        return {}
    worth = {name: max(0.0, one.value) for name, one in measured.importance.items()}
    total = sum(worth.values())
    return {name: value / total for name, value in worth.items()} if total > 0 else {}
