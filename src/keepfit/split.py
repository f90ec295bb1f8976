"""A split: which rows a candidate is developed on, in which folds its recipe is chosen, and which rows test it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from keepfit import errors
from keepfit.instant import Duration, from_micros, micros

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Mask: TypeAlias = NDArray[np.bool_]

__all__ = ["Places", "Split", "by_key", "by_time"]

TEST_SHARE = 0.2
MOST_TEST_ROWS = 20_000
#: Validation blocks of the forward-chaining folds, and the newest share of the development rows that they cover.
FOLDS = 3
FOLDED_SHARE = 0.5
#: Fewer rows with a known target than this cannot be split and judged.
FEWEST_ROWS = 100


@dataclass(frozen=True, slots=True)
class Split:
    """The boundaries of development, folds and test.

    By time: development rows lie before `development_end`, test rows from `test_begin` on, and between them a
    gap as long as the label delay, whose labels were not known when the test begins. The recipe is chosen on
    the blocks that begin at `folds`, each with a model fitted on the rows before it, less the gap. By key, or by
    subject: a row's place follows from its key, or its subject, alone, so it stays there whatever else the table holds.
    """

    record: ClassVar[str] = "split"
    version: ClassVar[int] = 1

    by: str
    gap: Duration
    folds: tuple[datetime, ...] = ()
    development_end: datetime | None = None
    test_begin: datetime | None = None


def by_time(times: NDArray[np.int64], gap: Duration, *, tested: bool = True) -> Split:
    """Split rows with a known target so that the newest are the test.

    Parameters
    ----------
    times : microseconds since 1970, shape (rows,)
    gap : the label delay
    tested : whether there is a test; without one, every row is developed on

    Raises
    ------
    TooFewRows
        Too few rows, or all at so few instants that nothing lies before the gap.
    """
    import numpy as np  # the command line starts without it

    if times.size < FEWEST_ROWS:
        raise too_few(times.size)
    ordered = np.sort(times)
    test_rows = min(MOST_TEST_ROWS, max(1, int(times.size * TEST_SHARE)))
    test_begin = int(ordered[times.size - test_rows]) if tested else None
    end = int(ordered[-1]) + 1 if test_begin is None else test_begin - gap.microseconds
    development = ordered[ordered < end]
    if development.size < FEWEST_ROWS // 2:
        raise too_few(int(development.size))
    starts = 1 - FOLDED_SHARE * (1 - np.arange(FOLDS) / FOLDS)
    begins = sorted({int(development[int(development.size * share)]) for share in starts})
    folds = tuple(from_micros(begin) for begin in begins if development[0] < begin - gap.microseconds)
    return Split("time", gap, folds, from_micros(end), None if test_begin is None else from_micros(test_begin))


def by_key(rows: int, *, of: Literal["key", "subject"] = "key") -> Split:
    """Split rows by a number that follows from their key, or from their subject, whose rows then stay together."""
    if rows < FEWEST_ROWS:
        raise too_few(rows)
    return Split(of, Duration(0))


def too_few(rows: int) -> errors.TooFewRows:
    fix = f"take more data: at least {FEWEST_ROWS} rows with a known target"
    return errors.TooFewRows(f"{rows} rows with a known target cannot be fitted and tested", at="the snapshot", fix=fix)


@dataclass(frozen=True, slots=True)
class Places:
    """Where each row of a table lies under a split.

    Parameters
    ----------
    times : microseconds since 1970, shape (rows,), for a split by time
    shares : a number in [0, 1) that follows from each row's key or subject, shape (rows,), for a split without time
    tested : whether there is a test; without one, every row is developed on
    """

    split: Split
    times: NDArray[np.int64] | None = None
    shares: NDArray[np.float64] | None = None
    tested: bool = True

    @property
    def development(self) -> Mask:
        """The rows that the chosen recipe is fitted on: all up to the gap before the test."""
        import numpy as np  # the command line starts without it

        if self.times is not None and self.split.development_end is not None:
            return np.asarray(self.times < micros(self.split.development_end))
        return ~self.test

    @property
    def test(self) -> Mask:
        """The rows that judge the candidate, and on which nothing is chosen."""
        import numpy as np  # the command line starts without it

        if self.times is not None:
            begin = self.split.test_begin
            return np.asarray(self.times >= micros(begin)) if begin is not None else np.zeros(self.times.shape, dtype=bool)
        return np.asarray(self._of_key < self._test_share)

    @property
    def folds(self) -> int:
        """How many folds the development rows allow."""
        return len(self.split.folds) if self.times is not None else FOLDS

    def fold(self, number: int) -> tuple[Mask, Mask]:
        """The rows to fit on and the rows to validate on in one fold, counted from 0, the newest last."""
        import numpy as np  # the command line starts without it

        if self.times is not None and self.split.development_end is not None:
            begins = [*map(micros, self.split.folds), micros(self.split.development_end)]
            fit = self.times < begins[number] - self.split.gap.microseconds
            return np.asarray(fit), np.asarray((self.times >= begins[number]) & (self.times < begins[number + 1]))
        of_fold = np.floor((self._of_key - self._test_share) / (1 - self._test_share) * FOLDS)
        return self.development & (of_fold != number), self.development & (of_fold == number)

    @property
    def _test_share(self) -> float:
        return TEST_SHARE if self.tested else 0.0

    @property
    def _of_key(self) -> NDArray[np.float64]:
        assert self.shares is not None
        return self.shares
