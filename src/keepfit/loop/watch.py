"""Watch: look once at the windows whose labels are due."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from keepfit import record
from keepfit.evaluation import Evaluation, Gain
from keepfit.feed import Volume, collapsed, told_apart
from keepfit.gate import asked
from keepfit.ledger import Entry
from keepfit.loop import fold, log
from keepfit.loop.apart import SUBJECT, apart
from keepfit.loop.asked import what_was_asked
from keepfit.loop.due import Held, due, grown, held, looks, sealed
from keepfit.loop.look import Answered, compare
from keepfit.loop.measure import Answers, exam, measure
from keepfit.loop.models import candidate_behind, evaluation_of
from keepfit.loop.pace import of_answers
from keepfit.loop.rows import Rows, clusters, subjects
from keepfit.loop.truths import told_about
from keepfit.measures.interval import clustered
from keepfit.notice import Belief, of_belief, of_drift, of_quality
from keepfit.recent import Recent
from keepfit.reference import Blocks
from keepfit.schema import Schema
from keepfit.signal import Signal, worst
from keepfit.task import Scored
from keepfit.window import Interval, Window
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import polars as pl

__all__ = ["labelled", "log_rows", "watch", "watch_window"]

#: With fewer labels than this a window's quality is not measured.
FEWEST_LABELS = 30
_ID = "keepfit id"
#: The kinds of gates that say where a metric must lie, whoever is champion.
_LIMITS = frozenset({"at_least", "at_most"})
_ROLES = ("champion", "canary", "shadow")


def watch(ws: Workspace, *, now: datetime) -> list[Window]:
    """Judge every window whose labels are due and that was not looked at, oldest first; labels of a source are there by now."""
    fold.fold(ws)
    found: list[Window] = []
    for window in due(ws, now=now):
        found += watch_window(ws, window, now=now)
    return found


def labelled(ws: Workspace, window: Interval, *, now: datetime) -> int:
    """How many answers of a window have a known truth at `now`, those included whose labels came after it was looked at."""
    answered = log.predictions(ws, within=window, columns=["key"])
    champion = answered.filter(answered["role"] == "champion")
    told = log.with_truth(champion, log.labels(ws, now=now, about=champion), ws.spec.problem.target)
    return told.height - told["label"].null_count()


def watch_window(ws: Workspace, window: Interval, *, now: datetime) -> list[Window]:
    """Judge one window, for each release that answered in it and its role, and write down what was seen.

    A window that was looked at before is looked at again for each release that rows or labels came late for.
    """
    answered = log.predictions(ws, within=window)
    labels = log.labels(ws, now=now, about=answered)
    told = log.with_truth(answered, labels, ws.spec.problem.target)
    windows, there = sealed(ws), held(told)
    before, volume = looks(windows.get(window, [])), collapsed(_volume(window, there.values()), _volumes(windows, window))
    found: list[Window] = []
    causes: list[tuple[list[Any], dict[str, Any]]] = []
    groups = told.partition_by("role", "release", as_dict=True)
    for role, release in sorted(groups, key=lambda one: (_ROLES.index(str(one[0])), str(one[1]))):
        who = str(release), str(role)
        earlier = before.get(who, [])
        if earlier and not grown(there[who], earlier[-1]):
            continue
        seen, artifacts = _look(ws, window, (str(release), role), groups[role, release], labels, _came(there[who], earlier), volume)
        body = {
            "begin": _text(window.begin),
            "end": _text(window.end),
            "release": seen.release,
            "role": seen.role,
            "predictions": seen.predictions,
            "labels": seen.labels,
            "told": there[who].told,
            "signals": [signal.noted for signal in seen.signals],
            "artifacts": {"window": ws.artifacts.put_record(seen), **artifacts},
        }
        cause = [_text(window.begin), _text(window.end), seen.release, *([seen.role] if seen.role != "champion" else [])]
        causes.append(([*cause, *([f"look {len(earlier) + 1}"] if earlier else [])], {**body, "look": len(earlier) + 1}))
        found.append(seen)
    ws.append_all("watch", causes, at=now)  # a window is looked at for every release or for none
    return found


def _volumes(windows: Mapping[Interval, list[Entry]], until: Interval) -> list[Volume]:
    """The answers of each window before one, as they were when it was last looked at."""
    before = [(window, looks(entries)) for window, entries in windows.items() if window.end <= until.begin]
    return [_volume(window, [Held(own[-1].body["predictions"], 0) for own in seen.values()]) for window, seen in before]


def _volume(window: Interval, there: Iterable[Held]) -> Volume:
    return Volume(sum(one.predictions for one in there), window.end - window.begin)


def _came(now: Held, earlier: Sequence[Entry]) -> tuple[str, ...]:
    """What came since a window was looked at before, in words."""
    if not earlier:
        return ()
    was = earlier[-1].body
    rows, labels = now.predictions - was["predictions"], now.told - was.get("told", was["labels"])
    return (f"looked at for the {len(earlier) + 1}. time: {max(0, rows):,} rows and {max(0, labels):,} labels came late",)


def log_rows(ws: Workspace, known: Schema, classes: tuple[Any, ...], *, now: datetime, within: Interval | None = None) -> Rows:
    """The predictions whose truth is known at `now`, as rows under the schema: its input columns and the target.

    Parameters
    ----------
    within : only rows whose time lies in an interval, where rows have one
    """
    within = within if known.time else None
    answered = log.predictions(ws, within=within)
    labels = log.labels(ws, now=now, about=answered if within else None)
    return as_rows(ws, log.with_truth(answered, labels, known.target), known, classes)


def as_rows(ws: Workspace, answered: pl.DataFrame, known: Schema, classes: tuple[Any, ...]) -> Rows:
    """Predictions with labels as rows with a known target, each key once; their outputs stand beside the columns."""
    import numpy as np
    import polars as pl  # the command line starts without it

    inputs = [column.name for column in known.public if not {"target", "later"} & set(column.uses)]
    told = answered.filter(pl.col("label").is_not_null())
    if known.key:
        told = told.filter(pl.col("key").is_null() | pl.col("key").is_first_distinct())
    said = [name for name in told.columns if name.startswith(fold.OUTPUT)]
    frame = told.select([*(pl.col(f"{fold.INPUT}{name}").alias(name) for name in inputs), *said, pl.col("id").alias(_ID)])
    target = log.values_of(told["label"], _target_type(known)).alias(known.target)
    frame = frame.with_columns(target)
    truth = ws.task.truth(frame[known.target], classes)
    ids, frame, who = frame[_ID], frame.drop(_ID), [] if known.time else known.used("subject")[:1]
    subject = subjects(frame.with_columns(apart(ws, ids, [SUBJECT])[SUBJECT].alias(who[0].name)), who[0].name, known) if who else None
    return Rows(frame, truth, None, subject, ids).where(~np.isnan(truth))


def _target_type(known: Schema) -> Any:
    import polars as pl  # the command line starts without it

    return {"int": pl.Int64, "float": pl.Float64, "float32": pl.Float32, "bool": pl.Boolean, "text": pl.String}[known[known.target].dtype]


def _look(
    ws: Workspace,
    window: Interval,
    who: tuple[str, Any],
    told: pl.DataFrame,
    labels: pl.DataFrame,
    notes: tuple[str, ...],
    volume: Signal | None,
) -> tuple[Window, dict[str, str]]:
    """What a release showed in a window in its role, and the artifacts beside it.

    `told` are its answers with their labels; `volume` says that the window's traffic collapsed.
    """
    release, role = who
    found = candidate_behind(ws, release)
    assert found is not None
    candidate, entry = found
    known = ws.artifacts.get_record(Schema, candidate.schema)
    before, begun = _earlier(ws, window, release, role)
    compared = compare(ws, Answered(candidate, entry, known, told), before, begun)
    rows = as_rows(ws, told, known, candidate.classes)
    seen = Window(window.begin, window.end, release, told.height, rows.count, None, None, None, None, compared.drift)
    seen = replace(seen, role=role, notes=(*notes, *told_about(ws, told, labels, known), *compared.notes))
    if rows.count >= FEWEST_LABELS:
        seen = _graded(ws, seen, Answered(candidate, entry, known, told), rows)
    feed = (*([volume] if volume is not None else []), *compared.feed)
    # A broken feed says nothing of how the world moves, so it is not carried on.
    late = before if before is not None and worst(feed) not in (None, "info") else compared.recent
    artifacts = {"recent": ws.artifacts.put_record(late), "profile": ws.artifacts.put_record(compared.profile)}
    if (of_first := compared.begun or begun) is not None:
        artifacts["answers"] = ws.artifacts.put_record(of_first)
    harmless = seen.evaluation is not None
    drifted = of_drift(compared.drift, harmless=harmless, least=ws.spec.monitor.min_effect)
    answering = of_answers(ws, window, told, ws.task.fields(candidate.classes))
    return replace(seen, signals=tuple(told_apart([*seen.signals, *answering, *drifted], feed))), artifacts


def _earlier(ws: Workspace, window: Interval, release: str, role: str) -> tuple[Recent | None, Blocks | None]:
    """Windows of late before this one, of the same release in the same role, and the answers of the release's first."""
    before: Entry | None = None
    first: Entry | None = None
    for entry in ws.ledger.entries(kind="watch"):
        body = entry.body
        if body["release"] != release or body["begin"] >= _text(window.begin):
            continue
        if "answers" in body["artifacts"]:
            first = first or entry
        if body.get("role", "champion") == role and "recent" in body["artifacts"]:
            before = entry if before is None or body["begin"] >= before.body["begin"] else before
    recent = ws.artifacts.get_record(Recent, before.body["artifacts"]["recent"]) if before else None
    return recent, ws.artifacts.get_record(Blocks, first.body["artifacts"]["answers"]) if first else None


