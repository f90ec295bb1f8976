"""Rows by bins whose edges were fixed beforehand."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from keepfit.sketch import State

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SHARES", "Histogram", "edges_of"]

#: Where the edges of a reference lie: at these quantiles, and beyond them at its least and its largest value.
#: Nineteen cut the body in twentieths; two more cut off the tails.
SHARES: tuple[float, ...] = (0.005, *(step / 20 for step in range(1, 20)), 0.995)


class Histogram:
    """`counts[i]` rows lie in [edges[i - 1], edges[i]); the first bin has no lower end and the last no upper.

    Exact. Two on the same edges add up; two on different edges meet on those that both have, so merge
    profiles that were made `like` one.
    """

    name: ClassVar[str] = "histogram"
    version: ClassVar[int] = 1

    def of(self, ordered: NDArray[np.float64], edges: Sequence[float]) -> State:
        """Of numbers in ascending order, shape (rows,)."""
        below = np.searchsorted(ordered, np.asarray(edges, dtype=np.float64), side="left")
        counts = np.diff(np.concatenate([[0], below, [ordered.size]]))
        return {"version": self.version, "edges": list(edges), "counts": counts.tolist()}

    def merge(self, first: State, second: State) -> State:
        edges = _shared(first, second)
        counts = [x + y for x, y in zip(_on(first, edges), _on(second, edges), strict=True)]
        return {"version": self.version, "edges": edges, "counts": counts}

    def tally(self, like: State, numbers: NDArray[np.float64], part: NDArray[np.int64], parts: int) -> NDArray[np.int64]:
        """The counts of several parts of a column on the edges of a histogram: shape (parts, bins)."""
        width = len(like["edges"]) + 1
        place = np.searchsorted(np.asarray(like["edges"], dtype=np.float64), numbers, side="right")
        return np.bincount(part * width + place, minlength=parts * width).reshape(parts, width)

    def beside(self, first: State, second: State) -> tuple[list[int], list[int]]:
        """The counts of two histograms on the edges that both have."""
        edges = _shared(first, second)
        return _on(first, edges), _on(second, edges)


def edges_of(ordered: NDArray[np.float64]) -> list[float]:
    """The edges that numbers in ascending order give: distinct, ascending, the last above every number."""
    if ordered.size == 0:
        return []
    inner = ordered[np.minimum((np.asarray(SHARES) * ordered.size).astype(np.int64), ordered.size - 1)]
    top = min(math.nextafter(float(ordered[-1]), math.inf), sys.float_info.max)
    return [float(edge) for edge in np.unique(np.concatenate([ordered[:1], inner, [top]]))]


def _shared(first: State, second: State) -> list[float]:
    also = set(second["edges"])
    return [edge for edge in first["edges"] if edge in also]


def _on(state: State, edges: Sequence[float]) -> list[int]:
    """A histogram's counts on some of its own edges."""
    if len(edges) == len(state["edges"]):
        return list(state["counts"])
    ends = [0, *(state["edges"].index(edge) + 1 for edge in edges), len(state["counts"])]
    return [sum(state["counts"][begin:end]) for begin, end in pairwise(ends)]
