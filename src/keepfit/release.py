"""A release: what is served, immutable; and the roles that releases hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Literal, TypeAlias

from keepfit.calibration import Calibration
from keepfit.ledger import Entry
from keepfit.schema import Column

__all__ = ["Release", "Role", "Roles", "Sample", "roles"]

#: `canary` answers a share of the requests, `shadow` is asked beside and never heard; `none` takes a role away.
Role: TypeAlias = Literal["champion", "canary", "shadow", "none"]


@dataclass(frozen=True, slots=True)
class Release:
    """`release.json`, the first file of a release folder: all that a server must know.

    `columns` are those a request may carry, `inputs` those the model uses; `key` and `time` name a row.
    `files` digests every other file of the folder. `difference` is how far the predictor's outputs lay
    from the evaluated ones.
    """

    record: ClassVar[str] = "release"
    version: ClassVar[int] = 1

    id: str
    project: str
    statement: str
    candidate: str
    task: str
    target: str
    classes: tuple[bool | int | float | str, ...]
    threshold: float
    columns: tuple[Column, ...]
    inputs: tuple[str, ...]
    key: tuple[str, ...]
    time: str | None
    predictor: str
    difference: float
    made_at: datetime
    files: Mapping[str, str]
    calibration: Calibration | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows with the outputs they must give: a release that answers otherwise never takes traffic."""

    record: ClassVar[str] = "sample"
    version: ClassVar[int] = 1

    rows: tuple[Mapping[str, Any], ...]
    outputs: tuple[Mapping[str, float], ...]


@dataclass(frozen=True, slots=True)
class Roles:
    """Which release holds which role now; a release holds one role at most.

    `previous` is the last champion that is not champion now.
    """

    champion: str | None = None
    canary: str | None = None
    #: The share of the requests that the canary answers, in (0, 1); 0 while there is no canary.
    share: float = 0.0
    shadow: str | None = None
    previous: str | None = None
    since: datetime | None = None
    #: Where in the chain the champion took the role; of a champion that lost it, where it did.
    seq: int = 0


def roles(entries: Iterable[Entry]) -> Roles:
    """The roles after the ledger's entries of kind `release`.

    A body names the `release` and its new `role`, of a canary its `share` too. Who takes a role loses the one it
    held, and whoever held the new one holds none.
    """
    now, crowned = Roles(), list[str]()
    for entry in entries:
        name, role = entry.body["release"], entry.body["role"]
        if role == "champion" and now.champion == name:
            continue
        now = _without(now, name, entry)
        if role == "champion":
            crowned.append(name)
            now = replace(now, champion=name, since=entry.at, seq=entry.seq)
        elif role == "canary":
            now = replace(now, canary=name, share=float(entry.body["share"]))
        elif role == "shadow":
            now = replace(now, shadow=name)
    return replace(now, previous=next((name for name in reversed(crowned) if name != now.champion), None))


def _without(now: Roles, name: str, entry: Entry) -> Roles:
    if now.champion == name:
        now = replace(now, champion=None, since=None, seq=entry.seq)
    if now.canary == name:
        now = replace(now, canary=None, share=0.0)
    return replace(now, shadow=None) if now.shadow == name else now
