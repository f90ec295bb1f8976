"""`keepfit serve`."""

from __future__ import annotations

from pathlib import Path

import click

from keepfit.commands.shared import Given, options
from keepfit.serving.served import Served
from keepfit.serving.server import Listen, serve_folder, serve_project

__all__ = ["command"]


@click.command("serve", epilog="Example: keepfit serve --port 8080")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8080, show_default=True, help="The port; 0 for any free one.")
@click.option(
    "--release", "release_folder", type=click.Path(path_type=Path, file_okay=False), help="Serve this folder alone; no project needed."
)
@click.option("--simulated", is_flag=True, help="Take the time from the header Keepfit-Now.")
@click.option("--with-stdin", is_flag=True, help="Stop when standard input ends, as when the starting process is gone.")
@options
def command(given: Given, host: str, port: int, release_folder: Path | None, simulated: bool, with_stdin: bool) -> None:
    """Answer predictions over HTTP: the champion's, whoever that is, each on record before it leaves."""

    def announce(url: str, served: Served) -> None:
        if given.as_json:
            click.echo(f'{{"url":"{url}","release":"{served.release.id}"}}')
        else:
            click.echo(f"Serving {served.release.id} of {served.release.project} on {url}   (POST {url}/v1/predict; stop with Ctrl-C)")

    listen = Listen(host, port, announce, simulated, with_stdin)
    if release_folder is not None:
        serve_folder(release_folder, listen)
    else:
        serve_project(given.workspace(), listen)
