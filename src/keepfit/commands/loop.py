"""`keepfit loop`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click
import msgspec

from keepfit import errors, record
from keepfit.commands.shared import Given, options
from keepfit.commands.turn import told
from keepfit.instant import Duration
from keepfit.loop.lease import longest
from keepfit.loop.process import Stop, Turned, keep_turning
from keepfit.loop.turn import Turn
from keepfit.policy import policy

__all__ = ["command"]


@click.command("loop", epilog="Example: keepfit loop --every 10m")
@click.option("--every", default="1m", show_default=True, metavar="DURATION", help="How long to wait when nothing is due.")
@click.option("--once", is_flag=True, help="Stop when nothing is due any more.")
@click.option("--with-stdin", is_flag=True, help="Stop when standard input ends, as when the starting process is gone.")
@options
def command(given: Given, every: str, once: bool, with_stdin: bool) -> None:
    """Turn until stopped: do what is due, wait, and look again.

    Each turn is a process of its own. SIGTERM and Ctrl-C end the loop after the step that is under way; a second one ends
    that as well. It may be killed at any moment, and several loops may run on one project, on several machines.
    """
    if given.said_now is not None:
        raise errors.BadArgument("the loop goes by the wall clock", at="--now", fix="leave --now out, or call: keepfit turn --now …")
    ws = given.workspace()
    wait = _duration(every)
    with Stop() as stop:
        if not given.quiet and not given.as_json:
            click.echo(f"Looking after {ws.project} every {wait}; stop with Ctrl-C.", err=True)
        if with_stdin:
            stop.at_end_of_input()
        keep_turning(
            given.for_others(),
            every=wait,
            longest=longest(policy(ws.spec.refit)),
            stop=stop,
            turned=lambda done: _say(given, done),
            once=once,
        )


def _duration(text: str) -> Duration:
    try:
        found = Duration.parse(text)
    except ValueError as error:
        raise errors.BadArgument(str(error), at="--every", fix="a number and a unit: 30s, 10m, 1h") from None
    if not found.microseconds:
        raise errors.BadArgument("the loop needs some time between two looks", at="--every", fix="as in --every 10s")
    return found


def _say(given: Given, done: Turned) -> None:
    """A line for each turn that did something, or failed."""
    if given.as_json:
        said: Any = done.record or {"error": done.error or {"exit_code": done.exit_code}}
        if done.did_something or done.record is None:
            click.echo(msgspec.json.encode(said).decode())
        return
    head = click.style(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}", dim=True)
    if done.error is not None:
        fix = f"; {done.error['fix']}" if done.error.get("fix") else ""
        click.echo(f"{head}  {click.style(done.error['code'], fg='red')}: {done.error['message']}{fix}", err=True)
    elif done.record is None:
        click.echo(f"{head}  a turn ended with {done.exit_code} and said nothing", err=True)
    elif done.did_something:
        text = told(record.from_json(Turn, done.record))
        click.echo("\n".join(f"{head}  {line}" for line in text.splitlines()))
