"""A release: what is served, immutable; and the roles that releases hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal, TypeAlias

from keepfit.calibration import Calibration
from keepfit.ledger import Entry
from keepfit.schema import Column

__all__ = ["Release", "Role", "Roles", "Sample", "roles"]

Role: TypeAlias = Literal["champion", "shadow", "none"]


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
    """Which release holds which role now, and which was champion before."""

    champion: str | None = None
    shadow: str | None = None
    previous: str | None = None
    since: datetime | None = None
    #: Where in the chain the champion took the role.
    seq: int = 0


def roles(entries: Iterable[Entry]) -> Roles:
    """The roles after the ledger's entries of kind `release`."""
    now = Roles()
    for entry in entries:
        name, role = entry.body["release"], entry.body["role"]
        shadow = None if now.shadow == name else now.shadow
        if role == "champion":
            now = Roles(name, shadow, now.champion, entry.at, entry.seq)
        else:
            now = Roles(now.champion, name if role == "shadow" else shadow, now.previous, now.since, now.seq)
    return now
