"""`keepfit demo`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias

import click

from keepfit.commands.run import told as run_told
from keepfit.commands.shared import Given, emit, options, working
from keepfit.demo.story import Gained, Listener, demo
from keepfit.loop.run import Run
from keepfit.loop.turn import Turn
from keepfit.progress import Progress, silent
from keepfit.serving.server import Listen, serve_project
from keepfit.window import Window
from keepfit.workspace import Workspace

__all__ = ["command"]

Say: TypeAlias = Callable[[str], None]


@click.command("demo", epilog="Example: keepfit demo my-first-project")
@click.argument("into", type=click.Path(path_type=Path, file_okay=False), default=Path("keepfit-demo"))
@click.option("--weeks", default=5, show_default=True, type=click.IntRange(2, 40), help="How many weeks of flights to stream.")
@click.option("--stay", is_flag=True, help="Go on serving at the end, until Ctrl-C.")
@options
def command(given: Given, into: Path, weeks: int, stay: bool) -> None:
    """See the whole loop close on real flights: build, judge, serve, watch, refit, promote."""
    say: Say = silent if given.as_json or given.quiet else click.echo
    with working(given) as progress:
        gained = demo(into.resolve(), weeks=weeks, listener=_listener(say, progress))
    emit(given, gained, lambda: told(gained, into))
    if stay:
        serve_project(Workspace(into.resolve()), Listen("127.0.0.1", 0, _announce, quiet=True))


def _announce(url: str, release: str) -> None:
    click.echo(f"\n{release} goes on answering on {url}; stop with Ctrl-C.")


def _listener(say: Say, progress: Progress) -> Listener:
    def prepared(folder: Path, inside: int, outside: int) -> None:
        say(f"Flights that left New York in 2013: will one arrive 30 or more minutes late? The project lies in {folder}")
        say(f"  keepfit.toml states the problem. flights.parquet holds the {inside:,} flights of January and February;")
        say(f"  {outside:,} later ones stay outside and will come as they did, one day after another.\n")
        say(_step("keepfit run", "take the data, fit, test on the newest flights, release what passes the gates"))

    def ran(done: Run) -> None:
        say("\n".join(f"  {line}".rstrip() for line in run_told(done).splitlines()[:-1]))

    def serving(url: str) -> None:
        say("\n" + _step("keepfit serve", f"r1 answers on {url}"))
        say("  Every flight is asked about three hours before it leaves, and a day later it is known whether it was late.")
        say("\n" + _step("keepfit turn", "once a week's truth is known: look at the week, race the challenger, fit the next"))

    def turned(done: Turn) -> None:
        for line in _happened(done):
            say(f"  {line}")

    return Listener(prepared, ran, serving, turned, progress)


def _step(command: str, what: str) -> str:
    return f"{click.style(command, bold=True)}  {what}"


def _happened(done: Turn) -> list[str]:
    """A turn in a line for someone who sees this for the first time."""
    if done.action.kind == "watch":
        return [_week(window) for window in done.windows]
    if done.action.kind == "refit":
        return [f"               {done.candidate} learned from every flight known by now and waits as challenger {done.release}"]
    if done.action.kind == "compare" and done.gain is not None and done.verdict is not None:
        word = "ahead" if done.gain.value > 0 else "behind"
        return [
            f"               challenger {done.release} on the same flights: {word} by {done.gain} log loss; gates: {done.verdict.status}"
        ]
    return [
        click.style(f"               {done.release} is champion now: ahead in the race, and every gate that applies was passed", fg="green")
    ]


def _week(window: Window) -> str:
    head = f"{window.begin:%d %b}-{window.end - timedelta(days=1):%d %b}  {window.predictions:>6,} flights by {window.release}"
    if window.evaluation is None or window.happened is None or window.expected is None:
        return head
    quality = f"log loss {window.evaluation['log_loss'].value:.3f}"
    return f"{head}: {window.happened:.1%} were late where it expected {window.expected:.1%}, {quality}"


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
