"""A worker: answers requests on a socket that it was given, as its orders say; no training library, no ledger, no tables.

It is a process of its own, started as `python -m keepfit.serving.worker` with the descriptors of what it shares: the line to
its parent, which sends orders and duties and whose end ends it, the counters, the rates, and the listening sockets.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import resource
import signal
import socket
import ssl
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from keepfit import errors
from keepfit.column import column_kinds
from keepfit.serving.answering import Answering
from keepfit.serving.app import App, route_paths
from keepfit.serving.connection import Connections
from keepfit.serving.counters import Counters
from keepfit.serving.crew import Crew
from keepfit.serving.duty import Duty, Orders
from keepfit.serving.events import Events
from keepfit.serving.log import Log, NoLog, SegmentLog, StdoutLog
from keepfit.serving.rates import Rates
from keepfit.serving.traces import traces
from keepfit.stores.segments import ROLL_AFTER, SegmentWriter

__all__ = ["Heard", "Shared", "Told", "Worker", "counted_routes", "main"]

#: Seconds that requests under way have to end when a worker stops.
GRACE = 25
#: Seconds after which a segment is sealed where days pass in seconds, so that the loop finds tables.
SIMULATED_ROLL = 1.0


class Heard(msgspec.Struct, omit_defaults=True):
    """What a parent tells a worker: its orders first, then a duty whenever that changes."""

    duty: Duty
    orders: Orders | None = None


class Told(msgspec.Struct, omit_defaults=True):
    """What a worker tells its parent: that it is ready, by the release that answers; or why it is not."""

    ready: str | None = None
    fault: dict[str, str] | None = None


class Shared(msgspec.Struct):
    """The descriptors that the processes of a server share; None where there is one process."""

    counters: int | None = None
    rates: int | None = None


class Worker:
    """An application with its server; made by `begin`, which proves the champion, then run.

    Parameters
    ----------
    parts : how many processes count: the workers, and a parent where there is one
    """

    def __init__(self, orders: Orders, shared: Shared, *, parts: int, events: Events) -> None:
        raise_open_files()
        counters = Counters(counted_routes(orders), parts=parts, part=orders.worker, descriptor=shared.counters)
        counters.clear()
        self.events = events
        log = _log(orders, counters, shared, self._troubled)
        self.app = App(
            orders,
            log=log,
            counters=counters,
            rates=Rates(orders.limits.rate, descriptor=shared.rates),
            events=events,
            traces=traces(orders.project) if orders.traces else None,
        )
        self.crew = Crew(self.app, column_kinds(), changed=self._changed)
        self._tls = _tls(orders)
        self._stopping = asyncio.Event()
        self._champion: str | None = None

    def stop(self) -> None:
        """Take no more connections; what is under way ends."""
        self._stopping.set()

    async def run(self, listening: Sequence[socket.socket], *, started: Callable[[], None] = lambda: None) -> None:
        """Answer until it is stopped; then seal what is kept."""
        loop = asyncio.get_running_loop()
        connections = Connections(self.app, loop)
        servers = [await loop.create_server(connections.make, sock=one, ssl=self._tls, backlog=4096) for one in listening]
        gc.collect()
        gc.freeze()  # what was loaded stays: no collection looks at it again
        started()
        try:
            while not self._stopping.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), 1.0)
                connections.look_over()
                self.app.log.tend()
            for server in servers:
                server.close()
            await connections.finish(GRACE)
        finally:
            self.close()

    def close(self) -> None:
        """Seal what is kept, and say so when that fails: it is folded when the process is gone."""
        try:
            self.app.close()
        except errors.CannotWrite as error:
            self.events.say("the log could not be sealed", "error", error=error.message)

    def _changed(self, answering: Answering | None) -> None:
        name = answering.champion.release.id if answering is not None else None
        if name != self._champion:
            self._champion = name
            self.events.say("another release answers" if name else "no release is champion", release=name)

    def _troubled(self, error: errors.CannotWrite | None) -> None:
        if error is None:
            self.app.alarms.pop("log", None)
            self.events.say("the log can be written again")
        else:
            self.app.alarms["log"] = error.message
            self.events.say("the log cannot be written", "error", error=error.message, at=error.at)


def _tls(orders: Orders) -> ssl.SSLContext | None:
    """What encrypts connections, where there is a certificate.

    Raises
    ------
    BadArgument
        The certificate and the key are none, or do not belong together.
    """
    if orders.certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(orders.certificate, orders.private_key)
    except (OSError, ssl.SSLError) as error:
        fix = "give a chain and its unencrypted key, both in PEM"
        raise errors.BadArgument(f"the certificate cannot be used: {error}", at=orders.certificate, fix=fix) from error
    return context


def counted_routes(orders: Orders) -> list[str]:
    """The paths of all routes, known before there is an application."""
    return route_paths(App(Orders("", "", platform=orders.platform), log=NoLog()).routes)


def raise_open_files() -> None:
    """Let the process hold as many connections as the system lets it."""
    with contextlib.suppress(ValueError, OSError):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _log(orders: Orders, counters: Counters, shared: Shared, troubled: Callable[[errors.CannotWrite | None], None]) -> Log:
    if orders.log == "stdout":
        return StdoutLog(turn=shared.counters if orders.workers > 1 else None, counters=counters)
    if orders.log == "none" or orders.segments is None:
        return NoLog()
    roll_after = SIMULATED_ROLL if orders.simulated else ROLL_AFTER
    writers = {kind: SegmentWriter(Path(orders.segments), kind, roll_after=roll_after) for kind in ("predictions", "labels")}
    return SegmentLog(
        writers,  # type: ignore[arg-type]
        counters=counters,
        durability=orders.durability,
        on_failure=orders.on_log_failure,
        troubled=troubled,
    )


class _Line:
    """The line to the parent: one JSON object in each line."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._rest = b""
        self._decode = msgspec.json.Decoder(Heard).decode

    def tell(self, told: Told) -> None:
        with contextlib.suppress(OSError):  # the parent is gone; its end is noticed elsewhere
            self._socket.sendall(msgspec.json.encode(told) + b"\n")

    def first(self) -> Heard | None:
        """The first thing that is said; None when the parent is gone."""
        while b"\n" not in self._rest:
            data = self._socket.recv(1 << 16)
            if not data:
                return None
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return self._decode(line)

    async def next(self) -> Heard | None:
        loop = asyncio.get_running_loop()
        self._socket.setblocking(False)
        while b"\n" not in self._rest:
            data = await loop.sock_recv(self._socket, 1 << 16)
            if not data:
                return None
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return self._decode(line)


