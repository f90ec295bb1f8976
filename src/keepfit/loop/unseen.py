"""Unseen: the rows with a known truth that a candidate never learned from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

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
from keepfit.workspace import Workspace

__all__ = ["Unseen", "learned", "source_rows", "taken", "unseen"]


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
    rows = log_rows(ws, known, candidate.classes, now=seen)
    time = rows.frame[known.time]
    rows = rows.where(((time >= begin) & (time < end) if end else time >= begin).to_numpy())
    if rows.count < FEWEST_LABELS:
        some = f"only {rows.count} rows with a known truth came" if rows.count else "no row with a known truth came"
        return Unseen(None, f"It learned from every row up to {candidate.fitted_before:%Y-%m-%d %H:%M} UTC; {some} after that.")
    return Unseen(rows)


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
