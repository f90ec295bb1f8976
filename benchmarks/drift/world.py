"""A world of 50 columns in which nothing changes but what is asked for: for the simulations beside this file.

40 numbers (24 without ties, 8 counts of rare to common things, 8 that are mostly zero) and 10 categories of 2 to 300
names with shares as 1, 1/2, 1/3, … go together through five common factors. Half of them lack values in 0.01 to 20 % of
the rows. Rows are `alone` (independent), windows differ `between` each other (each column moves by 0.02 standard
deviations, afresh in each window), or rows stay `together`: factors, columns and gaps have autocorrelations up to 0.98.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.signal import lfilter
from scipy.special import ndtri
from scipy.stats import poisson

from keepfit.moved import Limits
from keepfit.ordinary import Column, learn
from keepfit.profile import Profile
from keepfit.recent import Shares, shares
from keepfit.reference import RARE, Blocks, ColumnBlocks
from keepfit.sketches.histogram import SHARES

#: A value is a place on a grid of the latent normal, fine enough that ties do not count.
GRID, SPAN = 4096, 6.0
NUMBERS, COLUMNS = 40, 50
CONTINUOUS = 24
NAMES = (2, 3, 5, 8, 12, 20, 30, 50, 100, 300)
MISSING = np.array([0, 0, 0, 0, 0.0001, 0.001, 0.01, 0.02, 0.05, 0.2] * 5)
LIMITS = Limits(false_alarms=0.05, min_effect=0.1)
Variation = Literal["alone", "between", "together"]


@dataclass
class Window:
    """Rows as latent normals, for values and for gaps: shape (rows, columns)."""

    values: np.ndarray
    gaps: np.ndarray

    @property
    def rows(self) -> int:
        return len(self.values)


@dataclass
class Held:
    """What a column holds in a window: rows by value, without a value, and of a name that the reference does not list."""

    counts: np.ndarray
    missing: int
    new: int = 0


class World:
    def __init__(self, seed: int, variation: Variation) -> None:
        self.draw = np.random.default_rng(seed)
        self.variation = variation
        common = self.draw.normal(size=(5, COLUMNS)) * 0.45
        scale = np.sqrt((common**2).sum(axis=0) + 0.5)
        self.common, self.own = (common / scale).astype(np.float32), (np.sqrt(0.5) / scale).astype(np.float32)
        self.cuts: list[Any] = [None] * CONTINUOUS
        for mean in (0.1, 0.5, 1, 2, 4, 8, 15, 30):
            until = poisson.cdf(np.arange(200), mean)
            self.cuts.append(_place(ndtri(until[until < 1 - 1e-9])))
        self.cuts += [int(_place(ndtri(np.array([zeros])))[0]) for zeros in (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.97, 0.99)]
        for names in NAMES:
            until = np.cumsum(1 / np.arange(1, names + 1))
            self.cuts.append(_place(ndtri(until[:-1] / until[-1])))
        self.stays = (
            np.array([0.9, 0.95, 0.5, 0.0, 0.8]),
            np.array([0, 0.5, 0.9, 0.98, 0.2] * 10),
            np.array([0, 0.5, 0.9, 0.98, 0.2] * 10),
        )
        self.before = tuple(self.draw.standard_normal(stay.size) for stay in self.stays)

    def window(self, rows: int) -> Window:
        """The next rows."""
        parts = [self.draw.standard_normal((rows, stay.size), dtype=np.float32) for stay in self.stays]
        if self.variation == "together":
            for part, stays, before in zip(parts, self.stays, self.before, strict=True):
                for column in np.flatnonzero(stays):
                    stay = stays[column]
                    start = [stay * before[column]]
                    part[:, column], _ = lfilter([np.sqrt(1 - stay**2)], [1, -stay], part[:, column], zi=start)
                before[:] = part[-1]
        values = parts[0] @ self.common + parts[1] * self.own
        if self.variation == "between":
            values += (0.02 * self.draw.normal(size=COLUMNS)).astype(np.float32)
            parts[2] += (0.02 * self.draw.normal(size=COLUMNS)).astype(np.float32)
        return Window(values, parts[2])

    def held(self, window: Window, column: int, *, values: np.ndarray | None = None, gap: np.ndarray | None = None) -> Held:
        """What a column holds; with other `values`, or with further gaps."""
        found = window.values[:, column] if values is None else values
        lacks = window.gaps[:, column] <= ndtri(MISSING[column]) if MISSING[column] else np.zeros(window.rows, dtype=bool)
        lacks = lacks | gap if gap is not None else lacks
        known = found[~lacks] if lacks.any() else found
        place = np.clip(((known + np.float32(SPAN)) * np.float32(GRID / (2 * SPAN))).astype(np.int32), 0, GRID - 1)
        return Held(self._by_value(np.bincount(place, minlength=GRID), column), int(lacks.sum()))

    def all_held(self, window: Window) -> list[Held]:
        return [self.held(window, column) for column in range(COLUMNS)]

    def _by_value(self, grid: np.ndarray, column: int) -> np.ndarray:
        cuts = self.cuts[column]
        if cuts is None:
            return grid
        if isinstance(cuts, int):  # all below are one value
            return np.concatenate([[grid[:cuts].sum()], grid[cuts:]])
        return np.add.reduceat(grid, np.concatenate([[0], cuts]))


@dataclass
class Seen:
    """A reference as keepfit keeps it, and all its rows by value."""

    ordinary: dict[str, Column]
    edges: list[np.ndarray]
    totals: list[np.ndarray]
    missing: list[int]
    rows: int
    listed: list[int]

    def shares(self, held: Sequence[Held]) -> dict[str, Shares]:
        found = {}
        for column, one in enumerate(held):
            made = shares(*self._counted(column, one))
            assert made is not None
            found[str(column)] = made
        return found

    def _counted(self, column: int, one: Held) -> tuple[list[int], int, int]:
        if column < NUMBERS:
            return _binned(one.counts, self.edges[column]).tolist(), one.missing, 0
        order = self.edges[column]
        known = one.counts[order]
        names = self.listed[column]
        unlisted = int(one.counts.sum() - known.sum()) + one.new
        return [*known[:names].tolist(), int(known[names:].sum())], one.missing, unlisted


def reference(world: World, rows: int, blocks: int) -> Seen:
    """So many windows of so many rows, kept as a reference."""
    held = [world.all_held(world.window(rows)) for _ in range(blocks)]
    totals = [np.sum([one[column].counts for one in held], axis=0) for column in range(COLUMNS)]
    columns, edges, listed = {}, [], []
    for column in range(COLUMNS):
        missing = tuple(one[column].missing for one in held)
        counts = np.array([one[column].counts for one in held])
        total = totals[column]
        if column < NUMBERS:
            edges.append(_edges(total))
            listed.append(0)
            binned = np.array([_binned(each, edges[-1]) for each in counts])
            columns[str(column)] = ColumnBlocks("feature", "number", "ordered", _plain(binned), missing)
            continue
        order = np.argsort(-total, kind="stable")[: int((total > 0).sum())]
        counts = counts[:, order]
        first = (counts > 0).argmax(axis=0)
        unseen = np.bincount(first, weights=counts[first, np.arange(order.size)], minlength=blocks).astype(int)
        names = int((counts.sum(axis=0) >= RARE * blocks).sum())
        edges.append(order)
        listed.append(names)
        shown = np.concatenate([counts[:, :names], counts[:, names:].sum(axis=1, keepdims=True)], axis=1)
        once = int((total == 1).sum())
        columns[str(column)] = ColumnBlocks("feature", "category", "open", _plain(shown), missing, tuple(unseen.tolist()), once)
    kept = Blocks((rows,) * blocks, True, Profile(rows * blocks, {}), columns)
    gaps = [sum(one[column].missing for one in held) for column in range(COLUMNS)]
    return Seen(learn(kept), edges, totals, gaps, rows * blocks, listed)


def _place(latent: np.ndarray) -> np.ndarray:
    return np.clip(((latent + SPAN) * (GRID / (2 * SPAN))).astype(int) + 1, 1, GRID - 1)


def _edges(total: np.ndarray) -> np.ndarray:
    """The values at which bins begin, as the histogram of a profile places them."""
    rows, until, there = int(total.sum()), np.cumsum(total), np.flatnonzero(total)
    inner = [int(np.searchsorted(until, min(int(share * rows), rows - 1), side="right")) for share in SHARES]
    return np.unique([there[0], *inner, there[-1] + 1])


def _binned(counts: np.ndarray, edges: np.ndarray) -> np.ndarray:
    until = np.concatenate([[0], np.cumsum(counts)])
    return np.diff(np.concatenate([[0], until[np.minimum(edges, counts.size)], [until[-1]]]))


def _plain(counts: np.ndarray) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(row) for row in counts.tolist())
