"""`keepfit score`."""

from __future__ import annotations

from pathlib import Path

import click

from keepfit import errors
from keepfit.commands.shared import Given, emit, options, working
from keepfit.loop.score import Target, score
from keepfit.source import There, from_here
from keepfit.spec.load import literal_password
from keepfit.workspace import open_source

__all__ = ["command"]


@click.command("score", epilog="Example: keepfit score tomorrow.parquet --output scored.csv")
@click.argument("table")
@click.option("-o", "--output", help="A .csv or .parquet file (TABLE.scored.parquet by default), or a database's URL.")
@click.option("--into", help="The table of the database that is written.")
@click.option("--append", "there", flag_value="append", help="Put the rows beside those that the database's table has.")
@click.option("--replace", "there", flag_value="replace", help="Put the rows in place of the database's table.")
@click.option("--from", "from_table", help="Where TABLE is a database's URL: the table to read.")
@click.option("--query", help="Where TABLE is a database's URL: what to ask it.")
@click.option("--release", help="The release that scores (the champion by default).")
@click.option("--no-log", is_flag=True, help="Do not keep the predictions in the log.")
@options
def command(
    given: Given,
    table: str,
    output: str | None,
    into: str | None,
    there: There | None,
    from_table: str | None,
    query: str | None,
    release: str | None,
    no_log: bool,
) -> None:
    """Predict every row of TABLE, in batches, and keep the predictions in the log.

    TABLE is a file, a folder or a pattern, a database's URL, or module:function.
    """
    ws = given.workspace()
    _refuse_passwords(table, output)
    target = Target(_output(table, output), into, there or "refuse")
    with ws.concealing(table), working(given) as progress:
        source = open_source(from_here(table), folder=ws.folder, at="TABLE", table=from_table, query=query, missing=ws.spec.data.missing)
        done = score(ws, source, target, now=given.now, release=release, keep=not no_log, progress=progress)
    emit(given, done, lambda: f"Scored {done.rows:,} rows with {done.release}: {done.output}")


def _refuse_passwords(*urls: str | None) -> None:
    if any(url and literal_password(url) for url in urls):
        fix = "write ${NAME} in its place, in quotes, and set NAME in the environment"
        raise errors.LiteralPassword("the URL holds a password", at="the command line", fix=fix)


def _output(table: str, output: str | None) -> str:
    if output is not None:
        return output if "://" in output else str(Path(output).absolute())
    path = Path(table)
    if "://" in table or ":" in table or not path.suffix or set(table) & set("*?["):
        raise errors.BadArgument("there is no name to give the scores", at="--output", fix="name one: --output scored.parquet")
    return str(path.absolute().with_suffix(".scored.parquet"))
