"""Spread: how columns are distributed in the rows that were learned from, and in those that were not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keepfit import profile
from keepfit.candidate import Candidate
from keepfit.column import Bar, ColumnKind
from keepfit.loop.rows import Rows
from keepfit.measures.distance import jensen_shannon
from keepfit.profile import Profile
from keepfit.schema import Schema
from keepfit.sketch import Sketches
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Spread", "spread", "times_of"]

#: Of how many rows the table that a candidate learned from is profiled again, to learn how much it varies by itself.
MOST_LEARNED = 100_000
MOST_STRETCHES = 4
#: A wider table is not profiled again: it would take longer than the report is worth.
MOST_COLUMNS = 300


@dataclass(frozen=True, slots=True)
class Spread:
    """How one column is distributed: in words, in bars, and how far the new rows lie from those learned from.

    `missing` and `missing_now` are shares of the rows learned from and of the new ones. `moved` is the distance between
    the two in [0, 1], and `usual` the largest of an earlier stretch, about as long, from the rest; None where there are
    no new rows, or too few rows to know. The bars' current shares are those of the new rows.
    """

    column: str
    kind: str
    axis: str
    says: str
    missing: float
    bars: tuple[Bar, ...]
    missing_now: float | None = None
    moved: float | None = None
    usual: float | None = None


def spread(ws: Workspace, candidate: Candidate, known: Schema, learned: Rows, rows: Rows | None) -> tuple[Spread, ...]:
    """The spread of every feature, in the schema's order.

    Parameters
    ----------
    learned : the rows that the candidate learned from
    rows : rows that it did not learn from, where there are any
    """
    reference = ws.artifacts.get_record(Profile, candidate.profile)
    columns = [column for column in known.features if column.name in reference.columns]
    current = profile.profile(rows.frame, columns, ws.kinds, like=reference) if rows else None
    usual = _usual(ws, known, learned, rows.count, reference) if rows and len(columns) <= MOST_COLUMNS else {}
    found = []
    for column in columns:
        kind, held = ws.kinds[column.kind], reference.columns[column.name]
        now = current.columns.get(column.name) if current else None
        found.append(
            Spread(
                column=column.name,
                kind=column.kind,
                axis=kind.axis,
                says=kind.says(held),
                missing=_missing(held),
                bars=tuple(kind.bars(held, now or held)),
                missing_now=_missing(now) if now else None,
                moved=_apart(kind, held, now) if now else None,
                usual=usual.get(column.name),
            )
        )
    return tuple(found)


def _apart(kind: ColumnKind, held: Sketches, now: Sketches) -> float:
    """How far two columns lie apart, in [0, 1]; rows without a value are a bin of their own."""
    first, second = kind.beside(held, now)
    return jensen_shannon([*first, held["count"]["missing"]], [*second, now["count"]["missing"]])


def _missing(held: Any) -> float:
    return held["count"]["missing"] / held["count"]["rows"] if held["count"]["rows"] else 0.0


def _usual(ws: Workspace, known: Schema, learned: Rows, length: int, reference: Profile) -> dict[str, float]:
    """How far stretches of the rows learned from lie from the rest of them, at most."""
    found: dict[str, float] = {}
    for part, rest in _stretches(learned, known, length):
        one, other = (profile.profile(rows.frame, known.features, ws.kinds, like=reference) for rows in (rest, part))
        for column in known.features:
            if column.name in one.columns and column.name in other.columns:
                apart = _apart(ws.kinds[column.kind], one.columns[column.name], other.columns[column.name])
                found[column.name] = max(found.get(column.name, 0.0), apart)
    return found


def _stretches(learned: Rows, known: Schema, length: int) -> list[tuple[Rows, Rows]]:
    """Stretches of about `length` rows, and for each the rest of the rows."""
    import numpy as np  # the command line starts without it

    number = min(MOST_STRETCHES, learned.count // max(1, length))
    if number < 2:
        return []
    times = times_of(learned, known)
    order = np.arange(learned.count) if times is None else np.argsort(times, kind="stable")
    order = order[:: -(-learned.count // MOST_LEARNED)]
    place = np.arange(order.size) % number if times is None else np.arange(order.size) * number // order.size
    return [(_at(learned, order[place == one]), _at(learned, order[place != one])) for one in range(number)]


def _at(rows: Rows, where: NDArray[np.int64]) -> Rows:
    mask = rows.truth != rows.truth
    mask[where] = True
    return rows.where(mask)


def times_of(rows: Rows, known: Schema) -> NDArray[np.int64] | None:
    """Each row's time in microseconds since 1970; None where the problem has no time."""
    return rows.frame[known.time].cast(int).to_numpy() if known.time else None
