"""Compare: two candidates on the same rows, none of which either learned from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from keepfit import errors
from keepfit.candidate import Candidate
from keepfit.evaluation import FEWEST_IN_GROUP, Clusters, Evaluation, Gain
from keepfit.instant import from_micros
from keepfit.loop import groups
from keepfit.loop.curves import Bin, Cut, by_output, by_threshold, spans
from keepfit.loop.importance import importance
from keepfit.loop.judge import score_both
from keepfit.loop.models import evaluation_of, load_model
from keepfit.loop.report import About, about, most_important, named, role_of, without_sums
from keepfit.loop.rows import Rows, clusters, value_of
from keepfit.loop.spread import times_of
from keepfit.loop.unseen import common
from keepfit.measures import interval
from keepfit.progress import Progress, silent
from keepfit.schema import Schema
from keepfit.task import Scored, Task
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from keepfit.measures.quality import Estimate

__all__ = ["Comparison", "Contest", "Side", "compare"]

#: With fewer rows that are new to both, two candidates are not compared.
FEWEST_COMMON_ROWS = 30


@dataclass(frozen=True, slots=True)
class Side:
    """One of two candidates: the name it was asked for by, what was measured of it on the common rows, and its curves."""

    name: str
    role: str
    candidate: Candidate
    evaluation: Evaluation
    bins: tuple[Bin, ...]
    cuts: tuple[Cut, ...]


@dataclass(frozen=True, slots=True)
class Contest:
    """The gain of the second over the first on some of the rows, with an interval that holds for all parts together.

    `begin` and `end` say which stretch of time; None for a group.
    """

    name: str
    rows: int
    gain: Gain
    begin: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two candidates on the same rows, none of which either was fitted, tuned or calibrated on.

    `gains` are those of the second over the first, more being better, by metric. `agreed` counts the rows that went right
    with `both`, with the `first` only, the `second` only, or `neither`. `stretches` and `groups` hold the gain in the
    selecting metric over time, and by the values of the columns that matter most.
    """

    record: ClassVar[str] = "comparison"
    version: ClassVar[int] = 1

    about: About
    first: Side
    second: Side
    begin: datetime | None
    end: datetime | None
    is_chance: bool
    axes: Mapping[str, str]
    gains: Mapping[str, Gain]
    agreed: Mapping[str, int]
    stretches: tuple[Contest, ...]
    groups: Mapping[str, tuple[Contest, ...]]


def compare(ws: Workspace, first: str, second: str, *, now: datetime, progress: Progress = silent) -> Comparison:
    """Compare two candidates (`c1`) or releases (`r1`) on every row with a known truth that is new to both.

    Raises
    ------
    NothingThere
        One of them is not there.
    NoCommonRows, CannotCompare
        They are the same, too few rows are new to both, or they cannot answer for the same rows.
    """
    found = [named(ws, name) for name in (first, second)]
    one, two = (candidate for candidate, _ in found)
    if one.id == two.id:
        raise errors.CannotCompare(f"'{first}' and '{second}' are the same candidate, {one.id}", at=one.id, fix="name two different ones")
    older, newer = sorted(found, key=lambda each: each[1].seq)
    known = ws.artifacts.get_record(Schema, newer[0].schema)
    progress("looking for rows that are new to both")
    rows = common(ws, [older[0], newer[0]], known, now=now)
    _enough(rows, one, two)
    progress(f"scoring {rows.count:,} rows with both")
    (mine, ours), (yours, theirs) = score_both(ws, rows, known, [one, two], classes=newer[0].classes)
    together, times, value = clusters(rows.frame, known, rows.subject), times_of(rows, known), value_of(ws)
    scored = [
        Scored(rows.truth, outputs, ws.task.decide(outputs, candidate.threshold), value)
        for outputs, candidate in ((ours, one), (theirs, two))
    ]
    shown = [ws.task.shown(each) for each in scored]
    sides = [
        Side(
            name,
            role_of(ws, candidate.id),
            candidate,
            without_sums(measured),
            by_output(drawn, together),
            by_threshold(ws.task, each, drawn, together, candidate.threshold),
        )
        for name, candidate, measured, each, drawn in zip((first, second), (one, two), (mine, yours), scored, shown, strict=True)
    ]
    pair = _Pair(ws.task, scored[0], scored[1], together)
    weighed = next((kept.importance for _, entry in reversed(found) if (kept := evaluation_of(ws, entry)) and kept.importance), None)
    if weighed is None:
        progress(f"asking what each column is worth to {two.id}")
        weighed = importance(load_model(ws, two).predict, ws.task, rows, known, seed=two.seed)
    return Comparison(
        about=about(ws, known, now),
        first=sides[0],
        second=sides[1],
        begin=from_micros(int(times.min())) if times is not None else None,
        end=from_micros(int(times.max())) if times is not None else None,
        is_chance=shown[0].is_chance,
        axes={"said": shown[0].said_as, "happened": shown[0].happened_as},
        gains=_gains(yours, mine),
        agreed=_agreed(shown[0].right, shown[1].right),
        stretches=_over_time(pair, times) if times is not None else (),
        groups={name: _by(pair, groups.names(rows.frame[name]).to_list()) for name in most_important(known, weighed)},
    )


