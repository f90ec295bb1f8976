"""What every statistic of drift must do: the suite that those in this package pass, for the author of another to run.

Subclass it and give one fixture::

    from keepfit.testing.statistic import StatisticConformance

    class TestMyStatistic(StatisticConformance):
        @pytest.fixture
        def statistic(self):
            return MyStatistic()
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
import pytest

from keepfit.statistic import Numbers, OfColumn, OfTables, Shown

__all__ = ["StatisticConformance"]

_ROWS = 1500
_EDGES = np.linspace(-2, 2, 19)


def _column(shift: float, *, seed: int = 2) -> OfColumn:
    """Numbers of which those of the window lie higher by so many standard deviations."""
    draw = np.random.default_rng(seed)
    was, now = np.sort(draw.normal(size=4 * _ROWS)), np.sort(draw.normal(size=_ROWS) + shift)
    counts = [np.bincount(np.searchsorted(_EDGES, one), minlength=_EDGES.size + 1).astype(float) for one in (was, now)]
    sample = Numbers(was[::4], np.full(_ROWS, 4.0)), Numbers(now, np.ones(_ROWS))
    return OfColumn("ordered", counts[0], counts[1], sample, 1.0)


def _names(share: float) -> OfColumn:
    """Names, one of which has so much larger a share in the window; the last bin are names that the reference does not list."""
    shares = np.array([0.4 - share, 0.3 + share, 0.2, 0.1, 0.0])
    return OfColumn("open", 4 * _ROWS * np.array([0.4, 0.3, 0.2, 0.1, 0.0]), np.round(_ROWS * shares))


def _tables(shift: float, rows: int = _ROWS) -> OfTables:
    def table(seed: int, by: float) -> pl.DataFrame:
        draw = np.random.default_rng(seed)
        held = {"number": draw.normal(size=rows) + by, "name": draw.choice(["a", "b"], rows), "truth": draw.random(rows) < 0.5}
        return pl.DataFrame(held).with_columns(gap=pl.when(pl.col("truth")).then("number"))

    return OfTables(table(1, 0.0), table(2, shift))


class StatisticConformance:
    """Subclass it with a fixture `statistic`."""

    @pytest.fixture
    def statistic(self) -> Any:
        raise NotImplementedError("give the statistic under test by a fixture of this name")

    def _sides(self, statistic: Any, size: float) -> list[Any]:
        if statistic.asks == "table":
            return [_tables(size)]
        return [one for one in (_column(size), _names(size / 10)) if statistic(one) is not None]

    def test_it_says_what_it_is(self, statistic: Any) -> None:
        assert isinstance(statistic.kind, str)
        assert statistic.kind
        assert statistic.asks in ("column", "table")
        assert isinstance(statistic.unit, str)

    def test_it_says_something_of_numbers_or_of_names(self, statistic: Any) -> None:
        assert self._sides(statistic, 0.0)

    def test_its_effect_is_a_finite_number_and_grows_with_the_change(self, statistic: Any) -> None:
        none, some, much = ([self._shown(statistic, one) for one in self._sides(statistic, size)] for size in (0.0, 1.0, 3.0))
        for before, middle, after in zip(none, some, much, strict=True):
            assert 0 <= before.effect < middle.effect < after.effect
            chances = [one.chance for one in (after, middle, before) if one.chance is not None]
            assert chances == sorted(chances)
            assert not chances or (len(chances) == 3 and chances[0] >= 0 and 0.01 <= chances[2] <= 1)

    def test_it_says_the_same_of_the_same_rows(self, statistic: Any) -> None:
        for one in self._sides(statistic, 1.0):
            assert statistic(one) == statistic(one)

    def test_it_says_nothing_where_a_side_has_no_rows(self, statistic: Any) -> None:
        if statistic.asks == "table":
            sides = _tables(0.0)
            assert statistic(OfTables(sides.reference, sides.window.clear())) is None
            assert statistic(OfTables(sides.reference.clear(), sides.window)) is None
            return
        nothing = Numbers(np.empty(0), np.empty(0))
        for one in (_column(0.0), _names(0.0)):
            numbers = None if one.numbers is None else (one.numbers[0], nothing)
            assert statistic(OfColumn(one.bins, one.reference, 0 * one.window, numbers, one.spread)) is None

    def _shown(self, statistic: Any, sides: Any) -> Shown:
        found = statistic(sides)
        assert isinstance(found, Shown)
        assert math.isfinite(found.effect)
        return found
