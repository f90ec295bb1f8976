"""`keepfit score`."""

from __future__ import annotations

from pathlib import Path

import click

from keepfit.commands.shared import Given, emit, options, working
from keepfit.loop.score import score

__all__ = ["command"]


@click.command("score", epilog="Example: keepfit score tomorrow.parquet --output scored.csv")
@click.argument("table", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="A .csv or .parquet file (TABLE.scored.parquet by default)."
)
@click.option("--release", help="The release that scores (the champion by default).")
@click.option("--no-log", is_flag=True, help="Do not keep the predictions in the log.")
@options
def command(given: Given, table: Path, output: Path | None, release: str | None, no_log: bool) -> None:
    """Predict every row of TABLE (csv or Parquet), in batches, and keep the predictions in the log."""
    target = output or table.with_suffix(".scored.parquet")
    with working(given) as progress:
        done = score(given.workspace(), table, target, now=given.now, release=release, keep=not no_log, progress=progress)
    emit(given, done, lambda: f"Scored {done.rows:,} rows with {done.release}: {done.output}")
