"""`keepfit ledger`."""

from __future__ import annotations

from pathlib import Path

import click

from keepfit import files, record
from keepfit.chain import Verification
from keepfit.commands.shared import Given, emit, options
from keepfit.export import export
from keepfit.loop.verify import verify as check

__all__ = ["command"]


@click.group("ledger")
def command() -> None:
    """Verify or export the chain of entries."""


@command.command("verify", epilog="Example: keepfit ledger verify")
@options
def verify(given: Given) -> int:
    """Find every entry that was altered, removed or moved, a chain that was cut off, and artifacts that changed.

    Exit status: 0 the chain is whole, 1 something was found.
    """
    found = check(given.workspace())
    emit(given, found, lambda: told(found))
    return 0 if found.whole else 1


def told(found: Verification) -> str:
    """A verification for people."""
    looked_at = f"{found.entries} entries, {found.artifacts} stored files"
    if found.whole:
        return f"The chain of {found.project} is whole: {looked_at}, head {found.head.hash[:12]}."
    lines = [f"{len(found.findings)} findings in the chain of {found.project} ({looked_at}):"]
    lines += [f"  entry {finding.seq:>5}  {finding.kind.replace('_', ' '):<17} {finding.explanation}" for finding in found.findings]
    return "\n".join(lines)


@command.command("export", epilog="Example: keepfit ledger export chain.jsonl; python verify_ledger.py chain.jsonl")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@options
def write(given: Given, file: Path) -> None:
    """Write the chain to FILE, from which a script without keepfit can verify it."""
    ws = given.workspace()
    lines: list[str] = []
    header = export(ws.ledger, lines.append, ws.artifacts.path)
    files.write_whole(file, "".join(line if line.endswith("\n") else line + "\n" for line in lines).encode())
    emit(given, record.to_json(header), lambda: f"Wrote {header.head.seq} entries to {file}.")
