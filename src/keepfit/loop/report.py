"""Report: everything that a report on one candidate says, gathered from the ledger and from its test rows, scored again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, ClassVar

from keepfit import errors
from keepfit.candidate import Candidate
from keepfit.estimate import Estimate
from keepfit.evaluation import Clusters, Evaluation, Gain, Group, Importance, Measured, evaluate_groups
from keepfit.incident import Incident, incidents
from keepfit.inspection import Inspection
from keepfit.instant import from_micros
from keepfit.ledger import Entry, Head
from keepfit.loop import groups
from keepfit.loop.curves import Bin, Cut, Pile, Stretch, by_output, by_threshold, over_time, piles
from keepfit.loop.estimates import estimates
from keepfit.loop.events import Event, events
from keepfit.loop.importance import importance
from keepfit.loop.models import candidate_behind, candidate_of, evaluation_of, load_model
from keepfit.loop.rows import Rows, clusters, evaluate_rows, value_of
from keepfit.loop.spread import Spread, spread, times_of
from keepfit.loop.unseen import learned, source_rows, taken, unseen
from keepfit.progress import Progress, silent
from keepfit.schema import Column, Schema
from keepfit.snapshot import Snapshot
from keepfit.split import Split
from keepfit.task import Scored, Task
from keepfit.verdict import Verdict
from keepfit.window import Window
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import polars as pl

__all__ = [
    "About",
    "Made",
    "Promotion",
    "Report",
    "Rescored",
    "about",
    "gather",
    "most_important",
    "named",
    "release_of",
    "role_of",
    "without_sums",
]

#: Columns by whose values the test rows are parted.
MOST_GROUPED = 4


@dataclass(frozen=True, slots=True)
class About:
    """The problem, as the project file states it, and where the ledger stood when the report was made.

    `against` and `counted` are what the task says of them: what a value is measured against, and what is counted.
    """

    project: str
    statement: str
    task: str
    target: str
    against: str
    counted: Mapping[str, tuple[str, bool]]
    keepfit: str
    made_at: datetime
    head: Head


@dataclass(frozen=True, slots=True)
class Promotion:
    """When a release became champion."""

    release: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Rescored:
    """What scoring a candidate's test rows again gives.

    `reproduced` says whether the rows and the selecting metric came out as they were recorded; None where nothing was.
    `groups` holds the selecting metric by the values of the columns that matter most; `taken` counts the rows of each of
    the candidate's classes that were decided to be each.
    """

    rows: int
    begin: datetime | None
    end: datetime | None
    reproduced: bool | None
    is_chance: bool
    axes: Mapping[str, str]
    bins: tuple[Bin, ...]
    cuts: tuple[Cut, ...]
    piles: tuple[Pile, ...]
    stretches: tuple[Stretch, ...]
    importance: Mapping[str, Importance]
    groups: Mapping[str, Mapping[str, Group]]
    taken: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Made:
    """What a candidate was made from: its snapshots and split, the columns that were taken, and its entries' places in the chain.

    `learned` is when the rows that it learned from begin and end, `inspections` what was found in the snapshots.
    """

    snapshots: tuple[Snapshot, ...]
    split: Split | None
    columns: tuple[Column, ...]
    dropped: tuple[str, ...]
    learned: tuple[datetime, datetime] | None
    entries: Mapping[str, int]
    inspections: tuple[Inspection, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What is said of one candidate, before it becomes a page; it holds no value that only a few rows have.

    `evaluation` is the recorded one, else what was measured now; None while no row is new to the candidate, and `tested`
    with it; `untested` says why. `sentence` says it in whole numbers. `gains` are those over what needs no model, on the
    same rows, and over the champion that it was judged against. `windows` are the project's, oldest first, whoever answered;
    `estimates` what was expected of them before their labels came.
    """

    record: ClassVar[str] = "report"
    version: ClassVar[int] = 1

    about: About
    candidate: Candidate
    release: str | None
    role: str
    evaluation: Evaluation | None
    gains: Mapping[str, tuple[Gain, ...]]
    sentence: str
    verdict: Verdict | None
    tested: Rescored | None
    untested: str
    spread: tuple[Spread, ...]
    windows: tuple[Window, ...]
    promotions: tuple[Promotion, ...]
    incidents: tuple[Incident, ...]
    events: tuple[Event, ...]
    made: Made
    estimates: tuple[Estimate, ...] = ()


