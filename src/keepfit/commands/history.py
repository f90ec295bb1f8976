"""`keepfit history`."""

from __future__ import annotations

from typing import Any

import click

from keepfit import record
from keepfit.commands.shared import Given, emit, options
from keepfit.ledger import Entry

__all__ = ["command"]

KINDS = (
    "snapshot",
    "fit",
    "verdict",
    "release",
    "watch",
    "estimate",
    "suggestion",
    "incident",
    "action",
    "stage",
    "decision",
    "alert",
    "key",
    "gc",
)


@click.command("history", epilog="Example: keepfit history --last 20")
@click.option("--last", default=0, metavar="N", type=click.IntRange(min=0), help="Only the newest N entries.")
@click.option("--kind", type=click.Choice(KINDS), help="Only entries of one kind.")
@options
def command(given: Given, last: int, kind: str | None) -> None:
    """What happened, newest last: every entry of the ledger in one line."""
    ws = given.workspace()
    entries = list(ws.ledger.entries(kind=kind))[-last:]
    emit(given, [record.to_json(entry) for entry in entries], lambda: "\n".join(map(_line, entries)) or "Nothing has happened yet.")


def _line(entry: Entry) -> str:
    return f"{entry.seq:>4}  {entry.at:%Y-%m-%d %H:%M}  {entry.kind:<9} {says(entry.kind, entry.body)}"


def says(kind: str, body: Any) -> str:
    """An entry's body in a few words."""
    if kind == "snapshot":
        return f"{body['rows']:,} rows of {body['origin']}, {body['known']:,} with a known target, {body['new_parts']} new parts"
    if kind == "fit":
        return f"{body['candidate']}: {body['estimator']} on {body['rows']:,} rows"
    if kind == "verdict":
        against = f" against {body['champion']}" if body["champion"] else ""
        return f"{body['candidate']}{against}: {body['status']}"
    if kind == "release":
        return f"{body['release']} ({body['candidate']}) is {body['role']}: {body['because']}"
    if kind == "estimate":
        return f"{body['begin'][:10]} to {body['end'][:10]}, {body['release']}: {body['predictions']:,} predictions, before labels"
    if kind == "suggestion":
        return f"{body['begin'][:10]} to {body['end'][:10]}, {body['release']}: {body['asked']:,} of {body['rows']:,} answers to label"
    if kind == "watch":
        return (
            f"{body['begin'][:10]} to {body['end'][:10]}, {body['release']}: {body['predictions']:,} predictions, {body['labels']:,} labels"
        )
    if kind == "action":
        return f"{body['kind']} {body['status']}" + (f": {body['why']}" if body["why"] else "")
    if kind == "key":
        return f"{body['id']} was {'created for ' + ', '.join(body['scopes']) if body['does'] == 'create' else 'revoked'}"
    if kind == "incident":
        whose = f" of {body['release']}" if body["release"] else ""
        return f"{body['incident']} {body['change']}: {body['kind']}{whose}, {body['because']}"
    if kind == "alert":
        return f"{body['alerts']} to {body['target']}: {body['status']} {body['why']}".rstrip()
    if kind == "stage":
        return f"{body['release']}, stage {body['stage'] + 1}: {body['says']}, {body['because']}"
    if kind == "decision":
        return f"{body['decision']} {body['about']}: {body['because']}".replace(" :", ":")
    if kind == "gc":
        models = f", the models of {', '.join(body['candidates'])}" if body.get("candidates") else ""
        return f"removed {body.get('files', len(body['removed'])):,} files{models}"
    return ", ".join(f"{name} {value}" for name, value in sorted(body.items()) if isinstance(value, (str, int, float)))
