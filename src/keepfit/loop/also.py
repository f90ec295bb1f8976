"""Also: the statistics of drift that the project file names, beside the rule that decides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from keepfit import errors, plugin
from keepfit.candidate import Candidate
from keepfit.drift import Drift
from keepfit.profile import Profile
from keepfit.recent import Shares
from keepfit.reference import Blocks
from keepfit.schema import Schema
from keepfit.sketch import Sketches
from keepfit.snapshot import Snapshot
from keepfit.statistic import Numbers, OfColumn, OfTables, Shown
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

__all__ = ["also"]

#: Rows of a side that are shown to a statistic of all columns together.
_ROWS = 4_000
#: Parts of a snapshot that are read for them, spread evenly.
_PARTS = 12


def also(
    ws: Workspace, candidate: Candidate, blocks: Blocks, made: Profile, seen: Mapping[str, Shares], asked: pl.DataFrame
) -> Iterator[Drift]:
    """What each statistic of `[monitor] also` comes to, by column and for all columns together: measured, and never decided by.

    Parameters
    ----------
    blocks, made, seen : the features of the reference, and of the window as a profile and as shares of the same bins
    asked : the features of the window's rows
    """
    names = ws.spec.monitor.also
    wanted = [plugin.find("drift", name, at=ws.place("monitor", "also"), folder=ws.folder)() for name in names]
    columns = [one for one in wanted if one.asks == "column"]
    whole = _profile(ws, candidate) if columns else None
    for name in blocks.columns:
        if not columns or name not in seen:
            continue
        sides = _sides(blocks, name, seen[name], whole.columns.get(name) if whole else None, made.columns[name])
        for one in columns:
            yield from _told(one, one(sides), name, round(1 / seen[name].sampled_all))
    tables = [one for one in wanted if one.asks == "table"]
    if tables:
        both = OfTables(_sample(_reference(ws, candidate, asked.columns)), _sample(asked))
        for one in tables:
            yield from _told(one, one(both), "", asked.height)


def _told(statistic: Any, shown: Shown | None, column: str, rows: int) -> Iterator[Drift]:
    if shown is not None:
        effect, chance = round(shown.effect, 6), None if shown.chance is None else float(f"{shown.chance:.6g}")
        yield Drift(column, statistic.kind, effect, rows, unit=statistic.unit, chance=chance)


def _profile(ws: Workspace, candidate: Candidate) -> Profile | None:
    try:
        return ws.artifacts.get_record(Profile, candidate.profile)
    except (errors.CannotRead, errors.BrokenFile):
        return None


def _sides(blocks: Blocks, name: str, seen: Shares, before: Sketches | None, now: Sketches) -> OfColumn:
    import numpy as np

    held = blocks.columns[name]
    was = np.asarray(held.counts, dtype=np.float64).sum(axis=0) if held.counts else np.zeros(len(seen.bins))
    window = np.round(np.asarray(seen.bins) / seen.sampled)
    if held.bins == "open":
        was, window = np.append(was, 0.0), np.append(window, round(seen.unseen / seen.sampled))
    if before is None or "quantiles" not in before or "quantiles" not in now:
        return OfColumn(held.bins, was, window)
    return OfColumn(held.bins, was, window, (_numbers(before), _numbers(now)), float(before["moments"]["deviation"] or 0.0))


def _numbers(sketches: Sketches) -> Numbers:
    """The numbers that a sketch of quantiles keeps: each stands for a power of two of rows."""
    import numpy as np

    levels = sketches["quantiles"]["levels"]
    values = np.concatenate([np.asarray(level, dtype=np.float64) for level in levels])
    return Numbers(values, np.concatenate([np.full(len(level), float(1 << at)) for at, level in enumerate(levels)]))


def _reference(ws: Workspace, candidate: Candidate, names: list[str]) -> pl.DataFrame:
    """Rows that a candidate was made from, out of parts of its snapshots."""
    import polars as pl

    found = []
    for named in candidate.snapshots:
        snapshot = ws.artifacts.get_record(Snapshot, named)
        known = ws.artifacts.get_record(Schema, snapshot.schema)
        columns = [column for column in known.public if column.name in names]
        parts = snapshot.parts[:: max(1, len(snapshot.parts) // _PARTS)]
        few = Snapshot(snapshot.origin, snapshot.schema, parts, sum(part.rows for part in parts), 0)
        found.append(ws.tables.read(few, columns))
    rows = pl.concat(found, how="diagonal_relaxed")
    return rows.select(name if name in rows.columns else pl.lit(None).alias(name) for name in names)


def _sample(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.sample(_ROWS, seed=0) if rows.height > _ROWS else rows