async def _follow(line: _Line, worker: Worker) -> None:
    """Do as the parent says until it is gone."""
    while (heard := await line.next()) is not None:
        await worker.crew.take(heard.duty)
    worker.stop()


async def _run(worker: Worker, line: _Line, listening: Sequence[socket.socket]) -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.stop)
    following = asyncio.create_task(_follow(line, worker))
    name = worker.app.who_answers().champion.release.id
    try:
        await worker.run(listening, started=lambda: line.tell(Told(ready=name)))
    finally:
        following.cancel()


def main(arguments: list[str]) -> int:
    """Serve until the parent says so or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent too, which ends its workers in order
    line_, counters_, rates_, *listening_ = map(int, arguments)
    line = _Line(line_)
    heard = line.first()
    if heard is None or heard.orders is None:
        return 0
    orders = heard.orders
    events = Events(quiet=orders.quiet, process=f"worker {orders.worker}")
    try:
        worker = Worker(orders, Shared(counters_, rates_), parts=orders.workers + 1, events=events)
        worker.crew.begin(heard.duty)
    except errors.KeepfitError as error:
        line.tell(Told(fault={"code": error.code, "message": error.message, "at": error.at, "fix": error.fix}))
        return error.exit_code
    listening = [socket.socket(fileno=one) for one in listening_]
    import uvloop  # the line has been read by blocking calls until here

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(worker, line, listening))
    return 0


if __name__ == "__main__":
    # A worker's memory is shared and its files are sealed: what an interpreter does at its end only takes time.
    code: Any = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
