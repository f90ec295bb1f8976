"""An action of the loop: the one thing that is due; and the attempts at it that the ledger holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal, TypeAlias

from keepfit import digest
from keepfit.instant import parse
from keepfit.ledger import Entry
from keepfit.window import Interval

__all__ = ["Action", "Attempt", "Kind", "Status", "attempts", "cause", "retry_after"]

Kind: TypeAlias = Literal["nothing", "watch", "refit", "compare", "test", "advance", "drop", "promote", "rollback", "ask"]
Status: TypeAlias = Literal["started", "done", "failed", "abandoned"]

#: How long the loop waits after the first failed attempt; after each further one four times as long.
FIRST_WAIT = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Action:
    """The one thing that is due, and why: about a window, a release, an incident, or a stage, counted from 0."""

    record: ClassVar[str] = "action"
    version: ClassVar[int] = 1

    kind: Kind
    because: str
    window: Interval | None = None
    release: str | None = None
    incident: int | None = None
    stage: int | None = None


def cause(action: Action, policy: str) -> str:
    """Names what an action is done for; the same under the same policy is done once.

    >>> cause(Action("nothing", "a"), "") == cause(Action("nothing", "b"), "")
    True
    """
    window = action.window.name if action.window else None
    return digest.of_value([action.kind, window, action.release, action.incident, action.stage, policy])


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at an action: two entries, started and ended.

    `token` counts all attempts of the project; who holds the newest may write, an earlier one is refused.
    `until` is the wall clock's instant after which whoever comes next may take the attempt for abandoned.
    `begun` and `ended` are instants of the loop's own clock, `recorded` the wall clock's at the start; `seqs` the places of the entries.
    """

    kind: Kind
    cause: str
    token: int
    window: Interval | None
    release: str | None
    status: Status
    why: str
    holder: str
    begun: datetime
    recorded: datetime
    until: datetime
    seqs: tuple[int, int | None]
    ended: datetime | None = None
    seconds: float = 0.0
    incident: int | None = None


def attempts(entries: Iterable[Entry]) -> list[Attempt]:
    """The attempts that the ledger's entries of kind `action` tell of, oldest first."""
    found: dict[int, Attempt] = {}
    for entry in entries:
        body = entry.body
        if body["status"] == "started":
            found[body["token"]] = _started(entry)
        elif (begun := found.get(body["token"])) is not None:
            found[body["token"]] = _ended(begun, entry)
    return list(found.values())


def _started(entry: Entry) -> Attempt:
    body = entry.body
    return Attempt(
        kind=body["kind"],
        cause=body["cause"],
        token=body["token"],
        window=_interval(body["window"]),
        release=body["release"],
        status="started",
        why=body["why"],
        holder=body["holder"],
        begun=entry.at,
        recorded=entry.recorded_at,
        until=parse(body["until"]),
        seqs=(entry.seq, None),
        incident=body["incident"],
    )


def _ended(begun: Attempt, entry: Entry) -> Attempt:
    body = entry.body
    seconds = body.get("seconds", 0.0)
    return replace(begun, status=body["status"], why=body["why"], seqs=(begun.seqs[0], entry.seq), ended=entry.at, seconds=seconds)


def _interval(body: Mapping[str, Any] | None) -> Interval | None:
    return Interval(parse(body["begin"]), parse(body["end"])) if body else None


def retry_after(failed: list[Attempt]) -> datetime | None:
    """When an action may be tried again that failed so many times in a row; None for at once.

    A process that ended before its first attempt did says nothing about the action, so that one is made up for at once.
    """
    if not failed or failed[-1].ended is None:
        return None
    if len(failed) == 1 and failed[0].status == "abandoned":
        return None
    return failed[-1].ended + FIRST_WAIT * int(4 ** (min(len(failed), 6) - 1))
