"""What may stand where a command asks for a candidate or a release: for the shell's completion."""

from __future__ import annotations

from pathlib import Path

import click

from keepfit.errors import KeepfitError
from keepfit.workspace import Workspace

__all__ = ["of_releases", "of_things"]

_ROLES = ("champion", "canary", "shadow", "previous")


def of_releases(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The releases of the project."""
    return _beginning(incomplete, _known(ctx, "release"))


def of_things(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Roles, releases and candidates."""
    return _beginning(incomplete, [*_ROLES, *_known(ctx, "release"), *_known(ctx, "fit")])


def _known(ctx: click.Context, kind: str) -> list[str]:
    """The names that entries of a kind give, newest first; none where the project cannot be read."""
    member = {"release": "release", "fit": "candidate"}[kind]
    try:
        ws = Workspace.find(Path(ctx.params.get("folder") or "."))
        return list(dict.fromkeys(entry.body[member] for entry in reversed(list(ws.ledger.entries(kind=kind)))))
    except KeepfitError:
        return []


def _beginning(incomplete: str, names: list[str]) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
