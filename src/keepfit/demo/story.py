"""The demo, told week by week: take, fit, judge, release, serve, label, watch, refit, promote."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import httpx

from keepfit import errors, files
from keepfit.demo.course import WEEK, Course, Gained, Week, gained
from keepfit.demo.stream import TABLE, Stream, flights, server
from keepfit.evaluation import Gain
from keepfit.incident import Incident, incidents
from keepfit.loop.run import Run
from keepfit.progress import Progress, silent
from keepfit.project import Project
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import polars as pl

__all__ = ["BEGIN", "WEEKS", "Listener", "Scene", "Told", "demo", "prepare"]

#: The file holds the flights before this instant; the later ones are the stream.
BEGIN = datetime(2013, 3, 1, tzinfo=UTC)
#: The first Monday, and the weeks from there to the end of the year.
MONDAY, WEEKS = datetime(2013, 3, 4, tzinfo=UTC), 43
#: The demo takes every fifth flight, so that ten months pass in three minutes.
EVERY = 5


@dataclass(frozen=True, slots=True)
class Scene:
    """What there is to see at a moment."""

    now: datetime = BEGIN
    #: How many weeks will come.
    of: int = WEEKS
    url: str = ""
    flights: int = 0
    champion: str = ""
    challenger: str | None = None
    weeks: tuple[Week, ...] = ()
    incidents: tuple[Incident, ...] = ()
    doing: str = ""
    #: The flights that promoted models answered, and what those saved of the log loss.
    gain: tuple[int, Gain] | None = None


class Listener(Protocol):
    """Who shows the demo: called with each thing that happened."""

    def prepared(self, folder: Path, inside: int, outside: int) -> None: ...

    def ran(self, run: Run) -> None: ...

    def serving(self, url: str) -> None: ...

    def week(self, week: Week) -> None: ...

    def changed(self, scene: Scene) -> None: ...


@dataclass(slots=True)
class Told:
    """The scene as it changes, for whoever shows it."""

    listener: Listener
    progress: Progress = silent
    scene: Scene = field(default_factory=Scene)

    def now(self, **changes: object) -> None:
        self.scene = replace(self.scene, **changes)  # type: ignore[arg-type]
        self.listener.changed(self.scene)

    def doing(self, line: str) -> None:
        self.progress(line)
        self.now(doing=line)


def prepare(folder: Path, table: pl.DataFrame | None = None) -> tuple[int, int]:
    """Make the project: the commented project file and the flights of January and February.

    Gives the rows in the file, and those that are kept outside as the stream.

    Raises
    ------
    BadArgument
        The folder holds something already.
    """
    import polars as pl  # the command line starts without it

    if folder.exists() and any(folder.iterdir()):
        fix = "name an empty or a new folder: keepfit demo another-folder"
        raise errors.BadArgument("the folder is not empty", at=str(folder), fix=fix)
    table = flights() if table is None else table
    known = table.filter(pl.col("departure") < BEGIN)
    files.write_whole(folder / TABLE, lambda path: known.write_parquet(path))
    files.write_whole(folder / "keepfit.toml", (resources.files("keepfit.demo") / "keepfit.toml").read_bytes())
    return known.height, table.height - known.height


def demo(folder: Path, *, weeks: int, listener: Listener, progress: Progress = silent) -> Gained:
    """Drive the loop over the weeks after February, and say what it gained."""
    told = Told(listener, progress, Scene(of=weeks))
    table = flights().gather_every(EVERY)
    listener.prepared(folder, *prepare(folder, table))
    with Project(Workspace(folder), told.doing) as project:
        first = project.run(now=BEGIN)
        listener.ran(first)
        if first.released is None:
            raise errors.NoChampion("the first model did not pass its gates", at=str(folder), fix="keepfit show c1")
        with server(folder) as (url, _), httpx.Client(base_url=url, timeout=60) as client:
            listener.serving(url)
            told.now(url=url, champion=first.released)
            course = Course(project.workspace, first.candidate, first.released, Stream(client, table))
            end = MONDAY + weeks * WEEK + timedelta(days=1)
            live(project, course, told, until=end)
        told.doing("measuring what was gained")
        found = gained(course, now=end)
        told.now(doing="done")
        return found


def live(project: Project, course: Course, told: Told, *, until: datetime) -> None:
    """Let days pass: flights are asked about, the day before is told of, and once a week's truth is known the loop turns."""
    now = BEGIN
    while now < until:
        asked = course.stream.day(now)
        if now > BEGIN:
            course.stream.labels(now - timedelta(days=1), at=now + timedelta(days=1))
        now += timedelta(days=1)
        told.now(now=now, flights=told.scene.flights + asked, doing=f"{now - timedelta(days=1):%A} is asked about")
        if now.weekday() == 1:  # a week ends on Sunday; its last labels are there on Tuesday at 00:00
            _judge(project, course, told, begin=now - timedelta(days=8))


def _judge(project: Project, course: Course, told: Told, *, begin: datetime) -> None:
    """Do what is due now that a week's truth is known, and say what came of it."""
    week = course.week(begin)
    open_before = {one.number for one in _incidents(project)}
    promoted = None
    for _ in range(20):
        done = project.turn(now=told.scene.now)
        if not done.did_something:
            break
        promoted = done.release if done.action.kind in {"promote", "rollback"} else promoted
        _roles(project, told)
    if week is not None:
        opened = tuple(one.kind for one in _incidents(project) if one.number not in open_before)
        course.weeks.append(replace(week, promoted=promoted, opened=opened))
        told.now(weeks=tuple(course.weeks), gain=course.gain())
        told.listener.week(course.weeks[-1])


def _roles(project: Project, told: Told) -> None:
    held = project.workspace.roles()
    told.now(
        champion=held.champion or "", challenger=held.shadow, incidents=tuple(one for one in _incidents(project) if one.closed is None)
    )


def _incidents(project: Project) -> list[Incident]:
    return incidents(project.workspace.ledger.entries(kind="incident"))
