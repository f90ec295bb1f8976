"""`keepfit report`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from keepfit.commands import names
from keepfit.commands.shared import Given, emit, options, working
from keepfit.loop.report import gather
from keepfit.reports.render import Document, check_ending
from keepfit.reports.report import page
from keepfit.workspace import Workspace

__all__ = ["check", "command", "write"]


@click.command("report", epilog="Example: keepfit report r1 --open")
@click.argument("name", required=False, shell_complete=names.of_things)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Where to write it: a .html or .md file, or - for standard output (reports/NAME.html by default).",
)
@click.option("--markdown", "as_markdown", is_flag=True, help="Write Markdown instead of HTML.")
@click.option("--open", "opened", is_flag=True, help="Show the page in a browser.")
@options
def command(given: Given, name: str | None, output: str | None, as_markdown: bool, opened: bool) -> None:
    """One page on a candidate (c1) or release (r1); by default on the champion.

    The page is one file that needs no network. With --json the report's record is printed, and a page is written only where
    --output says so.
    """
    check(output, as_markdown=as_markdown)
    ws = given.workspace()
    with working(given) as progress:
        report = gather(ws, name, now=given.now, progress=progress)
    shown = Document(report, page(report))
    wanted = output is not None or not given.as_json
    path = write(ws, shown, report.release or report.candidate.id, output, as_markdown=as_markdown) if wanted else None
    if output == "-":
        return
    emit(given, report, lambda: "\n".join([*shown.page.opening.sentences, f"Report: {path}"]))
    if opened and path is not None:
        click.launch(str(path))


def check(output: str | None, *, as_markdown: bool) -> None:
    """Refuse a file whose ending is not that of what is asked for, before any work is done."""
    if output and output != "-":
        check_ending(Path(output), (".md",) if as_markdown else (".htm", ".html", ".md"))


def write(ws: Workspace, shown: Document, name: str, output: str | None, *, as_markdown: bool) -> Path | None:
    """Write a page where it is wanted; give the path, None when it went to standard output."""
    if output == "-":
        click.echo(shown.markdown if as_markdown else shown.html, nl=False)
        return None
    return shown.write(output or os.path.relpath(ws.folder / "reports" / f"{name}.{'md' if as_markdown else 'html'}"))
