"""A project as a value: the same verbs as the command line, answered with records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from keepfit.chain import Verification
from keepfit.ledger import Entry
from keepfit.loop import log
from keepfit.loop.compare import compare
from keepfit.loop.label import label
from keepfit.loop.release import promote, rollback
from keepfit.loop.report import gather
from keepfit.loop.run import Run, run
from keepfit.loop.turn import Turn, turn
from keepfit.loop.verify import verify
from keepfit.loop.watch import watch
from keepfit.progress import Progress, silent
from keepfit.reports.compare import page as comparison_page
from keepfit.reports.render import Document
from keepfit.reports.report import page as report_page
from keepfit.reports.status import Status, status
from keepfit.window import Window
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Project", "open_project"]


class Project:
    """A project's folder; made by `keepfit.open`.

    It may stand in a `with`, which gives the ledger's connection back. Every method takes `now`, an aware
    instant; the wall clock's by default.
    """

    def __init__(self, workspace: Workspace, progress: Progress = silent) -> None:
        self.workspace = workspace
        self._progress = progress

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the ledger's connection back."""
        self.workspace.close()

    def __repr__(self) -> str:
        return f"Project({self.workspace.project!r}, champion={self.workspace.roles().champion!r})"

    def check(self) -> None:
        """Raise every fault of the project file at once."""
        self.workspace.check()

    def run(self, *, now: datetime | None = None) -> Run:
        """Take the data, fit, judge, and release what passes; see `keepfit.loop.run.run`."""
        with self.workspace.alone(now=now):
            return run(self.workspace, now=_or_clock(now), progress=self._progress)

    def watch(self, *, now: datetime | None = None) -> list[Window]:
        """Look at the windows whose labels are due."""
        with self.workspace.alone(now=now):
            return watch(self.workspace, now=_or_clock(now))

    def turn(self, *, now: datetime | None = None) -> Turn:
        """Do the one thing that is due."""
        with self.workspace.alone(now=now):
            return turn(self.workspace, now=_or_clock(now), progress=self._progress)

    def label(self, table: str | Path, *, now: datetime | None = None) -> int:
        """Bring late truth from a table; give how many labels said something new."""
        return label(self.workspace, Path(table).resolve(), now=_or_clock(now))[1]

    def promote(self, release: str, *, because: str, now: datetime | None = None) -> Entry:
        """Make a release the champion."""
        with self.workspace.alone():
            return promote(self.workspace, release, because=because, now=_or_clock(now))

    def rollback(self, *, because: str, now: datetime | None = None) -> Entry:
        """Make the previous champion the champion again."""
        with self.workspace.alone():
            return rollback(self.workspace, because=because, now=_or_clock(now))

    def status(self, *, now: datetime | None = None) -> Status:
        """How the project stands."""
        return status(self.workspace, now=_or_clock(now))

    def report(self, name: str | None = None, *, now: datetime | None = None) -> Document:
        """One page on a candidate (`c1`) or release (`r1`), by default on the champion; a notebook shows it, `write` keeps it."""
        found = gather(self.workspace, name, now=_or_clock(now), progress=self._progress)
        return Document(found, report_page(found))

    def compare(self, first: str, second: str, *, now: datetime | None = None) -> Document:
        """What the second of two candidates or releases gains over the first, on rows that neither learned from."""
        found = compare(self.workspace, first, second, now=_or_clock(now), progress=self._progress)
        return Document(found, comparison_page(found))

    def history(self, *, kind: str | None = None) -> Iterator[Entry]:
        """The ledger's entries, oldest first."""
        return self.workspace.ledger.entries(kind=kind)

    def predictions(self, *, since: datetime | None = None) -> pl.DataFrame:
        """The prediction log with the labels that are known, as a table; `since` an instant of answering."""
        found = log.predictions(self.workspace)
        told = log.with_truth(found, log.labels(self.workspace, now=datetime.max.replace(tzinfo=UTC)), self.workspace.spec.problem.target)
        told = told.with_columns(log.values_of(told["label"]))
        return told if since is None else told.filter(told["at"] >= since)

    def verify(self) -> Verification:
        """Check the chain of entries, and the artifacts and parts that they name."""
        return verify(self.workspace)


def open_project(folder: str | Path = ".", *, env: str | None = None, options: Mapping[str, Any] | None = None) -> Project:
    """Open the project in a folder, or above it.

    Parameters
    ----------
    env : read the overlay `keepfit.<env>.toml` too
    options : dotted settings, as in `{"monitor.window": "1d"}`

    Raises
    ------
    NoProject, Faults
        There is no project file, or it does not hold.
    """
    return Project(Workspace.find(Path(folder), env=env, options=options))


def _or_clock(now: datetime | None) -> datetime:
    return datetime.now(UTC) if now is None else now
