"""Alerts: what people are told of, each once; and which of them are due for one target."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, ClassVar, Literal, Protocol, TypeAlias
from zoneinfo import ZoneInfo

from keepfit.instant import Duration
from keepfit.ledger import Entry
from keepfit.signal import Severity

__all__ = ["Alert", "Batch", "Channel", "Delivery", "Hours", "Message", "alerts", "deliveries", "due", "noted"]

Kind: TypeAlias = Literal["opened", "escalated", "resolved", "promoted", "rolled back", "approval wanted"]

#: A target that is new to a project is not told of what is older.
FRESH = timedelta(days=1)
#: How long a delivery waits after its first failure, then twice as long each time, up to the most.
FIRST_WAIT, MOST_WAIT = timedelta(minutes=1), timedelta(hours=6)
#: A delivery without an end is taken for lost after so long: its process ended.
LOST = timedelta(minutes=5)

_ORDER: tuple[Severity, ...] = ("info", "warning", "critical")


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing that people are told of: an entry of the ledger, by its place."""

    record: ClassVar[str] = "alert"
    version: ClassVar[int] = 1

    seq: int
    kind: Kind
    severity: Severity
    at: datetime
    title: str
    text: str

    @property
    def urgent(self) -> bool:
        """Whether it goes out at once, whatever the hour."""
        return self.kind == "rolled back" or (self.severity == "critical" and self.kind in {"opened", "escalated"})


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one target: the alerts that are due. The same `id` again is the same message, sent again."""

    record: ClassVar[str] = "message"
    version: ClassVar[int] = 1

    id: str
    project: str
    at: datetime
    alerts: tuple[Alert, ...]

    @property
    def title(self) -> str:
        first = max(self.alerts, key=lambda alert: _ORDER.index(alert.severity))
        more = f" and {len(self.alerts) - 1} more" if len(self.alerts) > 1 else ""
        return f"{self.project}: {first.title}{more}"

    @property
    def text(self) -> str:
        return "\n".join(f"{alert.at:%Y-%m-%d %H:%M} UTC  {alert.title}. {alert.text}" for alert in self.alerts)


class Channel(Protocol):
    """A way to a target. `keepfit.testing.ChannelConformance` says in tests what holds."""

    def __init__(self, target: str, secret: str | None) -> None: ...

    def send(self, message: Message) -> None:
        """Hand a message over, within seconds.

        Raises
        ------
        AlertFailed
            The target is not there, refused, or did not answer; the message names no secret.
        """
        ...


def alerts(entries: Iterable[Entry]) -> list[Alert]:
    """What the ledger's entries have to tell, in their order: one alert for each that is worth it."""
    found: list[Alert] = []
    grave: dict[int, tuple[Severity, bool]] = {}
    for entry in entries:
        body = entry.body
        if entry.kind == "incident":
            before = grave.get(body["incident"])
            grave[body["incident"]] = (body["severity"], body["breaks"])
            if (alert := _of_incident(entry, before)) is not None:
                found.append(alert)
        elif entry.kind == "release" and body["role"] == "champion" and body["was"]:
            back = body.get("rolled_back")
            title = f"rolled back to {body['release']}" if back else f"{body['release']} is champion"
            found.append(Alert(entry.seq, "rolled back" if back else "promoted", "info", entry.at, title, _said(entry)))
        elif entry.kind == "decision" and body["decision"] == "wanted":
            found.append(Alert(entry.seq, "approval wanted", "info", entry.at, f"{body['about']} waits for a person", body["because"]))
    return found


def _said(entry: Entry) -> str:
    return f"It was {entry.body['was']}: {entry.body['because']} ({entry.actor})"


def _of_incident(entry: Entry, before: tuple[Severity, bool] | None) -> Alert | None:
    body = entry.body
    whose = f" of {body['release']}" if body["release"] else ""
    name = f"incident {body['incident']}, {body['kind']}{whose}"
    if body["change"] == "closed":
        return Alert(entry.seq, "resolved", "info", entry.at, f"{name}, is resolved", body["because"])
    if body["change"] == "opened":
        return Alert(entry.seq, "opened", body["severity"], entry.at, f"{name}, opened", body["because"])
    graver = before is not None and (_ORDER.index(body["severity"]) > _ORDER.index(before[0]) or body["breaks"] > before[1])
    return Alert(entry.seq, "escalated", body["severity"], entry.at, f"{name}, is graver", body["because"]) if graver else None


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far a target was told: up to the entry `through`, or in the midst of telling it; `attempt` counts those at the same."""

    after: int
    through: int
    attempt: int
    status: Literal["sending", "delivered", "failed"]
    at: datetime
    why: str = ""


def deliveries(entries: Iterable[Entry]) -> dict[str, list[Delivery]]:
    """Every attempt to tell each target, as the ledger's entries of kind `alert` say it; the last one of each is its state."""
    found: dict[str, list[Delivery]] = {}
    for entry in entries:
        body = entry.body
        one = Delivery(body["after"], body["through"], body["attempt"], body["status"], entry.at, body["why"])
        found.setdefault(body["target"], []).append(one)
    return found


@dataclass(frozen=True, slots=True)
class Hours:
    """The quiet hours of a day, in a time zone; they may go over midnight."""

    begin: time
    end: time
    zone: str = "UTC"

    def hold(self, instant: datetime) -> bool:
        now = instant.astimezone(ZoneInfo(self.zone)).time()
        return self.begin <= now < self.end if self.begin <= self.end else now >= self.begin or now < self.end


@dataclass(frozen=True, slots=True)
class Batch:
    """What one target is told now: alerts after one entry, up to another."""

    after: int
    through: int
    attempt: int
    alerts: tuple[Alert, ...]


def due(told: Sequence[Delivery], known: Sequence[Alert], now: datetime, *, quiet: Hours | None, digest: Duration | None) -> Batch | None:
    """What a target is to be told at `now`; None while there is nothing, or it has to wait.

    What failed is tried again as it was, later each time. Urgent alerts go out at once and take the others with them;
    those wait for the end of the quiet hours, and for the time of the next digest.
    """
    last = told[-1] if told else None
    if last is not None and last.status != "delivered":
        wait = LOST if last.status == "sending" else min(FIRST_WAIT * int(2 ** min(last.attempt - 1, 20)), MOST_WAIT)
        if last.at <= now < last.at + wait:
            return None
        again = tuple(alert for alert in known if last.after < alert.seq <= last.through)
        return Batch(last.after, last.through, last.attempt + 1, again)
    after = last.through if last is not None else 0
    fresh = [alert for alert in known if alert.seq > after and (last is not None or alert.at > now - FRESH)]
    if not fresh:
        return None
    if not any(alert.urgent for alert in fresh):
        if quiet is not None and quiet.hold(now):
            return None
        if digest is not None and last is not None and last.at <= now < last.at + digest.delta:
            return None
    return Batch(after, fresh[-1].seq, 1, _merged(fresh))


def _merged(fresh: Sequence[Alert]) -> tuple[Alert, ...]:
    """What came and went before anybody was told is one alert: that it is resolved."""
    gone = {alert.title.split(",")[0] for alert in fresh if alert.kind == "resolved"}
    return tuple(alert for alert in fresh if alert.kind not in {"opened", "escalated"} or alert.title.split(",")[0] not in gone)


def noted(target: str, batch: Batch, status: str, why: str = "") -> dict[str, Any]:
    """The body of an entry about a delivery."""
    return {
        "target": target,
        "after": batch.after,
        "through": batch.through,
        "attempt": batch.attempt,
        "alerts": len(batch.alerts),
        "status": status,
        "why": why,
    }
