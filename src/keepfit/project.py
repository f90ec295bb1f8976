"""A project as a value: the same verbs as the command line, answered with records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import msgspec

from keepfit import errors, notebook
from keepfit.candidate import Candidate
from keepfit.chain import Verification
from keepfit.estimate import Estimate
from keepfit.evaluation import Evaluation
from keepfit.instant import EPOCH, Duration, show
from keepfit.ledger import Entry
from keepfit.loop import log
from keepfit.loop.again import Again, answer_again
from keepfit.loop.asked import Suggestion
from keepfit.loop.begin import begin, decide, find_table, look
from keepfit.loop.compare import compare
from keepfit.loop.decide import approve, freeze, veto
from keepfit.loop.estimates import estimates
from keepfit.loop.expect import expect
from keepfit.loop.label import bring, label, label_from_source
from keepfit.loop.models import candidate_behind, evaluation_of
from keepfit.loop.outlook import Outlook, outlook
from keepfit.loop.release import promote, restore, rollback
from keepfit.loop.replay import replay
from keepfit.loop.report import gather
from keepfit.loop.run import Run, run
from keepfit.loop.score import Scoring, Target, score
from keepfit.loop.state import newest_looks
from keepfit.loop.suggest import suggest
from keepfit.loop.sweep import Sweep, sweep
from keepfit.loop.turn import Turn, turn
from keepfit.loop.upgrade import Upgrade, upgrade
from keepfit.loop.verify import verify
from keepfit.loop.watch import watch
from keepfit.notebook import Records
from keepfit.progress import Progress, silent
from keepfit.proposal import Answers
from keepfit.release import Release
from keepfit.replay import Replay
from keepfit.reports.compare import page as comparison_page
from keepfit.reports.diagnosis import Diagnosis, diagnose
from keepfit.reports.lineage import Lineage, entry_named, lineage, whole
from keepfit.reports.render import Document
from keepfit.reports.report import page as report_page
from keepfit.reports.schema import Description, describe
from keepfit.reports.status import Status, status
from keepfit.serving.rows import Rows
from keepfit.serving.served import Served
from keepfit.source import from_here
from keepfit.window import FOR_EVER, Interval, Window
from keepfit.workspace import Workspace, open_source

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Project", "Released", "init_project", "open_project"]


class Released:
    """A release of a project: what it is, what was measured of it, and its answers.

    Its answers are not kept in the prediction log, as those of a server and of `Project.score` are.
    """

    def __init__(self, workspace: Workspace, name: str) -> None:
        self._workspace = workspace
        self.id = name
        found = candidate_behind(workspace, name)
        if found is None:
            raise errors.NothingThere(f"there is no release '{name}'", at=name, fix="see: keepfit history")
        self.candidate: Candidate = found[0]
        self._fit = found[1]

    def __repr__(self) -> str:
        return f"Released({self.id!r}, candidate={self.candidate.id!r})"

    @property
    def release(self) -> Release:
        """What is served."""
        return self._served.release

    @property
    def evaluation(self) -> Evaluation | None:
        """What was measured of it on rows that it never saw; None for one whose test was still to come."""
        return evaluation_of(self._workspace, self._fit)

    @cached_property
    def _served(self) -> Served:
        return Served(restore(self._workspace, self.id), self._workspace.kinds, code=self._workspace.folder)

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Answer rows as a server would: for each `prediction`, the output fields, `decision` and `warnings`.

        Times are text in ISO 8601 or aware `datetime`s.

        Raises
        ------
        BadRequest
            A column is unknown, missing, or of the wrong type.
        """
        as_sent = [{name: show(value) if isinstance(value, datetime) else value for name, value in row.items()} for row in rows]
        decoder = Rows(self.release)
        found = [dict(zip(decoder.names, msgspec.structs.astuple(one), strict=True)) for one in decoder.convert(as_sent)]
        answers = self._served.answers(found) if found else []
        return [{"prediction": one.prediction, **one.outputs, "decision": one.decision, "warnings": list(one.warnings)} for one in answers]


