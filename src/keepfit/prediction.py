"""A prediction: one served answer, kept before it leaves."""

from __future__ import annotations

import hashlib
import hmac
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Literal, TypeAlias

__all__ = ["Prediction", "Via", "new_id", "subject_token"]

Via: TypeAlias = Literal["online", "batch", "replay"]


@dataclass(frozen=True, slots=True)
class Prediction:
    """One answer with everything that monitoring, explanation and audit need.

    `at` is when it was answered, `time` the row's own time, `key` the canonical JSON of the row's key. `inputs` are the raw
    columns as the request gave them, before the feature plan. `private` holds protected columns, which are
    never inputs; the fold keeps them in a file of their own. `sampling` is the probability with which a row
    like this one is logged.
    """

    record: ClassVar[str] = "prediction"
    version: ClassVar[int] = 1

    id: str
    at: datetime
    project: str
    release: str
    role: Literal["champion", "canary", "shadow"]
    via: Via
    time: datetime | None
    key: str | None
    subject: str | None
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    decision: bool | int | str | float | None
    warnings: tuple[str, ...] = ()
    latency_us: int | None = None
    private: Mapping[str, Any] = field(default_factory=dict)
    measures: Mapping[str, float] = field(default_factory=dict)
    sampling: float = 1.0
    parent: str | None = None
    steps: tuple[Mapping[str, Any], ...] = ()


class _Ids:
    """Makes ids one after another; in a process, so that it draws random bytes for many at once."""

    def __init__(self) -> None:
        self._forget()
        os.register_at_fork(after_in_child=self._forget)  # or parent and child would make the same ids

    def _forget(self) -> None:
        self._drawn, self._next, self._latest = b"", 0, 0

    def new(self) -> str:
        if self._next >= len(self._drawn):
            self._drawn, self._next = os.urandom(4000), 0
        random = self._drawn[self._next : self._next + 10].hex()
        self._next += 10
        # A clock that jumps back does not make ids that sort before earlier ones.
        self._latest = milliseconds = max(self._latest, time.time_ns() // 1_000_000)
        head = f"{milliseconds:012x}"
        return f"{head[:8]}-{head[8:]}-7{random[:3]}-{_VARIANT[random[3]]}{random[4:7]}-{random[7:19]}"


#: The two high bits of this digit say which kind of UUID it is.
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
_ids = _Ids()


def new_id() -> str:
    """A UUID of version 7: sortable by the millisecond of its making (RFC 9562, section 5.7)."""
    return _ids.new()


def subject_token(secret: bytes, value: str) -> str:
    """The token that stands for a subject wherever rows are stored."""
    return hmac.new(secret, value.encode(), hashlib.sha256).hexdigest()[:32]
