"""`keepfit check`."""

from __future__ import annotations

import json

import click

from keepfit.commands.shared import Given, emit, options
from keepfit.spec.json_schema import json_schema

__all__ = ["command"]


@click.command("check", epilog="Example: keepfit check && git commit")
@click.option("--json-schema", "as_schema", is_flag=True, help="Print the JSON Schema of a project file, for editors; needs no project.")
@options
def command(given: Given, as_schema: bool) -> None:
    """Say whether the project file holds, without reading the data. All faults are reported at once."""
    if as_schema:
        click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
        return
    ws = given.workspace()
    ws.check()
    emit(given, {"project": ws.project, "ok": True}, lambda: f"keepfit.toml of {ws.project} holds. Next: keepfit run")