def _graded(ws: Workspace, seen: Window, answered: Answered, rows: Rows) -> Window:
    """A window with its quality, beside the level at release, and what the loop must know of it."""
    import numpy as np
    import polars as pl  # the command line starts without it

    candidate, known, task = answered.candidate, answered.known, ws.task
    fields = {field: f"{fold.OUTPUT}{field}" for field in task.fields(candidate.classes)}
    rows = rows.where(rows.frame.select(pl.all_horizontal(pl.col(*fields.values()).is_not_null())).to_series().to_numpy())
    outputs = {field: rows.frame[column].to_numpy() for field, column in fields.items()}
    at_release = evaluation_of(ws, answered.fitted)
    suspected = [one.conditions for one in at_release.slices if one.conditions] if at_release is not None else []
    asked_of = exam(ws, rows, known, candidate.classes, learned=None, before=None, full=True)
    measured = measure(ws, asked_of, Answers(candidate.id, outputs, candidate.threshold), suspected or None)
    change = _change(ws, measured, at_release)
    limits = {name: gate for name, gate in ws.gates.items() if gate.kind in _LIMITS and asked(gate).by is None}
    signals = of_quality(measured, change, limits)
    shown = task.shown(Scored(rows.truth, outputs, task.decide(outputs, candidate.threshold), None))
    together = clusters(rows.frame, known, rows.subject)
    apart = shown.said - shown.happened
    half = clustered(apart - apart.mean(), together.of_row, together.count)
    if math.isfinite(half):
        means = float(shown.said.mean()), float(shown.happened.mean())
        belief = Belief(*means, half, float(np.std(shown.happened)), rows.count, shown.said_as, shown.happened_as)
        signals += [one for one in [of_belief(belief, ws.spec.monitor.min_effect)] if one is not None]
    assert rows.ids is not None
    losses = dict(zip(rows.ids.to_list(), task.losses(rows.truth, outputs).tolist(), strict=True))
    if said := what_was_asked(ws, Interval(seen.begin, seen.end), seen.release, losses):
        seen = replace(seen, notes=(*seen.notes, said))
    return replace(seen, expected=measured.expected, happened=measured.happened, evaluation=measured, change=change, signals=tuple(signals))


def _change(ws: Workspace, measured: Evaluation, at_release: Evaluation | None) -> Gain | None:
    """The selecting metric against its level at release: two independent sets of rows."""
    name = ws.task.selects
    if at_release is None or name not in measured.metrics or name not in at_release.metrics:
        return None
    new, old = measured[name], at_release[name]
    if new.low is None or new.high is None or old.low is None or old.high is None:
        return None
    sign = 1.0 if new.better == "higher" else -1.0
    half = math.hypot((new.high - new.low) / 2, (old.high - old.low) / 2)
    gain = sign * (new.value - old.value)
    return Gain(gain, gain - half, gain + half, name)


def _text(instant: datetime) -> str:
    return str(record.plain(instant))
