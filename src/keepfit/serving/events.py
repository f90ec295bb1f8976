"""What a server tells its operator: one line for each event, JSON where no person reads along."""

from __future__ import annotations

import contextlib
import sys
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

__all__ = ["Events"]


class Events:
    """Writes events to standard error: JSON lines, and words on a terminal. Quiet ones tell of trouble only."""

    def __init__(self, *, quiet: bool = False, process: str = "server") -> None:
        self._quiet, self._process = quiet, process
        self._words = sys.stderr.isatty()

    def say(self, event: str, level: Literal["info", "warning", "error"] = "info", **details: Any) -> None:
        """Tell of one event; details are ids, counts and messages, never a value from a row."""
        if self._quiet and level == "info":
            return
        if self._words:
            line = f"{self._process}: {event}" + "".join(f"  {name}={value}" for name, value in details.items())
        else:
            at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
            line = msgspec.json.encode({"at": at, "level": level, "process": self._process, "event": event, **details}).decode()
        with contextlib.suppress(OSError, ValueError):  # nobody listens any more
            sys.stderr.write(line + "\n")
            sys.stderr.flush()
