"""A split: which rows a candidate is developed on, and which it is tested on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from keepfit import errors
from keepfit.instant import Duration, from_micros, micros

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Split", "by_key", "by_time", "development", "places"]

TEST_SHARE = 0.2
MOST_TEST_ROWS = 20_000
#: The newest share of the development rows on which estimators compete.
CHOICE_SHARE = 0.2
#: Fewer rows with a known target than this cannot be split and judged.
FEWEST_ROWS = 100


@dataclass(frozen=True, slots=True)
class Split:
    """The boundaries of development and test.

    By time: development rows lie before `development_end`, rows on which estimators compete from
    `choice_begin` on, test rows from `test_begin` on; between them lies a gap as long as the label delay,
    whose labels were not known when the test begins. By key: a row's place follows from the digest of its
    key alone, so it stays there whatever else the table holds.
    """

    record: ClassVar[str] = "split"
    version: ClassVar[int] = 1

    by: str
    gap: Duration
    choice_begin: datetime | None = None
    development_end: datetime | None = None
    test_begin: datetime | None = None


def by_time(times: NDArray[np.int64], gap: Duration) -> Split:
    """Split rows with a known target so that the newest are the test.

    Parameters
    ----------
    times : microseconds since 1970, shape (rows,)
    gap : the label delay

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
    test_begin = int(ordered[times.size - test_rows])
    development = ordered[ordered < test_begin - gap.microseconds]
    if development.size < FEWEST_ROWS // 2:
        raise too_few(int(development.size))
    choice_begin = int(development[int(development.size * (1 - CHOICE_SHARE))])
    end = from_micros(test_begin) - gap.delta
    return Split("time", gap, from_micros(choice_begin), end, from_micros(test_begin))


def by_key(rows: int) -> Split:
    """Split rows by the digest of their key."""
    if rows < FEWEST_ROWS:
        raise too_few(rows)
    return Split("key", Duration(0))


def too_few(rows: int) -> errors.TooFewRows:
    fix = f"take more data: at least {FEWEST_ROWS} rows with a known target"
    return errors.TooFewRows(f"{rows} rows with a known target cannot be fitted and tested", at="the snapshot", fix=fix)


def places(split: Split, times: NDArray[np.int64] | None, shares: NDArray[np.float64] | None) -> NDArray[np.str_]:
    """The place of each row: `fit`, `choice`, `test`, or `` in a gap.

    Parameters
    ----------
    times : microseconds since 1970, for a split by time
    shares : a number in [0, 1) that follows from the row's key, for a split by key
    """
    import numpy as np  # the command line starts without it

    if split.by == "key":
        assert shares is not None
        return np.where(shares < TEST_SHARE, "test", np.where(shares < TEST_SHARE + (1 - TEST_SHARE) * CHOICE_SHARE, "choice", "fit"))
    assert times is not None
    assert split.choice_begin is not None
    assert split.development_end is not None
    assert split.test_begin is not None
    at = [micros(t) for t in (split.choice_begin - split.gap.delta, split.choice_begin, split.development_end, split.test_begin)]
    inner = np.where(times < at[0], "fit", np.where(times < at[1], "", "choice"))
    return np.where(times < at[2], inner, np.where(times < at[3], "", "test"))


def development(split: Split, place: NDArray[np.str_], times: NDArray[np.int64] | None) -> NDArray[np.bool_]:
    """The rows that the chosen candidate is fitted on: all up to the gap, the inner gap included."""
    import numpy as np  # the command line starts without it

    if times is None or split.development_end is None:
        return np.asarray((place == "fit") | (place == "choice"))
    return np.asarray(times < micros(split.development_end))
