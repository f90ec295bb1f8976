"""A duty: what a server is told to do, by the ledger and by its settings, in a form that crosses from process to process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from keepfit.serving.platform import Platform

__all__ = ["Duty", "Limits", "Orders"]


class Duty(msgspec.Struct, frozen=True):
    """Which release has which role, and which keys are in force: the hash of each, with its scopes. It changes while a server runs.

    `guarded`: there is or was a key, so that without one nothing is opened, also when all of them are revoked.
    """

    champion: str | None = None
    canary: str | None = None
    share: float = 0.0
    shadow: str | None = None
    keys: Sequence[tuple[str, tuple[str, ...]]] = ()
    guarded: bool = False


class Limits(msgspec.Struct, frozen=True):
    """What a worker bears; the meanings are those of `[serve]`. `timeout` is in seconds."""

    most_rows: int = 10_000
    most_bytes: int = 6_291_456
    timeout: float = 30.0
    rate: int = 0
    concurrency: int = 1000
    connections: int = 20_000


class Orders(msgspec.Struct, frozen=True):
    """What a worker is told when it starts.

    Parameters
    ----------
    releases : the folder in which the releases of a duty lie
    code : where the modules of the owner may lie; None runs no code of the owner's
    segments : where answers and labels are kept, when they are kept in segments
    subjects : the key of the subjects' tokens
    open : predict and health answer without a key, and what else there is only with one
    platform : the cloud whose container this is
    worker, workers : its number from 0 and how many there are
    """

    project: str
    releases: str
    log: Literal["segments", "stdout", "none"] = "none"
    code: str | None = None
    segments: str | None = None
    subjects: bytes | None = None
    simulated: bool = False
    durability: Literal["process", "disk"] = "process"
    on_log_failure: Literal["refuse", "serve"] = "refuse"
    sample: float = 1.0
    limits: Limits = Limits()
    open: bool = False
    platform: Platform | None = None
    traces: bool = False
    access: bool = False
    certificate: str | None = None
    private_key: str | None = None
    worker: int = 0
    workers: int = 1
    quiet: bool = False