class Project:
    """A project's folder; made by `keepfit.open`.

    It may stand in a `with`, which gives the ledger's connection back. Every method takes `now`, an aware
    instant; the wall clock's by default.
    """

    def __init__(self, workspace: Workspace, progress: Progress = silent) -> None:
        self.workspace = workspace
        self._progress = progress
        self._released: dict[str, Released] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the ledger's connection back."""
        self.workspace.close()

    def __repr__(self) -> str:
        return f"Project({self.workspace.project!r}, champion={self.workspace.roles().champion!r})"

    # -- what holds now -------------------------------------------------------------------------

    @property
    def champion(self) -> Released | None:
        """The release that answers."""
        return self._in_role(self.workspace.roles().champion)

    @property
    def canary(self) -> Released | None:
        """The release that answers a share of the requests."""
        return self._in_role(self.workspace.roles().canary)

    @property
    def shadow(self) -> Released | None:
        """The release that waits for its race."""
        return self._in_role(self.workspace.roles().shadow)

    def release(self, name: str) -> Released:
        """A release by its name, whatever its role; its model is read once."""
        if name not in self._released:
            self._released[name] = Released(self.workspace, name)
        return self._released[name]

    def _in_role(self, name: str | None) -> Released | None:
        return None if name is None else self.release(name)

    @property
    def windows(self) -> Records[Window]:
        """Every window that was looked at, oldest first."""
        entries = sorted(newest_looks(self.workspace.ledger.entries(kind="watch")), key=lambda entry: (entry.body["begin"], entry.seq))
        return Records(self.workspace.artifacts.get_record(Window, entry.body["artifacts"]["window"]) for entry in entries)

    @property
    def estimates(self) -> Records[Estimate]:
        """What the quality of each window was expected to be before its labels came, oldest first."""
        return Records(estimates(self.workspace))

    # -- the verbs of the command line ----------------------------------------------------------

    def check(self) -> None:
        """Raise every fault of the project file at once."""
        self.workspace.check()

    def plan(self, *, now: datetime | None = None) -> Outlook:
        """What a run would do and why; nothing is done."""
        return outlook(self.workspace, now=_or_clock(now))

    def schema(self, *, now: datetime | None = None) -> Description:
        """The table's columns, what changed, what does not fit, what is suspected."""
        return describe(self.workspace, now=_or_clock(now))

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Answer rows by the champion; see `Released.predict`."""
        champion = self.champion
        if champion is None:
            raise errors.NoChampion("no release is champion", at=self.workspace.project, fix="make one: keepfit run")
        return champion.predict(rows)

    def score(
        self,
        table: str | Path,
        output: str | Path | Target,
        *,
        query: str | None = None,
        release: str | None = None,
        now: datetime | None = None,
    ) -> Scoring:
        """Predict every row of a table, write them, and keep them in the log.

        `table` is what `data.source` may be, of a database with the `query` to ask; `output` a file, or a `Target` in a database.
        """
        source = open_source(from_here(str(table)), folder=self.workspace.folder, at="table", query=query)
        target = output if isinstance(output, Target) else Target(str(output))
        return score(self.workspace, source, target, now=_or_clock(now), release=release, progress=self._progress)

    def run(self, *, now: datetime | None = None) -> Run:
        """Take the data, fit, judge, and release what passes; see `keepfit.loop.run.run`."""
        with self.workspace.alone(now=now):
            return run(self.workspace, now=_or_clock(now), progress=self._progress)

    def watch(self, *, now: datetime | None = None) -> list[Window]:
        """Look at the windows whose labels are due; of those that have only ended, estimate the quality (`estimates`)."""
        with self.workspace.alone(now=now):
            bring(self.workspace, now=_or_clock(now))
            expect(self.workspace, now=_or_clock(now))
            return watch(self.workspace, now=_or_clock(now))

    def turn(self, *, now: datetime | None = None) -> Turn:
        """Do the one thing that is due."""
        with self.workspace.alone(now=now):
            return turn(self.workspace, now=_or_clock(now), progress=self._progress)

    def replay(
        self,
        policies: Sequence[str | Path] = (),
        *,
        begin: datetime | None = None,
        until: datetime | None = None,
        keep: str | Path | None = None,
        now: datetime | None = None,
    ) -> Replay:
        """What policies would have done over the past; the project is only read. See `keepfit.loop.replay.replay`.

        `policies` are TOML files, by default the built-in ones; `keep` a new folder for what each of them wrote.
        """
        files = [Path(one).absolute() for one in policies]
        folder = Path(keep).absolute() if keep is not None else None
        now = _or_clock(now)
        return replay(self.workspace, now=now, policies=files, begin=begin, until=until, keep=folder, progress=self._progress)

    def answer_again(
        self, release: str, *, begin: datetime | None = None, until: datetime | None = None, now: datetime | None = None
    ) -> Again:
        """Logged traffic answered again by a release (`r2`) or candidate (`c3`), beside what was answered then; nothing is written."""
        within = Interval(begin or EPOCH, until or FOR_EVER) if begin or until else None
        return answer_again(self.workspace, release, now=_or_clock(now), within=within, progress=self._progress)

    def label(self, table: str | Path | None = None, *, now: datetime | None = None) -> int:
        """Bring late truth from a table, or from `[labels] source`; give how many labels said something new."""
        if table is not None:
            return label(self.workspace, Path(table).resolve(), now=_or_clock(now))[1]
        return label_from_source(self.workspace, now=_or_clock(now))[1]

    def suggest(self, table: str | Path, count: int, *, now: datetime | None = None) -> Suggestion:
        """Write to a csv file which answers are worth labelling; filled in, it is what `label` takes."""
        with self.workspace.alone(now=now):
            return suggest(self.workspace, Path(table).resolve(), count, now=_or_clock(now))

    def promote(self, release: str, *, because: str, now: datetime | None = None) -> Entry:
        """Make a release the champion."""
        with self.workspace.alone():
            return promote(self.workspace, release, because=because, now=_or_clock(now))

    def rollback(self, *, because: str, now: datetime | None = None) -> Entry:
        """Make the previous champion the champion again."""
        with self.workspace.alone():
            return rollback(self.workspace, because=because, now=_or_clock(now))

    def approve(self, about: str | None = None, *, because: str, now: datetime | None = None) -> Entry:
        """Let a challenger go on that waits for a person."""
        return approve(self.workspace.beside(), about, because=because, now=_or_clock(now))

    def veto(self, release: str, *, because: str, now: datetime | None = None) -> Entry:
        """Keep a challenger from going on."""
        return veto(self.workspace.beside(), release, because=because, now=_or_clock(now))

    def freeze(self, *, end: bool = False, because: str, now: datetime | None = None) -> Entry:
        """Keep the loop from changing anything, or with `end` let it go on."""
        return freeze(self.workspace.beside(), end=end, because=because, now=_or_clock(now))

    def show(self, name: str) -> dict[str, Any]:
        """One thing whole, with the records that its entry names; see `keepfit show`."""
        return whole(self.workspace, entry_named(self.workspace, name))

    def lineage(self, name: str) -> Lineage:
        """What a thing was made from, down to the digests of the data, and what came of it."""
        return lineage(self.workspace, name)

    def gc(self, *, keep: int = 5, older_than: str = "30d", remove: bool = False, now: datetime | None = None) -> Sweep:
        """What is no longer needed; removed only with `remove`."""
        age, instant = Duration.parse(older_than).delta, _or_clock(now)
        if not remove:
            return sweep(self.workspace, now=instant, keep=keep, age=age, remove=False)
        with self.workspace.alone(now=now):
            return sweep(self.workspace, now=instant, keep=keep, age=age, remove=True)

    def upgrade(self, *, do: bool = False) -> Upgrade:
        """What upgrading the project's folder would change; done only with `do`, after a copy was made."""
        return upgrade(self.workspace, do=do)

    def doctor(self) -> Diagnosis:
        """Whether this machine and this project are fit to work."""
        return diagnose(lambda: self.workspace, self.workspace.folder)

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
    notebook.teach()
    return Project(Workspace.find(Path(folder), env=env, options=options))


def init_project(table: str | Path | None = None, folder: str | Path = ".", *, replace: bool = False, **said: Any) -> Project:
    """Look at a table and write a project file that runs, as `keepfit init` does with `--yes`.

    Parameters
    ----------
    table : a path or a URL; by default the only table in the folder
    replace : write another project file where there is one, which stays beside it
    said : `target`, `positive`, `task`, `time`, `key`, `label_delay`, `value`, `name`

    Raises
    ------
    AlreadyThere, Undecided, UnknownColumn
        There is a project file; nothing says what to predict; or what was said does not fit.
    """
    place = Path(folder).resolve()
    found = look(str(find_table(place) if table is None else table), place)
    proposal = decide(found, Answers(**said))
    if proposal.others:
        several = f"nothing says which column should be predicted: {proposal.target}, {', '.join(proposal.others)} or another"
        raise errors.Undecided(several, at="target", fix='name it: target="…"')
    begin(place, found, proposal, replace=replace)
    return open_project(place)


def _or_clock(now: datetime | None) -> datetime:
    return datetime.now(UTC) if now is None else now
