"""The feed: what of a window says that its data is broken, and not that the world moved."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from statistics import median

from keepfit.reference import Blocks, ColumnBlocks
from keepfit.signal import Severity, Signal
from keepfit.violation import Check

__all__ = ["Found", "Volume", "broken", "collapsed", "told_apart"]

#: A column is gone: so much more of it is missing than in the worst block of the reference.
GONE = 0.5
#: One value that floods a window is ordinary where one bin held nearly as much of a block.
NEARLY = 0.8
#: Values outside of what the owner says that a column holds break the feed from such a share of the rows on.
OUTSIDE = 0.05
#: Fewer rows than this say nothing of a feed.
FEWEST = 30
#: Traffic has collapsed: below this share of what it was in the middle of so many windows, and below that of the least of them.
COLLAPSED, OF_LEAST, LOOKED_BACK, FEWEST_WINDOWS = 0.2, 0.5, 8, 4
#: Signals that a broken feed explains.
_EXPLAINED = frozenset({"drift", "prediction", "quality", "calibration"})


@dataclass(frozen=True, slots=True)
class Found:
    """What a check of the schema found in a column of a window: in how many rows, and in words without a value.

    `stated` says that the owner's own rule is broken, not what was learned.
    """

    check: Check
    column: str
    count: int
    because: str
    stated: bool = False


@dataclass(frozen=True, slots=True)
class Volume:
    """The answers of a window, and how long it lasted."""

    answers: int
    length: timedelta

    @property
    def rate(self) -> float:
        """Answers a day."""
        return self.answers / (self.length / timedelta(days=1))


def broken(found: Iterable[Found], missing: Mapping[str, int], rows: int, blocks: Blocks, worth: Mapping[str, float]) -> list[Signal]:
    """What is broken in the columns of a window, one signal for each column.

    What a block of the reference showed as well is ordinary: a column of months holds one value all week.

    Parameters
    ----------
    found : what the checks of the schema found
    missing : rows without a value, by column
    worth : each column's share of what all are worth to the model; empty where that is not known
    """
    if rows < FEWEST:
        return []
    said: dict[str, list[str]] = {}
    minor: dict[str, list[str]] = {}
    for name, count in missing.items():
        held = blocks.columns.get(name)
        if held is not None and count / rows - _most_missing(held, blocks.rows) >= GONE:
            share = "every row" if count == rows else f"{count / rows:.1%} of the rows"
            said.setdefault(name, []).append(f"missing in {share}, in at most {_most_missing(held, blocks.rows):.1%} of any block before")
    for one in found:
        held = blocks.columns.get(one.column)
        if one.stated:
            (said if one.count >= OUTSIDE * rows else minor).setdefault(one.column, []).append(one.because)
        elif one.check == "unit" or (one.check == "flood" and held is not None and not _as_narrow(held, one.count / rows)):
            said.setdefault(one.column, []).append(one.because)
    signals = [Signal("data", name, _severity(name, worth), 1.0, _words(name, words)) for name, words in said.items()]
    return [*signals, *(Signal("data", name, "info", 0.0, _words(name, words)) for name, words in minor.items() if name not in said)]


def collapsed(now: Volume, before: Sequence[Volume]) -> Signal | None:
    """Whether hardly anybody asks any more.

    Parameters
    ----------
    before : of the windows before, the oldest first
    """
    last = [one.rate for one in before[-LOOKED_BACK:]]
    if len(last) < FEWEST_WINDOWS:
        return None
    usual, least = median(last), min(last)
    if now.rate >= COLLAPSED * usual or now.rate >= OF_LEAST * least:
        return None
    because = f"traffic collapsed: {now.rate:,.4g} answers a day, {usual:,.4g} in the middle of the {len(last)} windows before"
    return Signal("data", "", "warning", round(now.rate / usual - 1, 6), because)


def told_apart(signals: Sequence[Signal], feed: Collection[Signal]) -> list[Signal]:
    """A window's signals, where its feed is broken: what that explains is kept as information, and opens no incident of its own."""
    about = sorted({one.about or "the whole feed" for one in feed if one.severity != "info"})
    if not about:
        return [*feed, *signals]
    note = f"; the feed is broken: {', '.join(about[:3])}"
    explained = [replace(one, severity="info", because=one.because + note) if one.kind in _EXPLAINED else one for one in signals]
    return [*feed, *explained]


def _most_missing(held: ColumnBlocks, rows: Sequence[int]) -> float:
    return max((gone / of for gone, of in zip(held.missing, rows, strict=True) if of), default=0.0)


def _as_narrow(held: ColumnBlocks, share: float) -> bool:
    """Whether one bin ever held nearly so large a share of a block."""
    return any(max(block) / sum(block) >= NEARLY * share for block in held.counts if sum(block))


def _severity(name: str, worth: Mapping[str, float]) -> Severity:
    return "critical" if worth and worth.get(name, 0.0) >= 1 / len(worth) else "warning"


def _words(name: str, words: Sequence[str]) -> str:
    return f"the feed of '{name}' is broken: {'; '.join(words)}"
