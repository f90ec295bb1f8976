"""`keepfit compare`."""

from __future__ import annotations

import click

from keepfit.commands import names
from keepfit.commands.report import check, write
from keepfit.commands.shared import Given, emit, options, working
from keepfit.loop.compare import compare
from keepfit.reports.compare import page
from keepfit.reports.render import Document

__all__ = ["command"]


@click.command("compare", epilog="Example: keepfit compare r1 c4")
@click.argument("first", shell_complete=names.of_things)
@click.argument("second", shell_complete=names.of_things)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Where to write it: a .html or .md file, or - for standard output (reports/SECOND-against-FIRST.html by default).",
)
@click.option("--markdown", "as_markdown", is_flag=True, help="Write Markdown instead of HTML.")
@click.option("--open", "opened", is_flag=True, help="Show the page in a browser.")
@options
def command(given: Given, first: str, second: str, output: str | None, as_markdown: bool, opened: bool) -> None:
    """Two candidates (c1) or releases (r1) on the same rows, as one page: what SECOND gains over FIRST.

    Rows that either learned from are left out; too few that are new to both are refused. With --json the record is printed,
    and a page is written only where --output says so.
    """
    check(output, as_markdown=as_markdown)
    ws = given.workspace()
    with working(given) as progress:
        found = compare(ws, first, second, now=given.now, progress=progress)
    shown = Document(found, page(found))
    wanted = output is not None or not given.as_json
    path = write(ws, shown, f"{second}-against-{first}", output, as_markdown=as_markdown) if wanted else None
    if output == "-":
        return
    emit(given, found, lambda: "\n".join([f"{shown.page.opening.headline}.", *shown.page.opening.sentences, f"Report: {path}"]))
    if opened and path is not None:
        click.launch(str(path))
