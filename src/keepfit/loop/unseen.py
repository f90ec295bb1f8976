"""Unseen: the rows with a known truth that a candidate never learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from keepfit import errors
from keepfit.candidate import Candidate
from keepfit.instant import parse
from keepfit.ledger import Entry
from keepfit.loop.fit import places
from keepfit.loop.models import candidate_of
from keepfit.loop.rows import Rows, known_rows
from keepfit.loop.take import Taken
from keepfit.loop.watch import FEWEST_LABELS, log_rows
from keepfit.schema import Schema
from keepfit.snapshot import Snapshot
from keepfit.split import Split
from keepfit.window import FOR_EVER, Interval
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Unseen", "common", "learned", "source_rows", "taken", "unseen"]


@dataclass(frozen=True, slots=True)
class Unseen:
    """Rows that are new to a candidate, and where there are none, why."""

    rows: Rows | None
    why: str = ""


def taken(ws: Workspace, name: str) -> Taken:
    """A snapshot that was taken before, by its digest.

    Raises
    ------
    NothingThere
        The ledger does not name it.
    """
    for entry in ws.ledger.entries(kind="snapshot"):
        if entry.body["artifacts"]["snapshot"] == name:
            snapshot = ws.artifacts.get_record(Snapshot, name)
            return Taken(snapshot, name, ws.artifacts.get_record(Schema, snapshot.schema), (), entry)
    raise errors.NothingThere("the ledger does not name a snapshot that was learned from", at=name, fix="keepfit ledger verify says more")


def unseen(ws: Workspace, candidate: Candidate, known: Schema, source: Rows, judged: Entry | None, now: datetime) -> Unseen:
    """The rows that a candidate was tested on, or that came after it.

    Parameters
    ----------
    source : the rows of its snapshots with a known truth
    judged : the newest verdict on it; where that rests on a window, the rows are those of the window
    """
    if candidate.split is not None and candidate.final_fit == "development":
        boundaries = ws.artifacts.get_record(Split, candidate.split)
        return Unseen(source.where(replace(places(ws, source, known), split=boundaries).test))
    if known.time is None or candidate.fitted_before is None:
        return Unseen(None, "It learned from every row whose truth is known, and nothing says which rows came later.")
    begin, end, seen = candidate.fitted_before, None, now
    if judged is not None and "window" in judged.body:
        rival = candidate_of(ws, judged.body["champion"])[0].fitted_before
        begin = max(one for one in (begin, rival, parse(judged.body["window"]["begin"])) if one is not None)
        end, seen = parse(judged.body["window"]["end"]), judged.at
    rows = log_rows(ws, known, candidate.classes, now=seen, within=Interval(begin, end or FOR_EVER))
    if rows.count < FEWEST_LABELS:
        some = f"only {rows.count} rows with a known truth came" if rows.count else "no row with a known truth came"
        return Unseen(None, f"It learned from every row up to {candidate.fitted_before:%Y-%m-%d %H:%M} UTC; {some} after that.")
    return Unseen(rows)


def common(ws: Workspace, candidates: Sequence[Candidate], known: Schema, *, now: datetime) -> Rows:
    """The rows with a known truth that are new to every one of some candidates.

    They come from the snapshots of all of them and, where there is time, from the log; without a key, which tells one row
    from another, from those of the newest alone.

    Parameters
    ----------
    known : the schema of the newest candidate

    Raises
    ------
    CannotCompare
        The candidates' columns do not stand in the same rows.
    """
    import numpy as np  # the command line starts without it
    import polars as pl

    newest = candidates[-1]
    for candidate in candidates:
        _same_columns(candidate, ws.artifacts.get_record(Schema, candidate.schema), newest, known)
    sources = [source_rows(ws, newest, known)]
    if known.key:
        sources += [source_rows(ws, one, known) for one in candidates[:-1] if set(one.snapshots) - set(newest.snapshots)]
        sources += [log_rows(ws, known, newest.classes, now=now)] if known.time else []
    if len(sources) == 1:
        rows = sources[0]
    else:
        names = sources[0].frame.columns
        frame = pl.concat([one.frame.select(names) for one in sources if one.count], how="vertical").with_row_index("keepfit row")
        frame = frame.unique(subset=list(known.key), keep="first", maintain_order=True)
        truth = np.concatenate([one.truth for one in sources if one.count])[frame["keepfit row"].to_numpy()]
        rows = Rows(frame.select(names), truth)
    for candidate in candidates:
        rows = rows.where(_new_to(ws, candidate, known, rows))
    return rows


def _same_columns(candidate: Candidate, its: Schema, newest: Candidate, known: Schema) -> None:
    there = {column.name: column.dtype for column in known.columns}
    lacking = next((column.name for column in its.features if there.get(column.name) != column.dtype), None)
    at = f"{candidate.id}, {newest.id}"
    if lacking is not None:
        message = f"{candidate.id} learned from column '{lacking}', which the rows of {newest.id} do not have, or as another type"
        raise errors.CannotCompare(message, at=at, fix="compare candidates that were fitted on the same columns")
    if (its.target, its.time, its.key) != (known.target, known.time, known.key):
        message = f"{candidate.id} and {newest.id} differ in target, time or key"
        raise errors.CannotCompare(message, at=at, fix="compare candidates that were fitted under the same [problem]")
    if not known.time and not known.key and its.columns != known.columns:
        message = f"without a key the rows of {candidate.id} and {newest.id} cannot be told apart: their columns differ"
        raise errors.CannotCompare(message, at=at, fix="name a key in [problem]")


def _new_to(ws: Workspace, candidate: Candidate, known: Schema, rows: Rows) -> NDArray[np.bool_]:
    import numpy as np  # the command line starts without it

    boundaries = ws.artifacts.get_record(Split, candidate.split) if candidate.split else None
    judged = boundaries is not None and candidate.final_fit == "development"
    if known.time is not None:
        begin = boundaries.test_begin if boundaries is not None and judged else candidate.fitted_before
        if begin is not None:
            return np.asarray((rows.frame[known.time] >= begin).to_numpy())
    elif judged and rows.count:
        return places(ws, rows, known).test
    return np.zeros(rows.count, dtype=np.bool_)


def learned(ws: Workspace, candidate: Candidate, known: Schema, source: Rows) -> Rows:
    """The rows of its snapshots that a candidate learned from.

    Where there is time those before its last; else all that are not its test, if it has one.
    """
    if known.time is not None and candidate.fitted_before is not None:
        return source.where((source.frame[known.time] < candidate.fitted_before).to_numpy())
    if candidate.final_fit == "development" and candidate.split is not None:
        return source.where(~places(ws, source, known).test)
    return source


def source_rows(ws: Workspace, candidate: Candidate, known: Schema) -> Rows:
    """The rows of a candidate's snapshots with a known truth."""
    return known_rows(ws, [taken(ws, one) for one in candidate.snapshots], known, candidate.classes)
