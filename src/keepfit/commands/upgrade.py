"""`keepfit upgrade`."""

from __future__ import annotations

import click

from keepfit.commands.shared import Given, emit, options
from keepfit.loop.upgrade import Upgrade, upgrade

__all__ = ["command"]


@click.command("upgrade", epilog="Example: keepfit upgrade; keepfit upgrade --yes")
@click.option("-y", "--yes", is_flag=True, help="Do it, after a copy was made. Without this nothing is changed.")
@options
def command(given: Given, yes: bool) -> None:
    """Rewrite a .keepfit of an older format; first look at what that would change.

    An older format is read as it is; releases of every earlier format go on answering. Stop servers before you upgrade.
    """
    found = upgrade(given.workspace(), do=yes)
    emit(given, found, lambda: told(found))


def told(found: Upgrade) -> str:
    """An upgrade for people."""
    if found.before == found.after:
        return f".keepfit has format {found.after}, the newest: nothing to upgrade."
    lines = [f"From format {found.before} to {found.after}:"]
    lines += [f"  {change.path}: {change.says}" for change in found.changes]
    if found.done:
        lines.append(f"Done. The folder as it was: {found.backup}; delete it when all is well.")
    else:
        lines.append("Nothing was changed. Do it, after a copy is made: keepfit upgrade --yes")
    return "\n".join(lines)
