"""A guard: what makes rows suspicious to learn from, asked before a refit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keepfit.column import Kinds
from keepfit.measures.interval import wilson
from keepfit.profile import Profile
from keepfit.spec.refit import Guard
from keepfit.task import Shown

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

__all__ = ["Doubt", "flips", "flood", "vanished"]

#: An answer is confident from this chance on; so many of them must be there before labels are held against them.
CONFIDENT, FEWEST_CONFIDENT = 0.9, 20
#: Labels are suspicious where surely more than two in three of the confident answers are contradicted: of all rows, or of a segment's.
CONTRADICTED, SURE, SURE_OF_ONE = 2 / 3, 0.99, 0.9999
#: Rows that repeat another one may make up so much more of the new rows than of the older ones.
MORE_REPEATED, FEWEST_ROWS = 0.3, 100
#: A name counts as a segment with this share of the rows of before; gone is one of which so few of the expected rows are left.
SEGMENT, FEWEST_EXPECTED, GONE = 0.05, 30, 0.01


@dataclass(frozen=True, slots=True)
class Doubt:
    """What a guard found: about a column, or all rows where that is empty; `share` of `rows` bear it out.

    `because` holds numbers and names of columns, never a value from a row.
    """

    guard: Guard
    about: str
    rows: int
    share: float
    because: str


def flips(shown: Shown, segments: Mapping[str, NDArray[np.int64]]) -> Iterator[Doubt]:
    """Labels that contradict the champion where it is confident, nearly always: of all rows, or of one segment.

    A model that lost its touch is wrong more often than it says; that nearly every sure answer is wrong looks like
    labels that were turned round. A world that was turned round looks the same: a person can tell.

    Parameters
    ----------
    shown : what the champion says of rows that are new to it, and what came about
    segments : column -> a number for each row's segment, shape (rows,)
    """
    import numpy as np  # the command line starts without it

    if not shown.is_chance:
        return
    confident = np.maximum(shown.said, 1 - shown.said) >= CONFIDENT
    wrong = confident & ((shown.said >= 0.5) != (shown.happened >= 0.5))
    if (all_rows := _contradicted("", wrong.sum(), confident.sum(), SURE)) is not None:
        yield all_rows
        return
    for column, codes in segments.items():
        counts = np.bincount(codes, weights=confident), np.bincount(codes, weights=wrong)
        found = [_contradicted(column, hits, rows, SURE_OF_ONE) for rows, hits in zip(*counts, strict=True)]
        yield from [one for one in found if one is not None][:1]


def _contradicted(column: str, hits: float, rows: float, sure: float) -> Doubt | None:
    if rows < FEWEST_CONFIDENT or wilson(float(hits), int(rows), sure)[0] <= CONTRADICTED:
        return None
    share, where = float(hits / rows), f" in one segment of {column}" if column else ""
    because = f"labels contradict {share:.0%} of the champion's {int(rows):,} confident answers{where}"
    return Doubt("flips", column, int(rows), share, because)


def flood(new: pl.DataFrame, before: pl.DataFrame) -> Iterator[Doubt]:
    """New rows that say the same over and over, as the rows of before did not.

    Parameters
    ----------
    new, before : features and target of the rows that are new to the champion, and of those before them, newest last
    """
    count = min(new.height, before.height)
    if count < FEWEST_ROWS:
        return
    now, usual = (1 - frame.tail(count).n_unique() / count for frame in (new, before))
    if now - usual > MORE_REPEATED:
        because = f"{now:.0%} of the newest {count:,} rows repeat another in every feature and the target, of those before {usual:.0%}"
        yield Doubt("flood", "", count, now, because)


def vanished(reference: Profile, now: Profile, kinds: Mapping[str, str], known: Kinds) -> Iterator[Doubt]:
    """Names that many rows of the champion's had, and none of those that are to be learned from.

    Parameters
    ----------
    reference, now : profiles of what the champion learned, and of what is to be learned, on the same names
    kinds : column -> the kind of its values
    """
    for column, sketches in reference.columns.items():
        if column not in now.columns or known[kinds[column]].bins == "ordered":
            continue
        had, have = known[kinds[column]].beside(sketches, now.columns[column])
        of_all, left = sum(had), sum(have)
        named = len(had) - (known[kinds[column]].bins == "open")  # open bins end with the rows of every other name
        for rows, kept in zip(had[:named], have[:named], strict=True):
            share = rows / of_all if of_all else 0.0
            if share >= SEGMENT and share * left >= FEWEST_EXPECTED and kept < GONE * share * left:
                because = f"a segment of {column} with {share:.0%} of the rows that the champion learned from is gone"
                yield Doubt("vanished", column, left, share, because)
                break
