"""`keepfit demo`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

import click

from keepfit.commands.run import told as run_told
from keepfit.commands.shared import Given, emit, options, working
from keepfit.commands.turn import told as turn_told
from keepfit.demo.story import Gained, Listener, demo
from keepfit.loop.run import Run
from keepfit.loop.turn import Turn
from keepfit.progress import Progress, silent

__all__ = ["command"]

Say: TypeAlias = Callable[[str], None]


@click.command("demo", epilog="Example: keepfit demo my-first-project")
@click.argument("into", type=click.Path(path_type=Path, file_okay=False), default=Path("keepfit-demo"))
@click.option("--weeks", default=5, show_default=True, type=click.IntRange(2, 40), help="How many weeks of flights to stream.")
@options
def command(given: Given, into: Path, weeks: int) -> None:
    """See the whole loop close on real flights: build, judge, serve, watch, refit, promote."""
    say: Say = silent if given.as_json or given.quiet else click.echo
    with working(given) as progress:
        gained = demo(into.resolve(), weeks=weeks, listener=_listener(say, progress))
    emit(given, gained, lambda: told(gained, into))


def _listener(say: Say, progress: Progress) -> Listener:
    def prepared(folder: Path, inside: int, outside: int) -> None:
        say(f"A project in {folder}")
        say(f"  keepfit.toml states the problem; flights.parquet holds {inside:,} flights that left New York in January and February 2013.")
        say(f"  The {outside:,} later ones stay outside and will come one by one, as they did.\n")
        say("keepfit run: take the data, fit, test on the newest flights, release what passes the gates")

    def ran(done: Run) -> None:
        say("\n".join(f"  {line}" if line else "" for line in run_told(done).splitlines()[:-1]))

    def serving(url: str) -> None:
        say(f"\nkeepfit serve: r1 answers on {url}; the clock of this demo now runs day by day.")
        say("  Every flight is asked about three hours before it leaves; a day later it is told whether it was late.")

    def week(begin: datetime) -> None:
        say(f"\n{begin:%A %d %B}: a week has ended and its truth is known. keepfit turn:")

    def turned(done: Turn) -> None:
        head, *rest = turn_told(done).splitlines()
        say(f"  {head}")
        for line in rest:
            say(f"    {line.strip()}")

    return Listener(prepared, ran, serving, week, turned, progress)


def told(gained: Gained, folder: Path) -> str:
    """What the demo came to, for people."""
    better = "better" if gained.log_loss.low > 0 else "not clearly better"
    return "\n".join(
        [
            "",
            f"What refitting gained, on the {gained.flights:,} flights after the promotion ({gained.begin:%d %B} to {gained.end:%d %B}),",
            "which neither model had seen:",
            f"  frozen {gained.first}: log loss {gained.frozen['log_loss']}, roc_auc {gained.frozen['roc_auc']}",
            f"  promoted {gained.champion}: log loss {gained.now['log_loss']}, roc_auc {gained.now['roc_auc']}",
            f"  The promoted model is {better}: log loss gain {gained.log_loss}, roc_auc gain {gained.roc_auc}",
            "  (95 % intervals, whole days taken together)",
            "",
            f"The project lies in {gained.folder}. Try next:",
            f"  cd {folder} && keepfit status",
            "  keepfit history",
            "  keepfit serve",
        ]
    )