def gather(ws: Workspace, name: str | None = None, *, now: datetime, progress: Progress = silent) -> Report:
    """Gather what a report says of a candidate (`c1`) or release (`r1`); by default the champion, else the newest candidate.

    Raises
    ------
    NothingThere
        There is no such candidate or release, or none at all.
    """
    candidate, fitted = named(ws, name)
    known = ws.artifacts.get_record(Schema, candidate.schema)
    judged = _last_verdict(ws, candidate.id)
    progress(f"reading the rows that {candidate.id} learned from")
    source = source_rows(ws, candidate, known)
    new = unseen(ws, candidate, known, source, judged, now)
    before = learned(ws, candidate, known, source)
    recorded = evaluation_of(ws, fitted) or (
        ws.artifacts.get_record(Evaluation, judged.body["artifacts"]["evaluation"]) if judged else None
    )
    progress(f"scoring the rows that are new to {candidate.id}")
    tested, measured = _test(ws, candidate, known, new.rows, recorded, progress) if new.rows else (None, None)
    release = release_of(ws, candidate.id)
    evaluation = recorded or measured
    return Report(
        about=about(ws, known, now),
        candidate=candidate,
        release=release,
        role=role_of(ws, candidate.id),
        evaluation=without_sums(evaluation) if evaluation else None,
        gains=_gains(ws, evaluation, judged) if evaluation else {},
        sentence=_sentence(ws, evaluation) if evaluation else "",
        verdict=ws.artifacts.get_record(Verdict, judged.body["artifacts"]["verdict"]) if judged else None,
        tested=tested,
        untested=new.why,
        spread=spread(ws, candidate, known, before, new.rows),
        windows=_windows(ws),
        estimates=tuple(estimates(ws)),
        promotions=tuple(Promotion(e.body["release"], e.at) for e in ws.ledger.entries(kind="release") if e.body["role"] == "champion"),
        incidents=tuple(incidents(ws.ledger.entries(kind="incident"))),
        events=events(ws),
        made=_made(ws, candidate, known, before, {"fit": fitted.seq} | ({"verdict": judged.seq} if judged else {})),
    )


def about(ws: Workspace, known: Schema, now: datetime) -> About:
    """What a report says of the project."""
    problem = ws.spec.problem
    return About(
        project=ws.project,
        statement=problem.statement,
        task=problem.task,
        target=known.target,
        against=ws.task.against.strip(),
        counted=ws.task.counted,
        keepfit=version("keepfit"),
        made_at=now,
        head=ws.ledger.head(),
    )


def named(ws: Workspace, name: str | None) -> tuple[Candidate, Entry]:
    """A candidate by its own name or its release's, with the entry of its fit; by default the champion's, else the newest.

    Raises
    ------
    NothingThere
        There is no such candidate or release, or none at all.
    """
    if name is None:
        name = ws.roles().champion
        if name is None and (newest := ws.ledger.last("fit")) is not None:
            name = newest.body["candidate"]
        if name is None:
            raise errors.NothingThere("nothing was fitted yet", at=ws.project, fix="keepfit run")
    if (found := candidate_behind(ws, name)) is not None:
        return found
    try:
        return candidate_of(ws, name)
    except errors.NothingThere:
        raise errors.NothingThere(f"there is neither a candidate nor a release '{name}'", at=name, fix="see: keepfit history") from None


def without_sums(evaluation: Evaluation) -> Evaluation:
    """An evaluation without what only a paired comparison needs."""

    def bare(metrics: Mapping[str, Measured]) -> dict[str, Measured]:
        return {name: replace(one, sums=()) for name, one in metrics.items()}

    baselines = {name: bare(metrics) for name, metrics in evaluation.baselines.items()}
    return replace(evaluation, metrics=bare(evaluation.metrics), baselines=baselines)


def release_of(ws: Workspace, candidate: str) -> str | None:
    """The release that a candidate became."""
    return next((e.body["release"] for e in ws.ledger.entries(kind="release") if e.body["candidate"] == candidate), None)


def role_of(ws: Workspace, candidate: str) -> str:
    """What a candidate does now, or did, in words."""
    release, roles = release_of(ws, candidate), ws.roles()
    if release is None:
        return "not released"
    held = {"champion": roles.champion, "canary": roles.canary, "shadow": roles.shadow}
    if (now := next((role for role, holder in held.items() if holder == release), None)) is not None:
        return now
    had = {e.body["role"] for e in ws.ledger.entries(kind="release") if e.body["release"] == release}
    return "champion before" if "champion" in had else "released"


def _last_verdict(ws: Workspace, candidate: str) -> Entry | None:
    return next((e for e in reversed(list(ws.ledger.entries(kind="verdict"))) if e.body["candidate"] == candidate), None)


def _sentence(ws: Workspace, evaluation: Evaluation) -> str:
    if not evaluation.count:
        return ""
    return ws.task.says(evaluation.counts, {name: one.value for name, one in evaluation.metrics.items()})


