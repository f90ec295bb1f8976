"""A reference: what a release's windows are compared with, in blocks that show how much windows differ of themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from keepfit.column import ColumnKind, Kinds
from keepfit.instant import WEEKS_BEGIN, Duration, micros
from keepfit.profile import Profile, profile
from keepfit.schema import Column
from keepfit.sketch import Sketches

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

__all__ = ["ENOUGH", "About", "Blocks", "ColumnBlocks", "Reference", "counted", "cut", "in_blocks", "of_profile"]

#: What a column is to a release: what it is asked with, what it answers, and what came true.
About: TypeAlias = Literal["feature", "score", "prediction", "label"]

#: With this many blocks of a window's own size, ordinary variation is learned from them; with fewer from smaller ones.
ENOUGH = 20
#: More blocks than this are not kept: they are taken evenly from the whole.
MOST = 60
#: Fewer rows than this make no block.
FEWEST_ROWS = 50
#: Names of fewer rows than this per block are counted together.
RARE = 5
#: Sketches of a profile that later columns are counted like.
_COUNTED = ("count", "histogram", "names")


@dataclass(frozen=True, slots=True)
class ColumnBlocks:
    """A column in each block: rows by bin, and rows without a value.

    Of open names the last bin holds the names that are rare, `unseen` the rows in each block of names that no earlier
    block held, and `once` the names of one row. Where the profile could not list every name, `unseen` holds the rows
    of names that it does not list.
    """

    about: About
    kind: str
    bins: Literal["ordered", "named", "open"]
    counts: tuple[tuple[int, ...], ...]
    missing: tuple[int, ...]
    unseen: tuple[int, ...] = ()
    once: int = 0


@dataclass(frozen=True, slots=True)
class Blocks:
    """A table in blocks: `rows` of each, in the order of time where there is one.

    `windows` says that each block is as long as a window. `profile` holds the bins and names that are counted.
    """

    record: ClassVar[str] = "blocks"
    version: ClassVar[int] = 1

    rows: tuple[int, ...]
    windows: bool
    profile: Profile
    columns: Mapping[str, ColumnBlocks]


@dataclass(frozen=True, slots=True)
class Reference:
    """What a release was asked with in the rows that it was made from, and what it answered for rows that it never saw.

    `answers` is None where every known row was fitted on: a release then compares its answers with its own first window.
    """

    record: ClassVar[str] = "reference"
    version: ClassVar[int] = 1

    features: Blocks
    answers: Blocks | None = None


def cut(rows: int, times: NDArray[np.int64] | None, window: Duration | int) -> tuple[NDArray[np.int64], int, bool]:
    """The block of each row, the number of blocks, and whether each is as long as a window; -1 for rows of no block.

    Parameters
    ----------
    rows : how many there are
    times : of each, in microseconds, where rows have a time; they are cut in its order, else in their own
    window : a length of time, or a number of rows
    """
    import numpy as np  # the command line starts without it

    place = np.argsort(times, kind="stable") if times is not None else np.arange(rows)
    block = np.full(rows, -1, dtype=np.int64)
    if isinstance(window, Duration):
        whole = _windows(times, window) if times is not None else None
    else:
        whole = place_of(place, window) if rows >= ENOUGH * max(window, FEWEST_ROWS) else None
    if whole is not None:
        names, size = np.unique(whole[whole >= 0], return_counts=True)
        names = names[size >= FEWEST_ROWS]
        if names.size >= ENOUGH:
            names = names[np.unique(np.linspace(0, names.size - 1, min(MOST, names.size)).round().astype(np.int64))]
            at = np.searchsorted(names, whole)
            held = (at < names.size) & (names[np.minimum(at, names.size - 1)] == whole)
            block[held] = at[held]
            return block, int(names.size), True
    count = max(1, min(ENOUGH, rows // FEWEST_ROWS))
    block[place] = np.arange(rows) * count // max(rows, 1)
    return block, count, False


def place_of(order: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Each row's place among runs of so many rows; -1 for the first rows, which make no whole run."""
    import numpy as np

    left = order.size % size
    found = np.empty(order.size, dtype=np.int64)
    found[order] = np.where(np.arange(order.size) < left, -1, (np.arange(order.size) - left) // size)
    return found


def in_blocks(
    frame: pl.DataFrame, columns: Sequence[tuple[Column, About]], kinds: Kinds, block: NDArray[np.int64], count: int, *, windows: bool
) -> Blocks:
    """Summarise a table's columns in each of its blocks.

    Parameters
    ----------
    block, count, windows : as `cut` gives them
    """
    import numpy as np
    import polars as pl

    if (block < 0).any():
        frame, block = frame.filter(pl.Series(block >= 0)), block[block >= 0]
    made = profile(frame, [column for column, _ in columns], kinds)
    rows = np.bincount(block, minlength=count)
    found = {
        column.name: _blocks(kinds[column.kind], about, frame[column.name], made.columns[column.name], block, rows)
        for column, about in columns
        if column.name in made.columns
    }
    kept = {name: {sketch: held[sketch] for sketch in _COUNTED if sketch in held} for name, held in made.columns.items() if name in found}
    return Blocks(tuple(rows.tolist()), windows, Profile(made.rows, kept), found)


def of_profile(made: Profile, columns: Sequence[tuple[Column, About]], kinds: Kinds) -> Blocks:
    """One block, of a profile: it says nothing of how windows differ."""
    found = {}
    for column, about in columns:
        like = made.columns.get(column.name)
        if like is None:
            continue
        kind = kinds[column.kind]
        rows, _ = kind.beside(like, like)
        open_ = kind.bins == "open"
        unseen, once = ((rows[-1],), int(like["names"]["once"])) if open_ else ((), 0)
        counts = [*rows[:-1], 0] if open_ else rows
        found[column.name] = ColumnBlocks(about, kind.kind, kind.bins, (tuple(counts),), (int(like["count"]["missing"]),), unseen, once)
    return Blocks((made.rows,), False, made, found)


def counted(blocks: ColumnBlocks, kind: ColumnKind, like: Sketches, current: Sketches) -> tuple[list[int], int, int]:
    """A column's rows in the bins of its blocks, its rows without a value, and those of names that the profile does not list."""
    _, rows = kind.beside(like, current)
    missing = int(current["count"]["missing"])
    if blocks.bins != "open":
        return rows, missing, 0
    names = len(blocks.counts[0]) - 1
    return [*rows[:names], sum(rows[names:-1])], missing, rows[-1]


def _windows(times: NDArray[np.int64], length: Duration) -> NDArray[np.int64]:
    """The window that each time lies in, without the first and the last, of which a part may be missing."""
    import numpy as np

    window = (times - micros(WEEKS_BEGIN)) // length.microseconds
    if window.size == 0:
        return window
    first, last = window.min(), window.max()
    return np.where((window == first) | (window == last), -1, window - first)


def _blocks(
    kind: ColumnKind, about: About, values: pl.Series, like: Sketches, block: NDArray[np.int64], rows: NDArray[np.int64]
) -> ColumnBlocks:
    import numpy as np

    counts = kind.tally(values, like, block, rows.size)
    missing = tuple((rows - counts.sum(axis=1)).tolist())
    if kind.bins != "open":
        return ColumnBlocks(about, kind.kind, kind.bins, _plain(counts), missing)
    listed, other = counts[:, :-1], counts[:, -1]
    unseen = other if other.any() else _first_seen(listed)
    names = int((listed.sum(axis=0) >= RARE * rows.size).sum())  # the most frequent come first
    shown = np.concatenate([listed[:, :names], listed[:, names:].sum(axis=1, keepdims=True)], axis=1)
    return ColumnBlocks(about, kind.kind, kind.bins, _plain(shown), missing, tuple(unseen.tolist()), int(like["names"]["once"]))


def _first_seen(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rows in each block of names that no earlier block held."""
    import numpy as np

    if counts.shape[1] == 0:
        return np.zeros(counts.shape[0], dtype=np.int64)
    first = (counts > 0).argmax(axis=0)
    rows = counts[first, np.arange(counts.shape[1])]
    return np.bincount(first, weights=rows, minlength=counts.shape[0]).astype(np.int64)


def _plain(counts: NDArray[np.int64]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(row) for row in counts.tolist())
