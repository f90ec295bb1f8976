"""`keepfit demo`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import click

from keepfit.commands.run import told as run_told
from keepfit.commands.shared import Given, emit, options, working
from keepfit.demo.course import Gained, Week
from keepfit.demo.story import WEEKS, Scene, demo
from keepfit.loop.run import Run
from keepfit.progress import Progress, silent
from keepfit.serving.server import Listen, serve_project
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    from rich.live import Live

__all__ = ["command"]

Say: TypeAlias = Callable[[str], None]


@click.command("demo", epilog="Example: keepfit demo my-first-project")
@click.argument("into", type=click.Path(path_type=Path, file_okay=False), default=Path("keepfit-demo"))
@click.option("--weeks", default=WEEKS, show_default=True, type=click.IntRange(1, WEEKS), help="How many weeks of flights to stream.")
@click.option("--stay", is_flag=True, help="Go on serving at the end, until Ctrl-C.")
@options
def command(given: Given, into: Path, weeks: int, stay: bool) -> None:
    """See the whole loop close on real flights: build, judge, serve, watch, refit, promote."""
    say: Say = silent if given.as_json or given.quiet else click.echo
    with _shown(given, say) as (listener, progress):
        gained = demo(into.resolve(), weeks=weeks, listener=listener, progress=progress)
    emit(given, gained, lambda: told(gained, into))
    if stay:
        serve_project(Workspace(into.resolve()), Listen("127.0.0.1", 0, _announce, quiet=True))


def _announce(url: str, release: str) -> None:
    click.echo(f"\n{release} goes on answering on {url}; stop with Ctrl-C.")


@contextmanager
def _shown(given: Given, say: Say) -> Iterator[tuple[Lines, Progress]]:
    """A picture on a terminal, lines elsewhere."""
    if say is silent or given.verbose or not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        with working(given) as progress:
            # In a pipe each week is a line; what is done in between is said on request.
            yield Lines(say), progress if given.verbose else silent
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(), auto_refresh=False) as live:
        yield Picture(say, live), silent


@dataclass(frozen=True, slots=True)
class Lines:
    """Tells the demo line by line."""

    say: Say

    def prepared(self, folder: Path, inside: int, outside: int) -> None:
        self.say(f"Every fifth flight that left New York in 2013: will it arrive 30 or more minutes late? The project lies in {folder}")
        self.say(f"  keepfit.toml states the problem. flights.parquet holds the {inside:,} flights of January and February;")
        self.say(f"  {outside:,} later ones stay outside and will come as they did, one day after another.\n")
        self.say(_step("keepfit run", "take the data, fit, test on the newest flights, release what passes the gates"))

    def ran(self, run: Run) -> None:
        self.say("\n".join(f"  {line}".rstrip() for line in run_told(run).splitlines()[:-1]))

    def serving(self, url: str) -> None:
        self.say("\n" + _step("keepfit serve", f"r1 answers on {url}"))
        self.say("  Every flight is asked about three hours before it leaves, and a day later it is known whether it was late.")
        self.say("\n" + _step("keepfit turn", "once a week's truth is known: look at the week, race the challenger, fit the next"))

    def week(self, week: Week) -> None:
        self.say(f"  {_week(week)}")

    def changed(self, scene: Scene) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Picture(Lines):
    """Tells how it begins in lines, and draws the weeks."""

    live: Live

    def week(self, week: Week) -> None:
        return None

    def changed(self, scene: Scene) -> None:
        from keepfit.demo.picture import picture

        self.live.update(picture(scene, self.live.console.width), refresh=True)


def _step(command: str, what: str) -> str:
    return f"{click.style(command, bold=True)}  {what}"


def _week(week: Week) -> str:
    """A week in a line."""
    said = (
        f"{week.begin:%d %b}-{week.begin + timedelta(days=6):%d %b}  {week.flights:>6,} flights, {week.happened:5.1%} late where "
        f"{week.expected:5.1%} was expected, log loss {week.loss:.3f}, saved {week.saved:+.4f}"
    )
    opened = f"; incident: {', '.join(dict.fromkeys(week.opened))}" if week.opened else ""
    return said + opened + (click.style(f"; {week.promoted} is champion now", fg="green") if week.promoted else "")


def told(gained: Gained, folder: Path) -> str:
    """What the demo came to, for people."""
    loss = gained.gains["log_loss"]
    better = "better" if loss.low > 0 else "worse" if loss.high < 0 else "not clearly better"
    gains = ", ".join(f"{name.replace('_', ' ')} {gained.gains[name]}" for name in ("log_loss", "roc_auc", "value") if name in gained.gains)
    span = f"{gained.begin:%d %B} to {gained.end:%d %B}"
    return "\n".join(
        [
            "",
            f"What refitting gained, on the {gained.flights:,} flights that promoted models answered, {span},",
            "each new to the model that answered it and to the first one:",
            f"  frozen {gained.first}: log loss {gained.frozen['log_loss']}, roc_auc {gained.frozen['roc_auc']}",
            f"  {len(gained.promoted)} promoted: log loss {gained.answered['log_loss']}, roc_auc {gained.answered['roc_auc']}",
            f"  The promoted models are {better} on the same flights. Gain:",
            f"  {gains}",
            "  (95 % intervals, whole days taken together; the value is per 1,000 flights)",
            "",
            f"The project lies in {gained.folder}. Try next:",
            f"  cd {folder} && keepfit status",
            "  keepfit history",
            "  keepfit serve",
        ]
    )
