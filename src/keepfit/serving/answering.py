"""Who answers: the champion, a canary for its share, and a shadow that is heard and not told."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from keepfit import errors
from keepfit.release import Release
from keepfit.serving.counters import Counters
from keepfit.serving.rows import Rows, needed_of
from keepfit.serving.served import Answered, Served

__all__ = ["Answering", "Shadowed", "Shadows", "place_of"]

#: Rows that may wait for the shadow.
MOST_WAITING = 20_000
#: Rows that the shadow answers before requests come to their turn again.
AT_ONCE = 50


class Answering:
    """The releases in their roles; exchanged as a whole, so that one request sees one state."""

    def __init__(self, champion: Served, *, canary: Served | None = None, share: float = 0.0, shadow: Served | None = None) -> None:
        self.champion, self.canary, self.share, self.shadow = champion, canary, share, shadow
        others: list[Release] = [one.release for one in (canary, shadow) if one is not None]
        self.rows = Rows(champion.release, others)
        # What the champion can do without: a row that lacks it is not for these two.
        beyond = [needed_of(one.release) - needed_of(champion.release) if one is not None else () for one in (canary, shadow)]
        self._for_canary, self._for_shadow = map(tuple, beyond)
        self._alone: Answering | None = None

    def chosen(self, values: Mapping[str, Any], subject: str | None, name: str) -> Served:
        """Who answers a row: by its subject, else by its key, else by its id."""
        if self.canary is None or any(values[name] is None for name in self._for_canary):
            return self.champion
        about = subject if subject is not None else self.champion.key_of(values) or name
        return self.canary if place_of(about, self.canary.release.id) < self.share else self.champion

    def alone(self) -> Answering:
        """The same without the canary, for a request that names the champion."""
        if self._alone is None:
            self._alone = self if self.canary is None else Answering(self.champion, shadow=self.shadow)
        return self._alone

    def takes_shadow(self, values: Mapping[str, Any]) -> bool:
        """Whether a row holds what the shadow needs."""
        return not any(values[name] is None for name in self._for_shadow)


def place_of(about: str, salt: str) -> float:
    """Where in [0, 1) something lies for a canary: the same on every machine, and as a share grows those below it stay below.

    >>> 0 <= place_of("anna", "r2") < 1
    True
    """
    return int.from_bytes(hashlib.blake2b(about.encode(), digest_size=8, key=salt.encode()[:64]).digest()) / 2**64


class Shadowed(NamedTuple):
    """A row that was answered and waits for the shadow."""

    shadow: Served
    name: str
    at: datetime
    values: Any
    subject: str | None


class Shadows:
    """Lets the shadow answer after the champion has; what is too much is left out and counted.

    Parameters
    ----------
    keep : keeps what the shadow said
    later : calls a function after some seconds, on the thread that answers
    """

    def __init__(
        self,
        keep: Callable[[Sequence[tuple[Shadowed, Answered, int]]], None],
        later: Callable[[float, Callable[[], None]], object],
        counters: Counters,
        clock: Callable[[], int],
    ) -> None:
        self._keep, self._later, self._counters, self._clock = keep, later, counters, clock
        self._waiting: deque[Shadowed] = deque()
        self._called = False
        self._places = [
            counters.place(name) for name in ("keepfit_shadow_waiting", "keepfit_shadow_failures_total", "keepfit_shadow_dropped_total")
        ]
        self._answered = counters.place("keepfit_predictions_total", "shadow")

    def add(self, rows: Sequence[Shadowed], *, unable: int = 0) -> None:
        """Let rows wait; they are answered once the response is on its way. `unable` others lack what the shadow needs."""
        if unable:
            self._counters.add(self._places[1], unable)
        free = MOST_WAITING - len(self._waiting)
        self._waiting.extend(rows[:free])
        if len(rows) > free:
            self._counters.add(self._places[2], len(rows) - free)
        self._counters.put(self._places[0], len(self._waiting))
        if not self._called:
            self._called = True
            self._later(0.001, self._some)

    def _some(self) -> None:
        self._called = False
        self._answer([self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))])
        self._counters.put(self._places[0], len(self._waiting))
        if self._waiting:
            self._called = True
            self._later(0.001, self._some)

    def finish(self) -> None:
        """Answer all that wait."""
        while self._waiting:
            self._answer([self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))])
        self._counters.put(self._places[0], 0)

    def _answer(self, rows: Sequence[Shadowed]) -> None:
        said: list[tuple[Shadowed, Answered, int]] = []
        for row in rows:
            begun = self._clock()
            try:
                said.append((row, row.shadow.answers([row.values])[0], (self._clock() - begun) // 1000))
            except errors.KeepfitError:
                self._counters.add(self._places[1])
        if said:
            self._counters.add(self._answered, len(said))
            try:
                self._keep(said)
            except errors.CannotWrite:
                self._counters.add(self._places[1], len(said))
