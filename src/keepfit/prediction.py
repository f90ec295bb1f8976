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


def new_id() -> str:
    """A UUID of version 7: sortable by the millisecond of its making (RFC 9562, section 5.7)."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def subject_token(secret: bytes, value: str) -> str:
    """The token that stands for a subject wherever rows are stored."""
    return hmac.new(secret, value.encode(), hashlib.sha256).hexdigest()[:32]
