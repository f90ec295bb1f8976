"""Access: keys are created and revoked, on record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from keepfit import errors
from keepfit.access import SCOPES, ApiKey, Scope, hash_of, keys, new_secret
from keepfit.workspace import Workspace

__all__ = ["create", "known_keys", "revoke"]


def known_keys(ws: Workspace) -> list[ApiKey]:
    """Every key that was ever created, oldest first."""
    return keys(ws.ledger.entries(kind="key"))


def create(ws: Workspace, scopes: Sequence[Scope], *, name: str, now: datetime) -> tuple[ApiKey, str]:
    """Create a key; give what is known of it, and its text, which is not kept.

    Raises
    ------
    BadArgument
        The name is empty, too long or unprintable.
    """
    if not 0 < len(name) <= 100 or not name.isprintable():
        raise errors.BadArgument("a key's name has 1 to 100 printable characters", at="--name", fix="say who uses it, as in --name billing")
    secret = new_secret()
    hashed = hash_of(secret)
    # Every secret is a cause of its own, so two creations at once make two keys; the place in the chain numbers them.
    number = len(known_keys(ws)) + 1
    body = {"does": "create", "id": f"k{number}-{hashed[:6]}", "name": name, "hash": hashed, "scopes": [s for s in SCOPES if s in scopes]}
    entry = ws.append("key", ["create", hashed], body, at=now)
    return next(key for key in keys([entry])), secret


def revoke(ws: Workspace, id: str, *, now: datetime) -> ApiKey:  # noqa: A002 - the key's own word
    """Revoke a key; servers refuse it within two seconds. One that is revoked already stays so.

    Raises
    ------
    NothingThere
        There is no key of this id.
    """
    known = {key.id: key for key in known_keys(ws)}
    if id not in known:
        raise errors.NothingThere(f"there is no key '{id}'", at=id, fix=errors.near_match(id, known))
    if known[id].revoked_at is None:
        ws.append("key", ["revoke", id], {"does": "revoke", "id": id}, at=now)
    return next(key for key in known_keys(ws) if key.id == id)
