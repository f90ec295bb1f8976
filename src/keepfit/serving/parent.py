"""The parent of a server: holds the socket, keeps the workers running, tells them of new duties, and lets segments be folded."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec

from keepfit import errors
from keepfit.loop.fold import Folded
from keepfit.serving.counters import Counters, shared_memory
from keepfit.serving.duty import Duty, Orders
from keepfit.serving.events import Events
from keepfit.serving.folding import Folding
from keepfit.serving.worker import GRACE, Heard, Told, counted_routes

__all__ = ["Parent"]

#: Seconds until a worker that ended is started again: at once, then longer when it ends soon again and again.
SOONEST, LATEST = 0.05, 10.0
#: A worker that lived so long, in seconds, has not failed at its start.
STEADY = 10.0
#: Seconds that workers have to become ready.
PATIENCE = 120.0
_ABOVE = "see what it said above"


@dataclass(slots=True)
class _Place:
    """One worker's place: who holds it now, and when it is filled again."""

    number: int
    process: subprocess.Popen[bytes] | None = None
    line: socket.socket | None = None
    rest: bytes = b""
    ready: bool = False
    begun: float = 0.0
    due: float = 0.0
    wait: float = SOONEST
    fault: dict[str, str] | None = field(default=None)


class Parent:
    """Runs workers until it is told to stop.

    Parameters
    ----------
    orders : what every worker is told; its number is added
    duty : what they begin with
    folding : lets segments be folded; None where there are none
    """

    def __init__(self, orders: Orders, duty: Duty, listening: Sequence[socket.socket], *, folding: Folding | None, events: Events) -> None:
        self._orders, self._duty, self._listening, self._folding, self._events = orders, duty, listening, folding, events
        self._shared = shared_memory(), shared_memory()
        parts = orders.workers + 1
        self._counters = Counters(counted_routes(orders), parts=parts, part=orders.workers, descriptor=self._shared[0])
        self._places = [_Place(number) for number in range(orders.workers)]
        self._selector = selectors.DefaultSelector()
        self._told: list[Duty] = []
        self._lock = threading.Lock()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_write, False)
        self._stopping = False
        self._complained = ""

    # -- called from other threads and from signals ------------------------------------------------

    def tell(self, duty: Duty) -> None:
        """Pass a new duty on to every worker."""
        with self._lock:
            self._told.append(duty)
        self._wake()

    def reached(self, reachable: bool) -> None:
        """Say whether the ledger can be read."""
        self._counters.put(self._counters.place("keepfit_ledger_unreachable"), 0 if reachable else 1)

    def stop(self) -> None:
        """End: requests under way are answered, segments sealed."""
        self._stopping = True
        self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake_write, b".")

    # -- the loop --------------------------------------------------------------------------------

    def run(self, *, ready: Callable[[str], None], with_stdin: bool = False) -> None:
        """Start the workers, say when all are ready, and keep them running.

        Raises
        ------
        KeepfitError
            A worker could not begin: its own error.
        """
        self._selector.register(self._wake_read, selectors.EVENT_READ, None)
        if with_stdin:
            self._selector.register(sys.stdin.fileno(), selectors.EVENT_READ, "stdin")
        was = {one: signal.signal(one, lambda *_: self.stop()) for one in (signal.SIGTERM, signal.SIGINT)}
        try:
            for place in self._places:
                self._start(place)
            self._begin(ready)
            while not self._stopping:
                self._look(1.0)
        finally:
            self._end()
            for one, handler in was.items():
                signal.signal(one, handler)
            for descriptor in (*self._shared, self._wake_read, self._wake_write):
                os.close(descriptor)

    def _begin(self, ready: Callable[[str], None]) -> None:
        until = time.monotonic() + PATIENCE
        while not self._stopping:
            self._look(0.2)
            for place in self._places:
                if place.fault is not None:
                    raise _as_error(place.fault)
                if place.process is None:
                    raise errors.ServerFailed(
                        "a worker ended before it was ready", at=f"worker {place.number}", fix="see what it said above"
                    )
            if all(place.ready for place in self._places):
                ready(self._duty.champion or "")
                return
            if time.monotonic() > until:
                raise errors.ServerFailed("the workers are not ready in time", at="keepfit serve", fix="see what they said above")

    def _look(self, wait: float) -> None:
        for key, _ in self._selector.select(wait):
            if isinstance(key.data, _Place):
                self._hear(key.data)
            elif key.data == "stdin":
                if not os.read(sys.stdin.fileno(), 4096):
                    self._stopping = True
            else:
                os.read(self._wake_read, 4096)
        with self._lock:
            told, self._told = self._told, []
        if told:
            self._duty = told[-1]
            self._pass_on()
        now = time.monotonic()
        for place in self._places:
            if place.process is not None and place.process.poll() is not None:
                self._ended(place, now)
            elif place.process is None and not self._stopping and now >= place.due and place.fault is None:
                self._start(place)
        self._counters.put(self._counters.place("keepfit_workers"), sum(place.ready for place in self._places))
        if self._folding is not None:
            self._folded(self._folding.look(now))

    def _start(self, place: _Place) -> None:
        ours, theirs = socket.socketpair()
        passed = [theirs.fileno(), *self._shared, *(one.fileno() for one in self._listening)]
        command = [sys.executable, "-P", "-m", "keepfit.serving.worker", *map(str, passed)]
        # One thread for each library: workers are as many as there are processors to use.
        alone = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        place.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=passed, env={**os.environ, **alone})
        theirs.close()
        place.line, place.rest, place.ready, place.begun = ours, b"", False, time.monotonic()
        orders = msgspec.structs.replace(self._orders, worker=place.number)
        ours.sendall(msgspec.json.encode(Heard(self._duty, orders)) + b"\n")
        self._selector.register(ours, selectors.EVENT_READ, place)
        self._counters.add(self._counters.place("keepfit_worker_starts_total"))

    def _hear(self, place: _Place) -> None:
        assert place.line is not None
        try:
            data = place.line.recv(1 << 16)
        except OSError:
            data = b""
        if not data:
            self._selector.unregister(place.line)
            place.line.close()
            place.line = None
            return
        *lines, place.rest = (place.rest + data).split(b"\n")
        for line in lines:
            told = msgspec.json.decode(line, type=Told)
            place.ready, place.fault = told.ready is not None, told.fault

    def _pass_on(self) -> None:
        said = msgspec.json.encode(Heard(self._duty)) + b"\n"
        for place in self._places:
            if place.line is not None:
                with contextlib.suppress(OSError):  # it has ended; the next one begins with this duty
                    place.line.sendall(said)

    def _ended(self, place: _Place, now: float) -> None:
        assert place.process is not None
        code, was_ready, lived = place.process.returncode, place.ready, now - place.begun
        if place.line is not None:
            self._hear(place)  # what it said last
        if place.line is not None:
            self._selector.unregister(place.line)
            place.line.close()
        place.process, place.line, place.ready = None, None, False
        if self._stopping:
            return
        place.wait = SOONEST if was_ready and lived >= STEADY else min(LATEST, place.wait * 2)
        place.due = now + place.wait
        if was_ready:
            place.fault = None
        self._events.say("a worker ended", "error", worker=place.number, status=code, starts_again_in=round(place.wait, 2))

    def _folded(self, done: Folded | str | None) -> None:
        if done is None:
            return
        counters = self._counters
        failing = isinstance(done, str)
        counters.put(counters.place("keepfit_fold_failing"), int(failing))
        if isinstance(done, str):
            if done != self._complained:
                self._events.say("segments cannot be folded", "error", error=done)
            self._complained = done
            return
        self._complained = ""
        counters.add(counters.place("keepfit_folds_total"), done.segments)
        counters.add(counters.place("keepfit_repeated_predictions_total"), done.repeated)
        counters.add(counters.place("keepfit_disagreeing_predictions_total"), done.disagreed)

    def _end(self) -> None:
        self._events.say("stopping")
        self._stopping = True
        for place in self._places:
            if place.process is not None and place.process.poll() is None:
                place.process.terminate()
        until = time.monotonic() + GRACE + 5
        for place in self._places:
            if place.process is not None:
                try:
                    place.process.wait(max(0.1, until - time.monotonic()))
                except subprocess.TimeoutExpired:
                    place.process.kill()
                    place.process.wait()
            if place.line is not None:
                place.line.close()
        if self._folding is not None:
            self._folding.stop()
        self._selector.close()
        self._events.say("stopped")


def _as_error(fault: dict[str, str]) -> errors.KeepfitError:
    """A worker's error, as one of this process."""
    kinds = {one.code: one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.KeepfitError)}
    kind = kinds.get(fault["code"], errors.ServerFailed)
    return kind(fault["message"], at=fault["at"], fix=fault["fix"])
