"""What is ordinary: how the columns of a reference vary from block to block where nothing changed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from keepfit.measures.ranks import rank_polynomials, skewness
from keepfit.measures.variation import Excess, Variation, excess, share, share_excess, variation
from keepfit.reference import RARE, About, Blocks, ColumnBlocks

__all__ = ["Column", "Numbers", "Rate", "learn", "pooled", "summed"]

#: Without blocks to learn from, windows are taken to differ by this, in standard deviations.
FLOOR = 0.02
#: The largest share of rows that counts as a tail.
TAIL = 0.0101
#: Blocks that hold fewer rows of a rare kind than this, on average, do not say how its rate varies.
FEWEST_EACH = 2


@dataclass(frozen=True, slots=True)
class Rate:
    """How many rows of the reference are of a kind, of how many, and how the rate varies, in units of one row's deviation."""

    known: float
    of: float
    variation: Variation

    @property
    def share(self) -> float:
        return self.known / self.of if self.of else 0.0


@dataclass(frozen=True, slots=True)
class Numbers:
    """A column whose bins have an order: polynomials of its ranks, each with its skewness and variation, and its tails."""

    polynomials: NDArray[np.float64]
    skewness: NDArray[np.float64]
    variations: tuple[Variation, ...]
    tails: tuple[tuple[NDArray[np.float64], Rate], tuple[NDArray[np.float64], Rate]]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a reference: `counts` by bin over all blocks, and what is ordinary of it.

    `apart` is how much rows of one block belong together: the variance of a block's mean beyond that of single rows.
    `learned` is false where there were no blocks to learn from.
    """

    name: str
    about: About
    bins: Literal["ordered", "named", "open"]
    counts: NDArray[np.float64]
    blocks: int
    missing: Rate
    numbers: Numbers | None
    excess: Excess | None
    unseen: Rate | None
    apart: float
    learned: bool


def learn(reference: Blocks) -> dict[str, Column]:
    """What is ordinary of each column; what the columns say of their variation is drawn together, as far as they are alike."""
    rows = np.asarray(reference.rows, dtype=np.float64)
    tallies = {name: _Tally.of(blocks, rows) for name, blocks in reference.columns.items()}
    polynomials = {name: rank_polynomials(one.total) for name, one in tallies.items() if one.blocks.bins == "ordered"}
    variations: dict[str, list[Variation]] = {name: [] for name in polynomials}
    for degree in range(4):
        asked = [name for name, found in polynomials.items() if len(found) > degree]
        drawn = share([tallies[name].varies(polynomials[name][degree]) for name in asked])
        for name, variation_ in zip(asked, drawn, strict=True):
            variations[name].append(variation_)
    tails = {name: _tails(tallies[name].total) for name in polynomials}
    missing = _rates({name: (one.missing, one.rows) for name, one in tallies.items()})
    low, high = ({name: (one.counts @ tails[name][side], one.known) for name, one in tallies.items() if name in tails} for side in (0, 1))
    below, above = _rates(low), _rates(high)
    unseen = _rates({name: one.new() for name, one in tallies.items() if one.blocks.bins == "open"})
    named = [name for name, one in tallies.items() if one.blocks.bins != "ordered"]
    excesses = dict(zip(named, share_excess([tallies[name].excess() for name in named]), strict=True))
    found = {}
    for name, one in tallies.items():
        numbers = None
        if name in polynomials:
            ends = ((tails[name][0], below[name]), (tails[name][1], above[name]))
            numbers = Numbers(polynomials[name], skewness(polynomials[name], one.total), tuple(variations[name]), ends)
        new = unseen.get(name)
        if new is not None:
            new = replace(new, known=max(new.known, float(one.blocks.once)))
        apart = max((max(0.0, each.inflation - 1) / each.rows for each in variations.get(name, [])), default=0.0)
        learned = len(rows) > 2
        found[name] = Column(
            name, one.blocks.about, one.blocks.bins, one.total, len(rows), missing[name], numbers, excesses.get(name), new, apart, learned
        )
    return found


def pooled(counts: NDArray[np.float64], rows: float) -> NDArray[np.int64]:
    """A group for each bin, so that bins of which so many rows would hold fewer than 5 are counted together."""
    small = counts * (rows / max(float(counts.sum()), 1.0)) < RARE
    group = np.arange(counts.size)
    if small.sum() > 1:
        group[small] = np.flatnonzero(small)[0]
    return np.unique(group, return_inverse=True)[1].astype(np.int64)


def summed(values: NDArray[np.float64], group: NDArray[np.int64]) -> NDArray[np.float64]:
    """Values by bin, summed over groups of bins: shape (…, bins) -> (…, groups)."""
    found = np.zeros((*values.shape[:-1], int(group.max()) + 1 if group.size else 0))
    np.add.at(np.moveaxis(found, -1, 0), group, np.moveaxis(values, -1, 0))
    return found


@dataclass(frozen=True, slots=True)
class _Tally:
    """One column's blocks as arrays: `known` rows have a value, `rows` are all; shape (blocks,), `counts` (blocks, bins)."""

    blocks: ColumnBlocks
    rows: NDArray[np.float64]
    known: NDArray[np.float64]
    missing: NDArray[np.float64]
    counts: NDArray[np.float64]
    total: NDArray[np.float64]

    @classmethod
    def of(cls, blocks: ColumnBlocks, rows: NDArray[np.float64]) -> _Tally:
        counts = np.asarray(blocks.counts, dtype=np.float64).reshape(len(rows), -1)
        missing = np.asarray(blocks.missing, dtype=np.float64)
        return cls(blocks, rows, rows - missing, missing, counts, counts.sum(axis=0))

    def varies(self, polynomial: NDArray[np.float64]) -> Variation:
        """How the mean of a polynomial varies over the blocks."""
        return _variation(self.counts @ polynomial / np.maximum(self.known, 1.0), self.known)

    def new(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Rows of names that are not listed; where every name is, those that were new in the later half of the blocks."""
        unlisted = self.known - self.counts.sum(axis=1)
        if unlisted.any():
            return unlisted, self.known
        half = len(self.rows) // 2
        return np.asarray(self.blocks.unseen, dtype=np.float64)[half:], self.known[half:]

    def excess(self) -> Excess:
        """How the shares of bins vary over the blocks."""
        kept = self.known > 0
        rows, listed = self.known[kept], self.counts[kept]
        if kept.sum() < 3:
            return Excess(FLOOR**2, 0.0, max(float(self.known.sum()), 1.0))
        counts = summed(listed, pooled(self.total, float(rows.mean())))
        held = counts.sum(axis=0) > 0
        shares = counts.sum(axis=0)[held] / counts.sum()
        expected = counts.sum(axis=1)[:, None] * shares
        statistics = ((counts[:, held] - expected) ** 2 / np.maximum(expected, 1e-300)).sum(axis=1)
        return excess(statistics, rows, int(held.sum()))


def _variation(effects: NDArray[np.float64], rows: NDArray[np.float64]) -> Variation:
    """How an effect of blocks varies; a stated floor where there are too few blocks to tell."""
    kept = rows > 0
    total = float(rows.sum())
    if kept.sum() < 3:
        return Variation(1 + FLOOR**2 * max(total, 1.0), max(total, 1.0), 1.0, max(total, 1.0), math.inf)
    return variation(effects[kept], rows[kept])


def _tails(total: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Which bins are the low and which the high tail, as 0 and 1."""
    until = np.cumsum(total) / max(float(total.sum()), 1.0)
    above = 1 - np.concatenate([[0.0], until[:-1]])
    return (until <= TAIL).astype(np.float64), (above <= TAIL).astype(np.float64)


def _rates(found: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]]) -> dict[str, Rate]:
    """Rates of columns from counts and rows of each block; those of too few rows vary like the others."""
    rates: dict[str, Rate] = {}
    for name, (counts, rows) in found.items():
        known, of = float(counts.sum()), float(rows.sum())
        share_ = known / of if of else 0.0
        if 0 < share_ < 1:
            varies = _variation((counts / np.maximum(rows, 1.0) - share_) / math.sqrt(share_ * (1 - share_)), rows)
        else:
            varies = _variation(np.zeros(len(rows)), rows)
        rates[name] = Rate(known, of, varies)
    telling = [name for name, one in rates.items() if FEWEST_EACH * one.variation.blocks <= one.known < one.of]
    drawn = dict(zip(telling, share([rates[name].variation for name in telling]), strict=True))
    usual = max(1.0, float(np.median([one.inflation for one in drawn.values()]))) if drawn else 1.0
    return {name: replace(one, variation=drawn.get(name) or _usual(one.variation, usual)) for name, one in rates.items()}


def _usual(one: Variation, inflation: float) -> Variation:
    """The variation of a rate that its own blocks say too little of."""
    if math.isinf(one.freedom):
        return one
    return replace(one, inflation=inflation, freedom=one.freedom if inflation > 1 else math.inf)
