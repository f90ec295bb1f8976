"""`keepfit check`."""

from __future__ import annotations

import click

from keepfit.commands.shared import Given, emit, options

__all__ = ["command"]


@click.command("check", epilog="Example: keepfit check && git commit")
@options
def command(given: Given) -> None:
    """Say whether the project file holds, without reading the data. All faults are reported at once."""
    ws = given.workspace()
    ws.check()
    emit(given, {"project": ws.project, "ok": True}, lambda: f"keepfit.toml of {ws.project} holds. Next: keepfit run")
