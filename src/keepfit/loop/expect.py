"""Expect: what the quality of a window may be, as soon as it has ended and before its labels are there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from keepfit.candidate import Candidate
from keepfit.estimate import Asked, Estimate, Known, estimate, past
from keepfit.evaluation import Evaluation
from keepfit.instant import from_micros, micros
from keepfit.loop import fold, log
from keepfit.loop.due import closed, sealed
from keepfit.loop.models import candidate_behind, load_model
from keepfit.loop.parts import when
from keepfit.loop.rows import Rows, value_of
from keepfit.loop.unseen import source_rows, unseen
from keepfit.loop.watch import as_rows
from keepfit.measures.plausible import Told
from keepfit.record import plain
from keepfit.schema import Schema
from keepfit.spec.length import RowCount
from keepfit.task import Outputs
from keepfit.window import Interval, Window
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

__all__ = ["Wanted", "estimated", "expect", "expect_window", "known_for", "wanted"]

#: Fewer answers than this are not worth an estimate.
FEWEST_ROWS = 30
#: Labelled rows are learned from that lie so many windows back, and so many of them, spread evenly.
MOST_BLOCKS, MOST_KNOWN = 26, 30_000
#: With labels in fewer windows than this, the rows that a release was tested on are learned from too.
FEW_BLOCKS = 8
_BLOCK = "keepfit block"
_SELECTED = ("champion", "canary")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A release in a window whose quality is asked for: its answers with all their outputs."""

    release: str
    role: Any
    candidate: Candidate
    known: Schema
    rows: pl.DataFrame
    outputs: Outputs


def expect(ws: Workspace, *, now: datetime) -> list[Estimate]:
    """Estimate every window that has ended and was neither estimated nor looked at, oldest first."""
    before = {(entry.body["begin"], entry.body["end"]) for entry in ws.ledger.entries(kind="estimate")}
    found: list[Estimate] = []
    for window in closed(ws, now=now):
        if (plain(window.begin), plain(window.end)) not in before:
            found += expect_window(ws, window, now=now)
    return found


def expect_window(ws: Workspace, window: Interval, *, now: datetime) -> list[Estimate]:
    """Estimate one window for each release that answered in it, and write that down; the labels count that were due when it ended."""
    answered = log.predictions(ws, within=window)
    found: list[Estimate] = []
    causes: list[tuple[list[Any], dict[str, Any]]] = []
    groups = answered.filter(answered["role"].is_in(_SELECTED)).partition_by("role", "release", as_dict=True)
    for (role, release), rows in sorted(groups.items(), key=lambda one: (_SELECTED.index(str(one[0][0])), str(one[0][1]))):
        asked = wanted(ws, str(release), str(role), rows)
        if asked is None:
            continue
        made = estimated(ws, window, asked, rows.height, now=now)
        body = {
            "begin": plain(window.begin),
            "end": plain(window.end),
            "release": made.release,
            "role": made.role,
            "predictions": made.rows,
            "known": made.known,
            "artifacts": {"estimate": ws.artifacts.put_record(made)},
        }
        causes.append(([plain(window.begin), plain(window.end), made.release, made.role], body))
        found.append(made)
    if causes:
        ws.append_all("estimate", causes, at=now)
    return found


def wanted(ws: Workspace, release: str, role: str, answered: pl.DataFrame) -> Wanted | None:
    """A release with its answers, as far as they have every output; None where the ledger does not know it."""
    import polars as pl  # the command line starts without it

    behind = candidate_behind(ws, release)
    if behind is None:
        return None
    fields = {field: f"{fold.OUTPUT}{field}" for field in ws.task.fields(behind[0].classes)}
    if not set(fields.values()) <= set(answered.columns):
        answered = answered.head(0).with_columns(pl.lit(None, pl.Float64).alias(column) for column in fields.values())
    there = answered.filter(pl.all_horizontal(pl.col(*fields.values()).is_not_null()))
    outputs = {field: there[column].to_numpy() for field, column in fields.items()}
    return Wanted(release, role, behind[0], ws.artifacts.get_record(Schema, behind[0].schema), there, outputs)


def estimated(ws: Workspace, window: Interval, asked: Wanted, answered: int, *, now: datetime) -> Estimate:
    """What a release may come to on its answers in a window, of which there were so many; nothing is written down."""
    track = past(_pairs(ws, window))
    made: dict[str, Any] = {"metrics": {}}
    notes: list[str] = []
    told, outputs = known_for(ws, window, asked, now=now)
    if asked.rows.height >= FEWEST_ROWS:
        of = Asked(asked.outputs, asked.candidate.threshold, value_of(ws))
        made = estimate(ws.task, Known(told, outputs), of, seed=ws.spec.model.seed, past=track)
    else:
        notes.append(f"{asked.rows.height} answers are too few for an estimate")
    if told.truth.size == 0:
        notes.append("no row with a known truth is new to this release: the estimate is the model's own word")
    return Estimate(
        window.begin,
        window.end,
        asked.release,
        asked.role,
        rows=answered,
        known=int(told.truth.size),
        blocks=told.blocks,
        selects=ws.task.selects,
        task=ws.spec.problem.task,
        past=track,
        notes=tuple(notes),
        **made,
    )


