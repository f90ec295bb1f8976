"""`keepfit serve`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import click

from keepfit import errors
from keepfit.commands.shared import Given, options
from keepfit.serving.server import Listen, serve_folder, serve_project

__all__ = ["command"]

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command("serve", epilog="Example: keepfit serve --port 8080 --workers 2")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on; beyond this machine only with keys.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="The port; 0 for any free one.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(0, 256), help="Processes that answer; 0 for one alone.")
@click.option(
    "--release", "release_folder", type=click.Path(path_type=Path, file_okay=False), help="Serve this folder alone; no project needed."
)
@click.option("--log", type=click.Choice(["segments", "stdout", "none"]), help="Where answers are kept; by default in segments.")
@click.option("--behind-auth", is_flag=True, help="Something before this server admits: predict and health need no key, all else does.")
@click.option("--tls-cert", "certificate", type=_FILE, help="A certificate chain in PEM: answer over TLS.")
@click.option("--tls-key", "private_key", type=_FILE, help="Its private key in PEM.")
@click.option("--traces", is_flag=True, help="Send a span for each request by OpenTelemetry (extra otel).")
@click.option("--access", is_flag=True, help="Tell of every request on standard error.")
@click.option("--simulated", is_flag=True, help="Take the time from the header Keepfit-Now.")
@click.option("--with-stdin", is_flag=True, help="Stop when standard input ends, as when the starting process is gone.")
@options
def command(given: Given, release_folder: Path | None, log: Literal["segments", "stdout", "none"] | None, **asked: Any) -> None:
    """Answer predictions over HTTP by the releases in their roles, each answer on record before it leaves."""
    if (asked["certificate"] is None) != (asked["private_key"] is None):
        raise errors.BadArgument("a certificate and its key belong together", at="--tls-cert", fix="give --tls-cert and --tls-key")

    def announce(url: str, release: str) -> None:
        if given.as_json:
            click.echo(f'{{"url":"{url}","release":"{release}"}}')
        elif log != "stdout":
            click.echo(f"Serving {release} on {url}   (POST {url}/v1/predict; stop with Ctrl-C)")

    listen = Listen(announce=announce, log=log, quiet=given.quiet, **asked)
    if release_folder is not None:
        serve_folder(release_folder, listen)
    else:
        serve_project(given.workspace(), listen)
