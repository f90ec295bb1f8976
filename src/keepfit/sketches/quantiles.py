"""Quantiles of numbers, within a bound that the sketch itself keeps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from keepfit.sketch import State

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Quantiles"]

#: Numbers that a level holds before it gives every second one to the level above.
_KEPT = 256


class Quantiles:
    """Numbers of `levels[i]` stand for 2**i rows each; `error` rows is the most that the rank of a number is off.

    Deterministic: nothing is drawn by chance. A table seen whole is off by at most 1 row in 512; each doubling by
    merges adds at most 1 in 256, and in practice far less, since what is rounded up once is rounded down the next time.

    Notes
    -----
    Levels by Munro and Paterson (1980), Theoretical Computer Science 12(3), 315-323; compaction that alternates instead
    of tossing a coin, after Karnin, Lang and Liberty (2016), FOCS, 71-78.
    """

    name: ClassVar[str] = "quantiles"
    version: ClassVar[int] = 1

    def of(self, ordered: NDArray[np.float64]) -> State:
        """Of numbers in ascending order, shape (rows,)."""
        rows, level = int(ordered.size), 0
        while rows >> level > _KEPT:
            level += 1
        levels: list[list[float]] = [[] for _ in range(level + 1)]
        begin = 0
        for at in range(level, -1, -1):  # what does not fill a block is cut the same way one level below
            block = 1 << at
            end = begin + (rows - begin) // block * block
            levels[at] = ordered[begin + (block - 1) // 2 : end : block].tolist()
            begin = end
        return {"version": self.version, "rows": rows, "error": (1 << level) // 2, "turn": 0, "levels": levels}

    def merge(self, first: State, second: State) -> State:
        high = max(len(first["levels"]), len(second["levels"]))
        levels = [sorted([*_level(first, at), *_level(second, at)]) for at in range(high)]
        error, turn = first["error"] + second["error"], first["turn"] ^ second["turn"]
        at = 0
        while at < len(levels):
            if len(levels[at]) > _KEPT:
                if at + 1 == len(levels):
                    levels.append([])
                pairs = len(levels[at]) // 2 * 2
                levels[at + 1] = sorted([*levels[at + 1], *levels[at][turn:pairs:2]])
                levels[at] = levels[at][pairs:]
                error, turn = error + (1 << at), turn ^ 1
            at += 1
        return {"version": self.version, "rows": first["rows"] + second["rows"], "error": error, "turn": turn, "levels": levels}

    def at(self, state: State, shares: Sequence[float]) -> list[float]:
        """The numbers below which these shares of the rows lie; shares in [0, 1], at least one row.

        >>> sketch = Quantiles()
        >>> sketch.at(sketch.of(np.arange(101.0)), [0, 0.25, 0.5, 1])
        [0.0, 25.0, 50.0, 100.0]
        """
        numbers, weights = _weighted(state)
        order = np.argsort(numbers, kind="stable")
        until = np.cumsum(weights[order])
        wanted = np.asarray(shares, dtype=np.float64) * (state["rows"] - 1)
        places = np.minimum(np.searchsorted(until, wanted, side="right"), numbers.size - 1)
        return [float(number) for number in numbers[order][places]]

    def between(self, state: State, edges: Sequence[float]) -> list[float]:
        """The shares of the rows from each edge up to the next; what lies beyond the ends belongs to the first and the last.

        >>> sketch = Quantiles()
        >>> sketch.between(sketch.of(np.arange(100.0)), [10, 20, 30])
        [0.2, 0.8]
        """
        numbers, weights = _weighted(state)
        if not numbers.size:
            return [0.0] * (len(edges) - 1)
        places = np.clip(np.searchsorted(np.asarray(edges, dtype=np.float64), numbers, side="right") - 1, 0, len(edges) - 2)
        counts = np.bincount(places, weights=weights, minlength=len(edges) - 1)
        return [float(count) for count in counts / weights.sum()]


def _weighted(state: State) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The numbers that a state holds, and how many rows each stands for."""
    numbers = np.concatenate([np.asarray(level, dtype=np.float64) for level in state["levels"]])
    return numbers, np.concatenate([np.full(len(level), 1 << at) for at, level in enumerate(state["levels"])])


def _level(state: State, at: int) -> list[float]:
    return list(state["levels"][at]) if at < len(state["levels"]) else []