def _pairs(ws: Workspace, window: Interval) -> list[tuple[Estimate, Evaluation]]:
    """Earlier estimates of this project, each with what was measured of the same release in the same window since."""
    measured = {_who(entry.body): entry for entry in ws.ledger.entries(kind="watch")}
    begin = plain(window.begin)
    found = []
    for entry in ws.ledger.entries(kind="estimate"):
        seen = measured.get(_who(entry.body))
        if seen is not None and entry.body["begin"] < begin and seen.body["labels"]:
            found.append((entry, seen))
    pairs = []
    for said, seen in found[-MOST_BLOCKS:]:
        evaluation = ws.artifacts.get_record(Window, seen.body["artifacts"]["window"]).evaluation
        if evaluation is not None:
            pairs.append((ws.artifacts.get_record(Estimate, said.body["artifacts"]["estimate"]), evaluation))
    return pairs


def _who(body: Any) -> tuple[str, ...]:
    return body["begin"], body["end"], body["release"], body.get("role", "champion")


def known_for(ws: Workspace, window: Interval, asked: Wanted, *, now: datetime) -> tuple[Told, Outputs]:
    """The rows that are new to a release and whose truth was due when a window ended, in blocks of a window's length."""
    import numpy as np  # the command line starts without it

    tables = [_from_log(ws, window, asked, now=now)]
    if len(set(tables[0][1].tolist())) < FEW_BLOCKS:
        tables.insert(0, _from_release(ws, window, asked, now=now))
    there = [(rows, block) for rows, block in tables if rows.count]
    if not there:
        none = np.zeros(0)
        return Told(none, none, np.zeros(0, dtype=np.int64), 0), dict.fromkeys(ws.task.fields(asked.candidate.classes), none)
    block = np.concatenate([one for _, one in there])
    said = [_outputs(ws, asked.candidate, rows) for rows, _ in there]
    truth = np.concatenate([rows.truth for rows, _ in there])
    outputs = {field: np.concatenate([one[field] for one in said]) for field in said[0]}
    kept = np.flatnonzero(block > block.max() - MOST_BLOCKS)
    kept = kept[:: -(-kept.size // MOST_KNOWN)]
    block = block[kept]
    told = Told(truth[kept], np.ones(kept.size), block - block.min(), int(block.max() - block.min()) + 1, gap=max(1, -int(block.max())))
    return told, {field: values[kept] for field, values in outputs.items()}


def _outputs(ws: Workspace, candidate: Candidate, rows: Rows) -> Outputs:
    return load_model(ws, candidate).predict(rows.frame)


def _from_log(ws: Workspace, window: Interval, asked: Wanted, *, now: datetime) -> tuple[Rows, NDArray[np.int64]]:
    """Answered rows, whoever answered them, with each one's block: -1 for the window before."""
    import polars as pl  # the command line starts without it

    length, known = ws.spec.monitor.window, asked.known
    answered = log.predictions(ws, within=Interval(_since(ws, window), window.begin))
    new = when() + ws.spec.problem.label_delay.delta <= window.end
    if known.time is None or asked.candidate.fitted_before is None:
        new &= pl.col("release") == asked.release  # nothing says which rows came after the fit
    else:
        new &= pl.col("time") >= asked.candidate.fitted_before
    told = log.with_truth(answered.filter(new), log.labels(ws, now=now, about=answered), known.target).sort(when(), maintain_order=True)
    rows = as_rows(ws, told, known, asked.candidate.classes)
    if isinstance(length, RowCount):
        numbered = told.with_columns((-1 - (pl.len() - 1 - pl.int_range(pl.len())) // length.rows).alias(_BLOCK))
    else:
        numbered = told.with_columns((when().cast(pl.Int64) - micros(window.begin)).floordiv(length.microseconds).alias(_BLOCK))
    assert rows.ids is not None
    block = pl.DataFrame({"id": rows.ids}).join(numbered.select("id", _BLOCK), on="id", how="left", maintain_order="left")[_BLOCK]
    return rows, block.cast(pl.Int64).to_numpy()


def _since(ws: Workspace, window: Interval) -> datetime:
    length = ws.spec.monitor.window
    if isinstance(length, RowCount):
        begins = [one.begin for one in sealed(ws) if one.begin < window.begin]
        return begins[-MOST_BLOCKS] if len(begins) >= MOST_BLOCKS else from_micros(0)
    return window.begin - MOST_BLOCKS * length.delta


def _from_release(ws: Workspace, window: Interval, asked: Wanted, *, now: datetime) -> tuple[Rows, NDArray[np.int64]]:
    """The rows that a release was tested on before it served, with each one's block."""
    import numpy as np  # the command line starts without it

    candidate, known = asked.candidate, asked.known
    nothing = Rows(asked.rows.head(0), np.zeros(0)), np.zeros(0, dtype=np.int64)
    if candidate.split is None or candidate.final_fit != "development":
        return nothing
    rows = unseen(ws, candidate, known, source_rows(ws, candidate, known), None, now).rows
    if rows is None:
        return nothing
    length = ws.spec.monitor.window
    if known.time is None or isinstance(length, RowCount):
        return rows, np.full(rows.count, -MOST_BLOCKS + 1, dtype=np.int64)
    time = rows.frame[known.time].cast(int).to_numpy()
    before = time + ws.spec.problem.label_delay.microseconds <= micros(window.end)
    rows = rows.where(before & (time < micros(window.begin)))
    return rows, (time[before & (time < micros(window.begin))] - micros(window.begin)) // length.microseconds
