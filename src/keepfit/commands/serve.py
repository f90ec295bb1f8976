"""`keepfit serve`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

import click

from keepfit import errors
from keepfit.commands.shared import Given, options
from keepfit.serving.platform import platform_of, release_in
from keepfit.serving.server import Listen, serve_folder, serve_project
from keepfit.spec.load import find

__all__ = ["command"]

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command("serve", epilog="Example: keepfit serve --port 8080 --workers 2")
@click.argument("word", required=False, type=click.Choice(["serve"]), metavar="[serve]")
@click.option("--host", show_default="127.0.0.1", help="The address to listen on; beyond this machine only with keys.")
@click.option("--port", show_default="8080", type=click.IntRange(0, 65535), help="The port; 0 for any free one.")
@click.option("--workers", show_default="1", type=click.IntRange(0, 256), help="Processes that answer; 0 for one alone.")
@click.option(
    "--release", "release_folder", type=click.Path(path_type=Path, file_okay=False), help="Serve this folder alone; no project needed."
)
@click.option("--log", type=click.Choice(["segments", "stdout", "none"]), help="Where answers are kept; by default in segments.")
@click.option("--behind-auth", is_flag=True, help="Something before this server admits: open to all addresses.")
@click.option("--tls-cert", "certificate", type=_FILE, help="A certificate chain in PEM: answer over TLS.")
@click.option("--tls-key", "private_key", type=_FILE, help="Its private key in PEM.")
@click.option("--traces", is_flag=True, help="Send a span for each request by OpenTelemetry (extra otel).")
@click.option("--access", is_flag=True, help="Tell of every request on standard error.")
@click.option("--simulated", is_flag=True, help="Take the time from the header Keepfit-Now.")
@click.option("--with-stdin", is_flag=True, help="Stop when standard input ends, as when the starting process is gone.")
@options
def command(
    given: Given,
    word: str | None,
    host: str | None,
    port: int | None,
    workers: int | None,
    release_folder: Path | None,
    log: Literal["segments", "stdout", "none"] | None,
    **asked: Any,
) -> None:
    """Answer predictions over HTTP by the releases in their roles, each answer on record before it leaves.

    As a container of SageMaker (which gives the argument), Vertex AI or Azure ML, as its environment shows, and behind something
    that admits, it listens on all addresses: predict and health need no key, all else does.
    """
    if (asked["certificate"] is None) != (asked["private_key"] is None):
        raise errors.BadArgument("a certificate and its key belong together", at="--tls-cert", fix="give --tls-cert and --tls-key")

    def announce(url: str, release: str) -> None:
        if given.as_json:
            click.echo(f'{{"url":"{url}","release":"{release}"}}')
        elif log != "stdout":
            click.echo(f"Serving {release} on {url}   (open it in a browser, or POST {url}/v1/predict; stop with Ctrl-C)")
            if listen.admitted:
                click.echo("Whoever reaches this address is answered: predictions and health need no key.")

    platform = platform_of(os.environ, told=word is not None, project=_has_project(given.folder))
    listen = Listen(
        host=host or ("0.0.0.0" if platform is not None or asked["behind_auth"] else "127.0.0.1"),  # noqa: S104 - what a platform asks for
        port=port if port is not None else platform.port if platform is not None else 8080,
        workers=workers if workers is not None else (platform.workers if platform is not None else None) or 1,
        announce=announce,
        log=log,
        platform=platform,
        quiet=given.quiet,
        **asked,
    )
    if release_folder is None and platform is not None and platform.model is not None:
        release_folder = release_in(Path(platform.model))
    if release_folder is not None:
        serve_folder(release_folder, listen)
    else:
        serve_project(given.workspace(), listen)


def _has_project(folder: Path) -> bool:
    try:
        return find(folder.resolve()).is_dir()
    except errors.NoProject:
        return False
