"""What commands share: their options, the project they open, and how they print."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from keepfit import errors, record
from keepfit.instant import parse, show
from keepfit.progress import Progress, silent
from keepfit.record import Record
from keepfit.workspace import Workspace

__all__ = ["Given", "emit", "options", "working"]

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Given:
    """What every command was told."""

    folder: Path
    env: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    now_text: str | None = None
    as_json: bool = False
    quiet: bool = False
    verbose: bool = False
    #: The settings as they were written, for a command that starts others.
    assigned: tuple[str, ...] = ()

    def for_others(self) -> list[str]:
        """The options that name the project, as another command takes them."""
        env = ["--env", self.env] if self.env else []
        return ["--project", str(self.folder), *env, *(part for text in self.assigned for part in ("--set", text))]

    def workspace(self) -> Workspace:
        return Workspace.find(self.folder, env=self.env, options=self.settings)

    @property
    def now(self) -> datetime:
        """The instant that the command takes for now: `--now`, `KEEPFIT_NOW`, or the wall clock.

        Raises
        ------
        BadArgument
            The text is no instant.
        """
        return self.said_now or datetime.now(UTC)

    @property
    def said_now(self) -> datetime | None:
        """What `--now` or `KEEPFIT_NOW` says; raises as `now` does."""
        text = self.now_text or os.environ.get("KEEPFIT_NOW")
        if not text:
            return None
        try:
            return parse(text)
        except ValueError as error:
            fix = "write an instant with an offset, as in 2013-03-01T00:00Z"
            raise errors.BadArgument(f"'{text}' is not an instant: {error}", at="--now", fix=fix) from None

    @contextmanager
    def alone(self, ws: Workspace) -> Iterator[None]:
        """One command at a time, at an instant that is not before what was seen last; the wall clock's is only warned of."""
        with ws.alone(now=self.said_now, waiting=waiting):
            seen = ws.newest_look() if self.said_now is None else None
            if seen is not None and seen > self.now + _AHEAD:
                click.echo(f"the newest data was seen at {show(seen)}, later than this machine's clock says: check its time", err=True)
            yield


#: The clocks of machines that share a project may differ by this much.
_AHEAD = timedelta(minutes=5)


def options(function: F) -> F:
    """Give a command the options that all have; it is called with `given`."""

    def call(
        folder: Path,
        env: str | None,
        assigned: tuple[str, ...],
        now_text: str | None,
        as_json: bool,
        quiet: bool,
        verbose: bool,
        **rest: Any,
    ) -> Any:
        return function(given=Given(folder, env, dict(map(_assignment, assigned)), now_text, as_json, quiet, verbose, assigned), **rest)

    call.__doc__ = function.__doc__
    call.__name__ = function.__name__
    if hasattr(function, "__click_params__"):
        call.__click_params__ = function.__click_params__  # type: ignore[attr-defined]
    decorators = [
        click.option(
            "-C", "--project", "folder", type=click.Path(path_type=Path), default=Path(), help="The project's folder (here by default)."
        ),
        click.option("--env", help="Read the overlay keepfit.<ENV>.toml too."),
        click.option("--set", "assigned", multiple=True, metavar="KEY=VALUE", help="A setting, as in --set model.seed=1."),
        click.option("--now", "now_text", metavar="INSTANT", help="Take this for now, as in 2013-03-01T00:00Z."),
        click.option("--json", "as_json", is_flag=True, help="Print the record, nothing else."),
        click.option("-q", "--quiet", is_flag=True, help="Print the answer only."),
        click.option("-v", "--verbose", is_flag=True, help="Say what is done and how long it takes, and what is behind an error."),
    ]
    for decorate in reversed(decorators):
        call = decorate(call)
    return call  # type: ignore[return-value]


def _assignment(text: str) -> tuple[str, Any]:
    import tomllib

    key, equals, value = text.partition("=")
    if not equals or not key:
        raise errors.BadArgument(f"'{text}' is not KEY=VALUE", at="--set", fix="as in --set monitor.window=7d")
    try:
        return key, tomllib.loads(f"v = {value}")["v"]
    except tomllib.TOMLDecodeError:
        return key, value


def emit(given: Given, value: Record | dict[str, Any] | list[Any], text: Callable[[], str]) -> None:
    """Print a record as JSON, or its text."""
    if given.as_json:
        form = value if isinstance(value, (dict, list)) else record.to_json(value)
        click.echo(msgspec.json.encode(form).decode())
    else:
        click.echo(text())


@contextmanager
def working(given: Given) -> Iterator[Progress]:
    """Show what long work is doing: one live line on a terminal, plain lines in a pipe, on standard error."""
    if given.quiet or given.as_json:
        yield silent
        return
    if given.verbose:
        begin = time.monotonic()
        yield lambda line: click.echo(f"[{time.monotonic() - begin:7.1f} s] {line}", err=True)
        click.echo(f"[{time.monotonic() - begin:7.1f} s] done", err=True)
        return
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield lambda line: click.echo(line, err=True)
        return
    from rich.console import Console
    from rich.status import Status

    with Status("", console=Console(stderr=True), spinner="dots") as status:
        yield status.update


def waiting() -> None:
    click.echo("another keepfit command is at work in this project: waiting for it to end", err=True)
