"""`keepfit schema`."""

from __future__ import annotations

from pathlib import Path

import click

from keepfit.commands import words
from keepfit.commands.shared import Given, emit, options
from keepfit.reports.schema import Described, Description, describe

__all__ = ["command"]

_WIDEST = 34


@click.command("schema", epilog="Example: keepfit schema --violations rows.csv")
@click.option(
    "--violations",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a line for each row that does not fit: a .csv or .parquet file.",
)
@options
def command(given: Given, violations: Path | None) -> int:
    """Show the table's columns, what changed, what does not fit, and what is suspected. Nothing is taken.

    Exit status: 1 when the table would be refused.
    """
    found = describe(given.workspace(), now=given.now, violations=violations)
    emit(given, found, lambda: told(found))
    return 1 if found.refused else 0


def told(found: Description) -> str:
    """A description for people."""
    looked = found.inspection
    taken = f"taken as entry {found.taken}" if found.taken else "would be refused" if found.refused else "not taken yet"
    lines = [f"{found.origin}: {looked.rows:,} rows, {len(found.columns)} columns; {taken}", ""]
    lines += _columns(found.columns, looked.rows - looked.aside)
    if found.dropped:
        lines += ["", f"Not taken: {', '.join(found.dropped)}"]
    if looked.changes:
        lines += ["", "Changed since the snapshot before:", *(f"  {one}" for one in looked.changes)]
    if looked.violations:
        lines += ["", "Does not fit:", *(f"  {line}" for line in words.violation_lines(looked.violations))]
    if looked.suspicions:
        lines += ["", "Suspected:", *(f"  {line}" for line in words.suspicion_lines(looked.suspicions))]
    if looked.clean:
        lines += ["", "Every row fits, and nothing is suspected."]
    return "\n".join(lines)


def _columns(columns: tuple[Described, ...], rows: int) -> list[str]:
    width = min(_WIDEST, max(len(column.name) for column in columns))
    kinds = max(len(column.kind) for column in columns)
    uses = max(len(", ".join(column.uses)) for column in columns)
    lines = []
    for column in columns:
        missing = f"{column.missing / max(1, rows):.1%} missing" if column.missing else ""
        said = f"{column.name:<{width}}  {column.kind:<{kinds}}  {', '.join(column.uses):<{uses}}  {missing:<13}  {column.says}"
        lines.append(said.rstrip())
    return lines
