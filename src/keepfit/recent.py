"""What windows showed of late: the newest counts most, and one alone is a case of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

__all__ = ["Recent", "Shares", "carried", "shares"]

#: How much the newest window counts among those of late.
NEWEST = 0.2


@dataclass(frozen=True, slots=True)
class Shares:
    """One column in a window, or in windows weighed together.

    `bins` are shares of the rows with a value; so is `unseen`, of rows whose name no reference lists; `missing` is of
    all rows. `sampled` is the sum of the windows' squared weights, each divided by its rows with a value,
    `sampled_all` the same by all rows, `weighed` the sum of the squared weights: 1 of a single window. `longest` is
    the rows of the largest.
    """

    bins: tuple[float, ...]
    missing: float
    unseen: float
    sampled: float
    sampled_all: float
    weighed: float
    longest: int


@dataclass(frozen=True, slots=True)
class Recent:
    """Windows of one release in one role, weighed together: columns by name, what it was asked with and what it answered."""

    record: ClassVar[str] = "recent"
    version: ClassVar[int] = 1

    windows: int
    features: Mapping[str, Shares]
    answers: Mapping[str, Shares]


def shares(counts: Sequence[int], missing: int, unseen: int = 0) -> Shares | None:
    """The shares of a single window from its counts; None without a row."""
    known = sum(counts) + unseen
    rows = known + missing
    if rows == 0:
        return None
    of = max(known, 1)
    return Shares(tuple(count / of for count in counts), missing / rows, unseen / of, 1 / of, 1 / rows, 1.0, rows)


def carried(before: Recent | None, newest: Recent) -> Recent:
    """Windows of late with one more: exponentially weighted (Roberts (1959), Technometrics 1(3), 239-250)."""
    if before is None:
        return newest
    return Recent(before.windows + 1, _each(before.features, newest.features), _each(before.answers, newest.answers))


def _each(before: Mapping[str, Shares], newest: Mapping[str, Shares]) -> dict[str, Shares]:
    found = dict(newest)
    for name, was in before.items():
        now = newest.get(name)
        if now is None or len(now.bins) != len(was.bins):
            continue
        found[name] = _weighed(was, now) if sum(now.bins) + now.unseen > 0 else was
    return found


def _weighed(was: Shares, now: Shares) -> Shares:
    def mean(old: float, new: float) -> float:
        return (1 - NEWEST) * old + NEWEST * new

    def squared(old: float, new: float) -> float:
        return (1 - NEWEST) ** 2 * old + NEWEST**2 * new

    return Shares(
        tuple(mean(old, new) for old, new in zip(was.bins, now.bins, strict=True)),
        mean(was.missing, now.missing),
        mean(was.unseen, now.unseen),
        squared(was.sampled, now.sampled),
        squared(was.sampled_all, now.sampled_all),
        squared(was.weighed, now.weighed),
        max(was.longest, now.longest),
    )