def _enough(rows: Rows, one: Candidate, two: Candidate) -> None:
    at = f"{one.id}, {two.id}"
    if rows.count < FEWEST_COMMON_ROWS:
        some = f"only {rows.count} rows are" if rows.count else "no row is"
        fix = "wait for labels of newer rows: keepfit label, or take newer data: keepfit run"
        raise errors.NoCommonRows(f"{some} new to both {one.id} and {two.id}; it takes {FEWEST_COMMON_ROWS}", at=at, fix=fix)
    if rows.truth.min() == rows.truth.max():
        fix = "wait for rows in which another outcome occurs"
        raise errors.NoCommonRows(f"the {rows.count} rows that are new to both hold one outcome only", at=at, fix=fix)


def _gains(mine: Evaluation, theirs: Evaluation) -> dict[str, Gain]:
    both = [name for name in mine.metrics if name in theirs.metrics]
    found = {name: mine.gain_over(theirs, name) for name in both}
    return {name: gain for name, gain in found.items() if math.isfinite(gain.high - gain.low)}


def _agreed(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> dict[str, int]:
    parts = {"both": first & second, "first": first & ~second, "second": second & ~first, "neither": ~first & ~second}
    return {name: int(rows.sum()) for name, rows in parts.items()}


@dataclass(frozen=True, slots=True)
class _Pair:
    """Both candidates' outputs on the common rows."""

    task: Task
    first: Scored
    second: Scored
    together: Clusters

    def difference(self, mask: NDArray[np.bool_]) -> float | None:
        """The gain of the second over the first on some rows, without its interval."""
        found = self._measured(mask)
        return self._sign * (found[1].value - found[0].value) if found else None

    def gain(self, mask: NDArray[np.bool_], confidence: float) -> Gain | None:
        """The gain of the second over the first on some rows; None where it cannot be measured there."""
        import numpy as np  # the command line starts without it

        found = self._measured(mask)
        if found is None:
            return None
        names, of_row = np.unique(self.together.of_row[mask], return_inverse=True)
        influence = self._sign * (found[1].influence - found[0].influence)
        half = interval.clustered(influence, of_row.astype(np.int64), len(names), confidence)
        value = self._sign * (found[1].value - found[0].value)
        return Gain(value, value - half, value + half, self.task.selects) if math.isfinite(half) else None

    def _measured(self, mask: NDArray[np.bool_]) -> tuple[Estimate, Estimate] | None:
        measure = self.task.metrics[self.task.selects].measure
        try:
            return measure(self.first.where(mask)), measure(self.second.where(mask))
        except ValueError:
            return None

    @property
    def _sign(self) -> float:
        return 1.0 if self.task.metrics[self.task.selects].better == "higher" else -1.0


def _over_time(pair: _Pair, times: NDArray[np.int64]) -> tuple[Contest, ...]:
    """The gain over stretches of time; a stretch holds too few days to tell how days vary, so it takes the variation of all."""
    import numpy as np  # the command line starts without it

    parts = spans(times)
    everything = pair.gain(np.ones(times.size, dtype=np.bool_), 1 - 0.05 / max(1, len(parts)))
    found = []
    for begin, end, mask in parts if everything is not None else ():
        gain = pair.difference(mask)
        if gain is not None and everything is not None:
            half = (everything.high - everything.value) * math.sqrt(times.size / int(mask.sum()))
            found.append(Contest("", int(mask.sum()), Gain(gain, gain - half, gain + half, pair.task.selects), begin, end))
    return tuple(found)


def _by(pair: _Pair, values: list[str | None]) -> tuple[Contest, ...]:
    """The gain in each group of enough rows, the largest gain first."""
    import numpy as np  # the command line starts without it

    names = np.array(["missing" if value is None else value for value in values], dtype=object).astype(str)
    known, count = np.unique(names, return_counts=True)
    kept = [str(name) for name, rows in zip(known, count, strict=True) if rows >= FEWEST_IN_GROUP]
    found = []
    for name in kept:
        mask = np.asarray(names == name)
        gain = pair.gain(mask, 1 - 0.05 / len(kept))
        if gain is not None:
            found.append(Contest(name, int(mask.sum()), gain))
    return tuple(sorted(found, key=lambda one: -one.gain.value))
