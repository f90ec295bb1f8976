"""How many requests one client sent in this second, over all workers together."""

from __future__ import annotations

import mmap
import os
import zlib

__all__ = ["Rates"]

#: Clients are told apart by a hash; two that share a place share what they may send.
_PLACES = 1 << 14
_COUNT = (1 << 24) - 1


class Rates:
    """Counts in windows of one second, in memory that the workers share; without locks, so it may let a few more pass.

    Parameters
    ----------
    most : requests in one second from one client; 0 counts nothing
    descriptor : of `counters.shared_memory`; None counts for this process alone
    """

    def __init__(self, most: int, *, descriptor: int | None = None) -> None:
        self._most = most
        if descriptor is not None:
            os.ftruncate(descriptor, 8 * _PLACES)
        memory = mmap.mmap(-1 if descriptor is None else descriptor, 8 * _PLACES)
        self._counts = memoryview(memory).cast("Q")

    def allows(self, client: bytes, now: float) -> bool:
        """Count one request of a client at `now`, in seconds; False when it is one too many.

        >>> rates = Rates(1)
        >>> rates.allows(b"a", 7.0), rates.allows(b"a", 7.9), rates.allows(b"a", 8.0), rates.allows(b"b", 8.0)
        (True, False, True, True)
        """
        if not self._most:
            return True
        place, second = zlib.crc32(client) % _PLACES, int(now) & 0xFFFFFFFF
        held = self._counts[place]
        count = (held & _COUNT) + 1 if held >> 24 == second else 1
        self._counts[place] = second << 24 | min(count, _COUNT)
        return count <= self._most
