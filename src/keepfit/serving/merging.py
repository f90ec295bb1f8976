"""Requests that wait in one turn of the event loop, answered in one call: what makes a model fast that is slow row by row."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from keepfit import errors
from keepfit.serving.served import Answered, Served

__all__ = ["Merging"]

#: Rows in one call.
MOST_TOGETHER = 1000


class Merging:
    """Gathers the rows of requests until the loop's next turn."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Served, Sequence[Mapping[str, Any]], asyncio.Future[list[Answered]]]] = []

    async def answers(self, served: Served, rows: Sequence[Mapping[str, Any]]) -> list[Answered]:
        """What `served.answers(rows)` gives; raises as it does."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[Answered]] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._run)
        self._waiting.append((served, rows, future))
        return await future

    def _run(self) -> None:
        waiting, self._waiting = self._waiting, []
        while waiting:
            served, count = waiting[0][0], 0
            together: list[tuple[Served, Sequence[Mapping[str, Any]], asyncio.Future[list[Answered]]]] = []
            while waiting and waiting[0][0] is served and (not together or count + len(waiting[0][1]) <= MOST_TOGETHER):
                count += len(waiting[0][1])
                together.append(waiting.pop(0))
            self._answer(served, [(rows, future) for _, rows, future in together])

    def _answer(self, served: Served, together: Sequence[tuple[Sequence[Mapping[str, Any]], asyncio.Future[list[Answered]]]]) -> None:
        try:
            found = served.answers([row for rows, _ in together for row in rows])
        except errors.KeepfitError as error:
            if len(together) > 1:  # one request's row spoils no other's
                for one in together:
                    self._answer(served, [one])
            elif not together[0][1].done():
                together[0][1].set_exception(error)
            return
        except Exception as error:  # noqa: BLE001 - a model of the owner's may raise anything; the requests must not wait for ever
            for _, future in together:
                if not future.done():
                    future.set_exception(error)
            return
        for rows, future in together:
            answered, found = found[: len(rows)], found[len(rows) :]
            if not future.done():
                future.set_result(answered)
