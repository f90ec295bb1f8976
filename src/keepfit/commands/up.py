"""`keepfit up`."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import click

from keepfit import errors
from keepfit.commands.shared import Given, options
from keepfit.loop.process import Stop

__all__ = ["command"]

#: How often the two processes are looked at, and how long they are given to end, in seconds.
LOOK, PATIENCE = 0.2, 60.0
#: A loop that ends by itself is started again after so many seconds, each time later, up to the most.
AGAIN, MOST = 1.0, 60.0


@click.command(
    "up",
    epilog="Example: keepfit up --every 10m -- --port 8080 --workers 2",
)
@click.option("--every", default="1m", show_default=True, metavar="DURATION", help="How long the loop waits when nothing is due.")
@click.argument("serve_options", nargs=-1, type=click.UNPROCESSED)
@options
def command(given: Given, every: str, serve_options: tuple[str, ...]) -> int:
    """Serve and loop together, for a laptop or one container; what stands after -- goes to keepfit serve.

    It ends when the server does, with its exit status; a loop that ends is started again. SIGTERM and Ctrl-C stop both.
    """
    if given.workspace().roles().champion is None:
        raise errors.NoChampion("no release is champion yet", at="keepfit up", fix="keepfit run")
    quiet = ["--quiet"] if given.quiet else ["--json"] if given.as_json else []
    with Stop() as stop:
        server = _start(["serve", *given.for_others(), *quiet, "--with-stdin", *serve_options])
        loop = _start(looping := ["loop", *given.for_others(), *quiet, "--with-stdin", "--every", every])
        again, waits = 0.0, AGAIN
        while not stop.told.is_set() and server.poll() is None:
            if loop.poll() is not None and time.monotonic() >= again:
                again, waits = time.monotonic() + waits, min(waits * 2, MOST)
                loop = _start(looping)
            stop.told.wait(LOOK)
        asked = stop.told.is_set()
        _end(loop)
        _end(server)
    return 0 if asked else abs(server.returncode or 0)


def _start(arguments: list[str]) -> subprocess.Popen[bytes]:
    """A command in a session of its own: it is told to stop by us, or by the end of its input when we are gone."""
    return subprocess.Popen([sys.executable, "-m", "keepfit", *arguments], stdin=subprocess.PIPE, start_new_session=True)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdin is not None:
        process.stdin.close()
