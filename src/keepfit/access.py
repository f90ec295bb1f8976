"""Access: API keys, what each may be used for, and whether a request's key opens a route.

A key is random and is shown once; the ledger holds its SHA-256. It needs no slower hash: there is nothing in it to guess.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal, TypeAlias, get_args

from keepfit.ledger import Entry

__all__ = ["SCOPES", "ApiKey", "Scope", "allows", "hash_of", "keys", "new_secret"]

#: What a key may be used for; `admin` is all of it.
Scope: TypeAlias = Literal["predict", "label", "explain", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as the ledger knows it: `hash` is the hexadecimal SHA-256 of its text; revoked ones open nothing."""

    record: ClassVar[str] = "api-key"
    version: ClassVar[int] = 1

    id: str
    name: str
    hash: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    by: str
    revoked_at: datetime | None = None


def new_secret() -> str:
    """The text of a new key: 256 random bits.

    >>> new_secret()[:3], len(new_secret())
    ('kf_', 46)
    """
    return f"kf_{secrets.token_urlsafe(32)}"


def hash_of(secret: str) -> str:
    """What is stored of a key."""
    return hashlib.sha256(secret.encode()).hexdigest()


def keys(entries: Iterable[Entry]) -> list[ApiKey]:
    """The keys after the ledger's entries of kind `key`, oldest first: a body says which key was `created` or `revoked`."""
    found: dict[str, ApiKey] = {}
    for entry in entries:
        body = entry.body
        if body["does"] == "create":
            found[body["id"]] = ApiKey(body["id"], body["name"], body["hash"], tuple(body["scopes"]), entry.at, entry.actor)
        elif (known := found.get(body["id"])) is not None:
            found[body["id"]] = ApiKey(known.id, known.name, known.hash, known.scopes, known.created_at, known.by, entry.at)
    return list(found.values())


def allows(secret: str, known: Sequence[tuple[str, Sequence[str]]], scope: Scope) -> bool | None:
    """Whether a key opens what needs a scope; None when it is not known.

    Parameters
    ----------
    known : the hash of every key that is in force, with its scopes. Each is compared in full, so that the time taken tells nothing
    """
    digest, opens = hash_of(secret), None
    for stored, scopes in known:
        if hmac.compare_digest(stored, digest):
            opens = scope in scopes or "admin" in scopes
    return opens
