"""The prediction log as one process writes it: what was answered, before it leaves."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, Literal, Protocol, TypeAlias

import msgspec

from keepfit import errors
from keepfit.serving.counters import Counters
from keepfit.stores.segments import SegmentWriter

__all__ = ["Kind", "Line", "Log", "NoLog", "SegmentLog", "StdoutLog", "payload"]

Kind: TypeAlias = Literal["predictions", "labels"]
Name: TypeAlias = Literal["none", "stdout", "segments"]

#: Bytes that may wait in memory while the log cannot be written and answers go out all the same.
MOST_WAITING = 64 << 20


class Line(msgspec.Struct, omit_defaults=True, gc=False):
    """A `Prediction` as it is written: the same members, made and encoded in a microsecond."""

    id: str
    at: datetime
    project: str
    release: str
    role: str
    via: str
    time: datetime | None
    key: str | None
    subject: str | None
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    decision: Any
    warnings: Sequence[str] = ()
    latency_us: int | None = None
    private: Mapping[str, Any] = {}
    sampling: float = 1.0


_encode = msgspec.json.Encoder().encode
_HEAD = b'{"record":"prediction","version":1,'


def payload(line: Line) -> bytes:
    """A line as a segment holds it: the JSON form of a prediction."""
    return _HEAD + _encode(line)[1:]


class Log(Protocol):
    """Where predictions and labels are kept."""

    #: `none`, `stdout` or `segments`, as readiness says it.
    name: Name
    #: Whether protected columns and the subject's token may be written there.
    private: bool
    #: Whether an answer waits for `lasting` before it leaves.
    waits: bool

    def keep(self, kind: Kind, payloads: Sequence[bytes]) -> None:
        """Keep records, all or none.

        Raises
        ------
        CannotWrite
            They cannot be kept, so they must not be answered.
        """
        ...

    async def lasting(self) -> None:
        """Return once what was kept survives what it must survive; raises as `keep` does."""
        ...

    def tend(self) -> None:
        """Called about once a second: seal what has grown old, write what waits."""
        ...

    def close(self) -> None:
        """Seal what is kept."""
        ...


class NoLog:
    """Keeps nothing."""

    name: Name = "none"
    private = waits = False

    def keep(self, kind: Kind, payloads: Sequence[bytes]) -> None:
        return None

    async def lasting(self) -> None:
        return None

    def tend(self) -> None:
        return None

    def close(self) -> None:
        return None


class StdoutLog:
    """Writes each record as one line, for what collects a container's output; without the private part.

    Parameters
    ----------
    turn : a descriptor that all workers share, whose lock keeps their lines apart; None where there is one writer
    """

    name: Name = "stdout"
    private = waits = False

    def __init__(self, descriptor: int = 1, *, turn: int | None = None, counters: Counters) -> None:
        self._descriptor, self._turn = descriptor, turn
        self._logged = counters.place("keepfit_logged_total")
        self._counters = counters

    def keep(self, kind: Kind, payloads: Sequence[bytes]) -> None:
        data = b"".join(payload + b"\n" for payload in payloads)
        if self._turn is not None:
            fcntl.lockf(self._turn, fcntl.LOCK_EX)
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError as error:
            raise errors.CannotWrite(f"cannot write: {error.strerror}", at="standard output", fix="see what reads it") from error
        finally:
            if self._turn is not None:
                fcntl.lockf(self._turn, fcntl.LOCK_UN)
        self._counters.add(self._logged, len(payloads))

    async def lasting(self) -> None:
        return None

    def tend(self) -> None:
        return None

    def close(self) -> None:
        return None


class SegmentLog:
    """Keeps predictions and labels in this process's own segments.

    Parameters
    ----------
    durability : "disk" makes `lasting` wait until the records are on the disk; those of many requests go in one sync
    on_failure : "serve" lets records wait in memory, up to 64 MB, while they cannot be written
    troubled : told when writing begins to fail, with the error, and when it works again, with None
    """

    name: Name = "segments"
    private = True

    def __init__(
        self,
        writers: Mapping[Kind, SegmentWriter],
        *,
        counters: Counters,
        durability: Literal["process", "disk"] = "process",
        on_failure: Literal["refuse", "serve"] = "refuse",
        troubled: Callable[[errors.CannotWrite | None], None] = lambda error: None,
    ) -> None:
        self.waits = durability == "disk"
        self._writers, self._counters, self._serves, self._troubled = writers, counters, on_failure == "serve", troubled
        self._places = [counters.place(name) for name in ("keepfit_logged_total", "keepfit_log_failures_total", "keepfit_log_failing")]
        self._waiting_place = counters.place("keepfit_log_waiting")
        self._waiting: deque[tuple[Kind, Sequence[bytes]]] = deque()
        self._waiting_bytes = 0
        self._failing = False
        self._commits = _Commits(self._sync)

    def keep(self, kind: Kind, payloads: Sequence[bytes]) -> None:
        if self._failing and self._waiting:
            self._wait(kind, payloads)  # in their order: what came before is not written yet
            return
        try:
            self._write(kind, payloads)
        except errors.CannotWrite as error:
            self._fails(error)
            if not self._serves:
                raise
            self._wait(kind, payloads)

    def _write(self, kind: Kind, payloads: Sequence[bytes]) -> None:
        self._writers[kind].append(payloads)
        self._counters.add(self._places[0], len(payloads))
        if self._failing and not self._waiting:
            self._failing = False
            self._counters.put(self._places[2], 0)
            self._troubled(None)

    def _fails(self, error: errors.CannotWrite) -> None:
        self._counters.add(self._places[1])
        if not self._failing:
            self._failing = True
            self._counters.put(self._places[2], 1)
            self._troubled(error)

    def _wait(self, kind: Kind, payloads: Sequence[bytes]) -> None:
        size = sum(map(len, payloads))
        if self._waiting_bytes + size > MOST_WAITING:
            raise errors.CannotWrite(
                "the log cannot be written, and no more may wait in memory", at="the prediction log", fix="free some space on the disk"
            )
        self._waiting.append((kind, payloads))
        self._waiting_bytes += size
        self._counters.put(self._waiting_place, sum(len(held) for _, held in self._waiting))

    async def lasting(self) -> None:
        await self._commits.wait()

    def _sync(self) -> list[Callable[[], None]]:
        return [sync for writer in self._writers.values() if (sync := writer.syncing()) is not None]

    def tend(self) -> None:
        try:
            while self._waiting:
                kind, payloads = self._waiting[0]
                self._writers[kind].append(payloads)
                self._counters.add(self._places[0], len(payloads))
                self._waiting.popleft()
                self._waiting_bytes -= sum(map(len, payloads))
            self._counters.put(self._waiting_place, 0)
            for writer in self._writers.values():
                writer.seal_if_old()
        except errors.CannotWrite as error:
            self._fails(error)
            return
        if self._failing and self._writers["predictions"].writable():
            self._failing = False
            self._counters.put(self._places[2], 0)
            self._troubled(None)

    def close(self) -> None:
        self.tend()
        for writer in self._writers.values():
            writer.close()


class _Commits:
    """Group commit: while one sync runs, the requests that come wait together for the next.

    Parameters
    ----------
    begin : called in the loop's thread; gives what is to be done in another, for what was written until then
    """

    def __init__(self, begin: Callable[[], list[Callable[[], None]]]) -> None:
        self._begin = begin
        self._waiting: list[asyncio.Future[None]] = []
        self._task: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, "sync")

    async def wait(self) -> None:
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        await future

    async def _run(self) -> None:
        while self._waiting:
            waiting, self._waiting = self._waiting, []
            failed: Exception | None = None
            try:
                for sync in self._begin():
                    await asyncio.get_running_loop().run_in_executor(self._thread, sync)
            except OSError as error:
                failed = errors.CannotWrite(f"cannot write: {error.strerror}", at="the prediction log", fix="look at the disk")
            for future in waiting:
                if not future.done():
                    future.set_exception(failed) if failed else future.set_result(None)
