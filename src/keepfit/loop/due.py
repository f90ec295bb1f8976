"""Due: the windows that wait to be looked at, and those to be looked at again for what came late."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

from keepfit import digest
from keepfit.instant import micros
from keepfit.ledger import Entry
from keepfit.loop import log
from keepfit.loop.parts import Part, number_of, parts, touching, when, windows_of
from keepfit.loop.state import interval
from keepfit.spec.length import RowCount
from keepfit.window import FOR_EVER, Interval, filled, numbered, uncovered
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Held", "Who", "closed", "due", "grown", "held", "looks", "sealed"]

#: A release and its role.
Who: TypeAlias = tuple[str, str]
#: What comes later than so many windows reopens none: a refit learns from it all the same.
REOPENED = 12
#: A window is looked at again when this share more of its rows, or of their labels, came.
MORE = 0.05
#: A file that was written so shortly before a window was looked at may not have been read.
_MARGIN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Held:
    """What the log holds of a release in a window: its answers, and how many of them have a label."""

    predictions: int
    told: int


def due(ws: Workspace, *, now: datetime) -> tuple[Interval, ...]:
    """The windows with traffic whose labels are due and that have no entry yet, oldest first; then those that were late for."""
    seen = sealed(ws)
    return (*_new(ws, seen, now), *_late(ws, seen, now))


def closed(ws: Workspace, *, now: datetime) -> tuple[Interval, ...]:
    """The windows with traffic that have ended and have no entry yet, oldest first, whether or not their labels are due."""
    return tuple(_new(ws, sealed(ws), now + ws.spec.problem.label_delay.delta))


def sealed(ws: Workspace) -> dict[Interval, list[Entry]]:
    """The windows that were looked at, in the order of time, each with its entries."""
    found: dict[Interval, list[Entry]] = {}
    for entry in ws.ledger.entries(kind="watch"):
        found.setdefault(interval(entry.body), []).append(entry)
    return dict(sorted(found.items(), key=lambda one: (one[0].begin, one[0].end)))


def looks(entries: Sequence[Entry]) -> dict[Who, list[Entry]]:
    """The entries of a window by whom they are about, the newest last."""
    found: dict[Who, list[Entry]] = {}
    for entry in entries:
        found.setdefault((entry.body["release"], entry.body.get("role", "champion")), []).append(entry)
    return found


def held(told: pl.DataFrame) -> dict[Who, Held]:
    """What predictions with the column `label` come to, by release and role."""
    import polars as pl  # the command line starts without it

    counted = told.group_by("release", "role").agg(rows=pl.len(), told=pl.col("label").count())
    return {(release, role): Held(rows, labels) for release, role, rows, labels in counted.rows()}


def grown(now: Held, entry: Entry) -> bool:
    """Whether so much more is known than when a window was looked at that it must be looked at again."""
    was, told = entry.body["predictions"], entry.body.get("told", entry.body["labels"])
    return any(after - before >= max(1.0, MORE * before) for after, before in ((now.predictions, was), (now.told, told)))


def _new(ws: Workspace, seen: Mapping[Interval, list[Entry]], now: datetime) -> Iterator[Interval]:
    length, delay = ws.spec.monitor.window, ws.spec.problem.label_delay.delta
    if isinstance(length, RowCount):
        yield from _filled(ws, length, max((one.end for one in seen), default=None), now - delay)
        return
    numbers = windows_of(ws, parts(ws, "predictions"), length)
    waiting = log.waiting_predictions(ws)
    numbers |= set(waiting.select(number_of(length).unique()).to_series().to_list())
    for number in sorted(numbers):
        window = numbered(number, length)
        if window.end + delay <= now and (left := uncovered(window, seen)) is not None and (left == window or _rows(ws, left)):
            yield left


def _filled(ws: Workspace, length: RowCount, since: datetime | None, until: datetime) -> Iterator[Interval]:
    """The windows that are full of rows whose labels are due; only what came after the last one is read."""
    import polars as pl  # the command line starts without it

    after = Interval(since, FOR_EVER) if since is not None else None
    times = log.predictions(ws, within=after, columns=()).select(when().cast(pl.Int64).sort()).to_series().to_numpy()
    return filled(times[times < micros(until)], length.rows, since)


def _rows(ws: Workspace, window: Interval) -> bool:
    return log.predictions(ws, within=window, columns=()).height > 0


def _late(ws: Workspace, seen: Mapping[Interval, list[Entry]], now: datetime) -> Iterator[Interval]:
    """Sealed windows that so many rows or labels came late for that they must be looked at again."""
    answers, labels = parts(ws, "predictions"), parts(ws, "labels")
    for window, entries in list(seen.items())[-REOPENED:]:
        since = max(entry.recorded_at for entry in entries) - _MARGIN
        rows, about = _since(touching(answers, window), since), _since(labels, since)
        if not rows and not about:
            continue
        named = [window.name, max(entry.seq for entry in entries), sorted(part.path.name for part in (*rows, *about))]
        mark = digest.of_value(["nothing came late", *named])
        if ws.cache.get(mark) is not None:
            continue
        if _came(ws, window, entries, rows, about, now):
            yield window
        elif all(part.times is None or part.times[1] <= micros(now) for part in about):
            ws.cache.put(mark, "1")


def _came(ws: Workspace, window: Interval, entries: Sequence[Entry], rows: list[Part], about: list[Part], now: datetime) -> bool:
    answered = log.predictions(ws, within=window, columns=["key"])
    if not rows and not log.labels(ws, now=now, about=answered, of=about).height:
        return False
    told = log.with_truth(answered, log.labels(ws, now=now, about=answered), ws.spec.problem.target)
    last = {who: found[-1] for who, found in looks(entries).items()}
    return any(who not in last or grown(one, last[who]) for who, one in held(told).items())


def _since(found: Sequence[Part], instant: datetime) -> list[Part]:
    """The files that were written from an instant on, by the clock on the wall."""
    return [part for part in found if part.path.stat().st_mtime >= instant.timestamp()]