def _gains(ws: Workspace, evaluation: Evaluation, judged: Entry | None) -> dict[str, tuple[Gain, ...]]:
    wanted = [name for name in (evaluation.selects, "value") if name in evaluation.metrics]
    found = {
        name: [evaluation.gain_over_baseline(name, one) for one in wanted if one in metrics]
        for name, metrics in evaluation.baselines.items()
    }
    if judged is not None and "champion_evaluation" in judged.body["artifacts"]:
        ours = ws.artifacts.get_record(Evaluation, judged.body["artifacts"]["evaluation"])
        theirs = ws.artifacts.get_record(Evaluation, judged.body["artifacts"]["champion_evaluation"])
        if ours.rows == theirs.rows:
            both = [name for name in wanted if name in ours.metrics and name in theirs.metrics]
            found[theirs.candidate] = [ours.gain_over(theirs, name) for name in both]
    finite = {name: tuple(gain for gain in gains if math.isfinite(gain.high - gain.low)) for name, gains in found.items()}
    return {name: gains for name, gains in finite.items() if gains}


def _windows(ws: Workspace) -> tuple[Window, ...]:
    found: dict[tuple[datetime, str, str], Window] = {}
    for entry in ws.ledger.entries(kind="watch"):
        window = ws.artifacts.get_record(Window, entry.body["artifacts"]["window"])
        bare = replace(window, evaluation=without_sums(window.evaluation)) if window.evaluation else window
        found[window.begin, window.release, window.role] = bare
    return tuple(found[at] for at in sorted(found))


def _test(
    ws: Workspace, candidate: Candidate, known: Schema, rows: Rows, recorded: Evaluation | None, progress: Progress
) -> tuple[Rescored, Evaluation]:
    task, value = ws.task, value_of(ws)
    model = load_model(ws, candidate)
    outputs = model.predict(rows.frame)
    measured = evaluate_rows(candidate.id, task, rows, outputs, known, threshold=candidate.threshold, value=value)
    together = clusters(rows.frame, known, rows.subject)
    scored = Scored(rows.truth, outputs, task.decide(outputs, candidate.threshold), value)
    shown, times = task.shown(scored), times_of(rows, known)
    weighed = recorded.importance if recorded and recorded.importance else None
    if weighed is None:
        progress("asking what each column is worth to it")
        weighed = importance(model.predict, task, rows, known, seed=candidate.seed)
    tested = Rescored(
        rows=rows.count,
        begin=from_micros(int(times.min())) if times is not None else None,
        end=from_micros(int(times.max())) if times is not None else None,
        reproduced=_same(recorded, measured) if recorded else None,
        is_chance=shown.is_chance,
        axes={"said": shown.said_as, "happened": shown.happened_as, "parts": shown.parts_as},
        bins=by_output(shown, together),
        cuts=by_threshold(task, scored, shown, together, candidate.threshold),
        piles=piles(shown),
        stretches=over_time(measured, task, scored, times) if times is not None else (),
        importance=weighed,
        taken=tuple(tuple(row) for row in shown.taken.tolist()) if shown.taken is not None else (),
        groups=_groups(task, measured, scored, together, {name: rows.frame[name] for name in most_important(known, weighed)}),
    )
    return tested, measured


def most_important(known: Schema, weighed: Mapping[str, Importance]) -> list[str]:
    """The features that matter most and whose values make groups."""
    there = [column.name for column in known.features if column.dtype != "instant" and column.kind != "text"]
    return sorted((name for name in there if name in weighed), key=lambda name: -weighed[name].value)[:MOST_GROUPED]


def _groups(
    task: Task, measured: Evaluation, scored: Scored, together: Clusters, columns: Mapping[str, pl.Series]
) -> dict[str, dict[str, Group]]:
    values = {name: groups.names(one).to_list() for name, one in columns.items()}
    by = evaluate_groups(measured, task, scored, together, values).groups
    return {
        name: {
            value: Group(one.count, {task.selects: one.metrics[task.selects]})
            for value, one in found.items()
            if task.selects in one.metrics
        }
        for name, found in by.items()
    }


def _same(recorded: Evaluation, measured: Evaluation) -> bool:
    then, now = recorded.metrics.get(recorded.selects), measured.metrics.get(recorded.selects)
    near = then is not None and now is not None and abs(then.value - now.value) <= 1e-9 * max(1.0, abs(then.value))
    return recorded.rows == measured.rows and (near or then is now)


def _made(ws: Workspace, candidate: Candidate, known: Schema, before: Rows, entries: Mapping[str, int]) -> Made:
    times = times_of(before, known)
    found = [taken(ws, one).entry.body["artifacts"].get("inspection") for one in candidate.snapshots]
    return Made(
        snapshots=tuple(ws.artifacts.get_record(Snapshot, one) for one in candidate.snapshots),
        split=ws.artifacts.get_record(Split, candidate.split) if candidate.split else None,
        columns=known.columns,
        dropped=known.dropped,
        learned=(from_micros(int(times.min())), from_micros(int(times.max()))) if times is not None and times.size else None,
        entries=entries,
        inspections=tuple(ws.artifacts.get_record(Inspection, name) for name in found if name),
    )
