"""`keepfit key create`, `keepfit key list`, `keepfit key revoke`."""

from __future__ import annotations

from typing import Any

import click

from keepfit import record
from keepfit.access import SCOPES, ApiKey, Scope
from keepfit.commands.shared import Given, emit, options
from keepfit.loop.access import create, known_keys, revoke

__all__ = ["command"]


@click.group("key")
def command() -> None:
    """Make, list and revoke the API keys of the server."""


@command.command("create", epilog="Example: keepfit key create --scope predict --scope label --name billing")
@click.option(
    "--scope", "scopes", type=click.Choice(SCOPES), multiple=True, required=True, help="What it may be used for; several may be given."
)
@click.option("--name", default="unnamed", show_default=True, help="Who uses it.")
@options
def create_(given: Given, scopes: tuple[Scope, ...], name: str) -> None:
    """Create a key and print it, once. From the first key on, a server asks for one."""
    key, secret = create(given.workspace(), scopes, name=name, now=given.now)
    told = f"{secret}\n\n{key.id} ({name}) opens {', '.join(key.scopes)}. It is shown once; send it as: Authorization: Bearer kf_…"
    emit(given, {**record.to_json(key), "secret": secret}, lambda: secret if given.quiet else told)


@command.command("list", epilog="Example: keepfit key list")
@options
def list_(given: Given) -> None:
    """List the keys: what they may be used for, by whom they were made, and whether they are revoked."""
    found = known_keys(given.workspace())
    emit(given, [record.to_json(key) for key in found], lambda: "\n".join(map(_line, found)) or "There is no key.")


@command.command("revoke", epilog="Example: keepfit key revoke k1-0a1b2c")
@click.argument("id")
@options
def revoke_(given: Given, **arguments: Any) -> None:
    """Revoke the key ID. Running servers refuse it within two seconds, on open connections too."""
    key = revoke(given.workspace(), arguments["id"], now=given.now)
    emit(given, key, lambda: f"{key.id} ({key.name}) opens nothing any more.")


def _line(key: ApiKey) -> str:
    state = f"revoked {key.revoked_at:%Y-%m-%d %H:%M}" if key.revoked_at else "in force"
    return f"{key.id:<12} {', '.join(key.scopes):<24} {state:<26} {key.name} (by {key.by}, {key.created_at:%Y-%m-%d})"
