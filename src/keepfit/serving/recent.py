"""What was answered in the last ten minutes under ids that clients gave, so that a retry gets the same answer."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["KEPT_FOR", "Given", "Recent"]

#: Seconds for which an answer is kept.
KEPT_FOR = 600.0


class Given(NamedTuple):
    """An answer, and a hash of the row that was asked."""

    answer: Any
    asked: int


class Recent:
    """Answers by id, for ten minutes and at most `most` of them; the oldest go first."""

    def __init__(self, *, most: int = 100_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._held: OrderedDict[str, tuple[float, Given]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._held)

    def get(self, name: str) -> Given | None:
        """What was answered under an id, if it is not ten minutes ago."""
        held = self._held.get(name)
        return held[1] if held is not None and held[0] > self._clock() else None

    def keep(self, name: str, given: Given) -> None:
        now = self._clock()
        self._held[name] = (now + KEPT_FOR, given)
        while len(self._held) > self._most or (self._held and next(iter(self._held.values()))[0] <= now):
            self._held.popitem(last=False)
