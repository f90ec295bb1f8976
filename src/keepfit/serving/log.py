"""The prediction log as one process writes it: what was answered, before it leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from keepfit.stores.segments import SegmentWriter

__all__ = ["Line", "Log", "NoLog", "SegmentLog", "payload"]


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
    record: str = "prediction"
    version: int = 1


_encode = msgspec.json.Encoder().encode
_HEAD = b'{"record":"prediction","version":1,'


def payload(line: Line) -> bytes:
    """A line as a segment holds it: the JSON form of a prediction."""
    return _HEAD + _encode(line)[1:]


class Log(Protocol):
    """Where predictions and labels are kept."""

    #: `none`, `stdout` or `segments`, as readiness says it.
    name: str

    def predictions(self, lines: Sequence[bytes]) -> None:
        """Keep predictions, all or none.

        Raises
        ------
        CannotWrite
            They cannot be kept, so they must not be answered.
        """
        ...

    def labels(self, lines: Sequence[bytes]) -> None:
        """Keep labels, all or none; raises as `predictions` does."""
        ...

    def close(self) -> None:
        """Seal what is kept."""
        ...


class NoLog:
    """Keeps no predictions, and cannot take labels."""

    name = "none"

    def predictions(self, lines: Sequence[bytes]) -> None:
        return None

    def labels(self, lines: Sequence[bytes]) -> None:
        return None

    def close(self) -> None:
        return None


class SegmentLog:
    """Keeps predictions and labels in this process's own segments."""

    name = "segments"

    def __init__(self, predictions: SegmentWriter, labels: SegmentWriter) -> None:
        self._predictions, self._labels = predictions, labels
        self.predictions, self.labels = predictions.append, labels.append

    def close(self) -> None:
        for writer in (self._predictions, self._labels):
            writer.close()
