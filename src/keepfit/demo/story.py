"""The demo, told step by step: take, fit, judge, release, serve, label, watch, refit, promote."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import ClassVar

import httpx

from keepfit import errors, files
from keepfit.candidate import Candidate
from keepfit.demo.stream import TABLE, Stream, flights, server
from keepfit.evaluation import Evaluation, Gain
from keepfit.loop.judge import score_both
from keepfit.loop.models import candidate_of
from keepfit.loop.rows import Rows
from keepfit.loop.run import Run, run
from keepfit.loop.turn import Turn, turn
from keepfit.progress import Progress
from keepfit.schema import Schema
from keepfit.workspace import Workspace

__all__ = ["BEGIN", "Gained", "Listener", "demo", "prepare"]

#: The file holds the flights before this instant; the later ones are the stream.
BEGIN = datetime(2013, 3, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Gained:
    """What refitting brought on the flights after the promotion, which neither model had seen."""

    record: ClassVar[str] = "gained"
    version: ClassVar[int] = 1

    folder: str
    flights: int
    begin: datetime
    end: datetime
    champion: str
    first: str
    now: Evaluation
    frozen: Evaluation
    log_loss: Gain
    roc_auc: Gain


@dataclass(frozen=True, slots=True)
class Listener:
    """Who shows the demo: called with each thing that happened."""

    prepared: Callable[[Path, int, int], None]
    ran: Callable[[Run], None]
    serving: Callable[[str], None]
    turned: Callable[[Turn], None]
    progress: Progress


def prepare(folder: Path) -> tuple[int, int]:
    """Make the project: the commented project file and the flights of January and February.

    Gives the rows in the file, and those that are kept outside as the stream.

    Raises
    ------
    BadArgument
        The folder holds something already.
    """
    import polars as pl  # the command line starts without it

    if folder.exists() and any(folder.iterdir()):
        fix = "name an empty or a new folder: keepfit demo another-folder"
        raise errors.BadArgument("the folder is not empty", at=str(folder), fix=fix)
    table = flights()
    known = table.filter(pl.col("departure") < BEGIN)
    files.write_whole(folder / TABLE, lambda path: known.write_parquet(path))
    files.write_whole(folder / "keepfit.toml", (resources.files("keepfit.demo") / "keepfit.toml").read_bytes())
    return known.height, table.height - known.height


def demo(folder: Path, *, weeks: int, listener: Listener) -> Gained:
    """Drive the loop over the weeks after February, and say what it gained."""
    listener.prepared(folder, *prepare(folder))
    ws = Workspace(folder)
    first = run(ws, now=BEGIN, progress=listener.progress)
    listener.ran(first)
    if first.released is None:
        raise errors.NoChampion("the first model did not pass its gates", at=str(folder), fix="keepfit show c1")
    now = BEGIN
    with server(folder) as (url, _), httpx.Client(base_url=url, timeout=60) as client:
        listener.serving(url)
        stream = Stream(client, flights())
        for day in range(_days(weeks)):
            asked_at = BEGIN + timedelta(days=day)
            now = asked_at + timedelta(days=1)
            stream.day(asked_at)
            if day:
                stream.labels(asked_at - timedelta(days=1), at=now)
            if now.weekday() == 1:  # a week ends on Sunday; its last labels are there on Tuesday at 00:00
                _turn_until_done(ws, now, listener)
    return _gained(ws, folder, first.candidate, now)


def _days(weeks: int) -> int:
    """Days until the labels of the last week are there, and one week more to measure what was gained."""
    monday = BEGIN + timedelta(days=(7 - BEGIN.weekday()) % 7)
    return (monday - BEGIN).days + 7 * weeks + 1


def _turn_until_done(ws: Workspace, now: datetime, listener: Listener) -> None:
    for _ in range(20):
        done = turn(ws, now=now, progress=listener.progress)
        if not done.did_something:
            return
        listener.turned(done)


def _gained(ws: Workspace, folder: Path, first: Candidate, now: datetime) -> Gained:
    """Score the promoted champion and the frozen first one on the flights that came after the promotion."""
    import polars as pl  # the command line starts without it

    entries = [e for e in ws.ledger.entries(kind="release") if e.body["role"] == "champion" and e.body["was"]]
    if not entries:
        raise errors.NoChampion("no challenger was promoted in these weeks", at=str(folder), fix="keepfit demo --weeks 6")
    promoted, _ = candidate_of(ws, entries[0].body["candidate"])
    assert promoted.fitted_before is not None
    known = ws.artifacts.get_record(Schema, first.schema)
    begin, end = entries[0].at, now
    later = flights().filter((pl.col("departure") >= begin) & (pl.col("departure") < end)).cast({pl.Int16: pl.Int64, pl.Int8: pl.Int64})
    rows = Rows(later, ws.task.truth(later["late"], first.classes))
    (frozen, _), (refitted, _) = score_both(ws, rows, known, [first, promoted], classes=promoted.classes)
    return Gained(
        str(folder),
        rows.count,
        begin,
        end,
        promoted.id,
        first.id,
        refitted,
        frozen,
        refitted.gain_over(frozen, "log_loss"),
        refitted.gain_over(frozen, "roc_auc"),
    )
