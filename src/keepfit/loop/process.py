"""The loop as a process: a turn as often as one is due, each in a process of its own, until told to stop.

A turn that crashes, leaks or never comes back ends with its process; the ledger knows how far it came.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from keepfit.instant import Duration

__all__ = ["Stop", "Turned", "keep_turning"]


@dataclass(frozen=True, slots=True)
class Turned:
    """How the process of one turn ended: its record, or the error that it told; None where it said nothing."""

    exit_code: int
    record: dict[str, Any] | None
    error: dict[str, Any] | None

    @property
    def did_something(self) -> bool:
        return self.record is not None and self.record["action"]["kind"] not in {"nothing", "ask"}


@dataclass(slots=True)
class Stop:
    """Whether the loop was told to stop: by SIGTERM or SIGINT, while it stands in a `with`."""

    told: threading.Event = field(default_factory=threading.Event)
    _before: dict[int, Any] = field(default_factory=dict)

    def __enter__(self) -> Stop:
        for number in (signal.SIGTERM, signal.SIGINT):
            self._before[number] = signal.signal(number, self._tell)
        return self

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def at_end_of_input(self) -> None:
        """Stop as well when standard input ends: when the process that started this one is gone, however it ended."""

        def wait() -> None:
            while os.read(sys.stdin.fileno(), 4096):
                pass
            self.told.set()

        threading.Thread(target=wait, daemon=True).start()

    def _tell(self, number: int, frame: FrameType | None) -> None:
        if self.told.is_set():  # told twice: at once
            raise KeyboardInterrupt
        self.told.set()


def keep_turning(
    options: Sequence[str], *, every: Duration, longest: Duration, stop: Stop, turned: Callable[[Turned], None], once: bool = False
) -> None:
    """Turn until nothing is due, wait, and begin again; when told to stop, end after the turn that is under way.

    Parameters
    ----------
    options : what names the project on a command line
    every : how long to wait between two looks
    longest : how long one turn may take before its process is ended
    turned : called after each turn
    once : come back at the first time that nothing is due
    """
    while not stop.told.is_set():
        begun = time.monotonic()
        while not stop.told.is_set():
            done = _turn(options, longest)
            turned(done)
            if not done.did_something:
                break
        if once:
            return
        stop.told.wait(max(0.0, every.microseconds / 1e6 - (time.monotonic() - begun)))


def _turn(options: Sequence[str], longest: Duration) -> Turned:
    """One turn in a process of its own, which no signal to this one's terminal reaches."""
    command = [sys.executable, "-m", "keepfit", "turn", *options, "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            said, _ = process.communicate(timeout=longest.microseconds / 1e6)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return Turned(-signal.SIGKILL, None, {"code": "KF511", "message": f"a turn took longer than {longest} and was ended"})
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return _read(process.returncode, said)


def _read(exit_code: int, said: str) -> Turned:
    try:
        form = json.loads(said)
    except ValueError:
        return Turned(exit_code, None, None)
    return Turned(exit_code, None, form["error"]) if "error" in form else Turned(exit_code, form, None)
