"""The workspace: a project's folder with its settings, stores and plugins, as one value that is passed."""

from __future__ import annotations

import copy
import getpass
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from pydantic import ValidationError

from keepfit import digest, errors, files, plugin, record
from keepfit.column import Kinds, column_kinds
from keepfit.estimator import Estimator
from keepfit.estimators.owned import OwnedEstimator
from keepfit.gate import Gate
from keepfit.instant import show
from keepfit.ledger import Draft, Entry, Head, Ledger, Resting
from keepfit.release import Roles, roles
from keepfit.source import DATABASES, ENDINGS, Address, Source, kind_of
from keepfit.spec.data import DataSpec
from keepfit.spec.labels import LabelsSpec
from keepfit.spec.load import Loaded, Stated, conceal, expand, find, parse, read
from keepfit.spec.named import built_gates, faults_of_names
from keepfit.spec.places import FILE
from keepfit.spec.project import ProjectSpec
from keepfit.stores.artifacts import Artifacts
from keepfit.stores.cache import Cache
from keepfit.stores.tables import Tables
from keepfit.task import Task

if TYPE_CHECKING:
    import polars as pl

__all__ = ["FORMAT", "Lock", "Workspace", "column_kinds", "format_of", "mark", "open_source"]

#: The version of the folder `.keepfit`.
FORMAT = 1
#: The sections that name a source.
_SOURCES: Mapping[str, type[DataSpec | LabelsSpec]] = {"data": DataSpec, "labels": LabelsSpec}
#: What a folder `.keepfit` that is in use holds some of.
_HELD = ("ledger.sqlite", "artifacts", "tables", "releases")


@dataclass(frozen=True, slots=True)
class Lock:
    """`keepfit.lock`, committed beside the project file: the data, champion and verdict in force, and the ledger's head.

    It is written after the entry that it names and may lag behind the chain; the chain must hold its head.
    """

    record: ClassVar[str] = "lock"
    version: ClassVar[int] = 1

    project: str
    head: Head
    data: str | None = None
    champion: str | None = None
    verdict: str | None = None


class Workspace:
    """A project's folder.

    Parameters
    ----------
    folder : where `keepfit.toml` lies; by `Workspace.find`, there or above
    env, options : overlay and dotted settings, as for `keepfit.spec.load.load`
    home : where its stores lie, in place of `.keepfit` in the folder; `keepfit.lock` lies there too
    """

    def __init__(self, folder: Path, *, env: str | None = None, options: Mapping[str, Any] | None = None, home: Path | None = None) -> None:
        self.folder = folder
        self.env, self.options = env, options
        self.home = folder / ".keepfit" if home is None else home
        self.lock_file = (folder if home is None else home) / "keepfit.lock"
        #: A table that is read in place of the source, whose name it goes under.
        self.stand_in: Path | None = None
        self.stated = read(folder, env=env, options=options)
        spec, found = parse(self.stated)
        if spec is None or found:
            raise errors.Faults([*found, *_faults(self.stated)], at=FILE)
        self.loaded = Loaded(spec, self.stated.places, folder)
        self.artifacts = Artifacts(self.home / "artifacts")
        self.tables = Tables(self.home / "tables" / "snapshots")
        self.segments = self.home / "segments"
        self.cache = Cache(self.home / "cache.sqlite")
        #: What waiting segments held when they were read last, by their names: what tells whether that still holds, and the table.
        self.decoded: dict[str, tuple[object, pl.DataFrame]] = {}

    @classmethod
    def find(cls, start: Path, *, env: str | None = None, options: Mapping[str, Any] | None = None) -> Workspace:
        return cls(find(start.resolve()), env=env, options=options)

    def elsewhere(self, home: Path, common: Path, options: Mapping[str, Any], *, stand_in: Path) -> Workspace:
        """The same project with a ledger, a log and releases of its own under `home`, where nothing reaches this one's.

        Parameters
        ----------
        common : what never changes and is named by its digest is kept here, for several that share it
        options : dotted settings in place of this workspace's
        stand_in : a table that is read in place of the source
        """
        alone = {**(self.options or {}), "stores.ledger": "sqlite", "alerts": {}, **options}
        apart = Workspace(self.folder, env=self.env, options=alone, home=home)
        apart.artifacts = Artifacts(common / "artifacts")
        apart.tables = Tables(common / "tables" / "snapshots")
        apart.cache = Cache(common / "cache.sqlite")
        apart.stand_in = stand_in
        return apart

    @property
    def spec(self) -> ProjectSpec:
        return self.loaded.spec

    @property
    def project(self) -> str:
        return self.spec.problem.name

    def place(self, *key: str) -> str:
        """Where a setting stands, for messages."""
        return self.loaded.places.of(key)

    # -- stores ---------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Make the folder `.keepfit` when it is not there; refuse one of a newer format, and leave an older one as it is."""
        if format_of(self.home) is None:
            mark(self.home)

    @cached_property
    def ledger(self) -> Ledger:
        self.prepare()
        url = self.spec.stores.ledger
        at = self.place("stores", "ledger")
        scheme = url.partition("://")[0]
        opener: Callable[..., Ledger] = plugin.find("ledgers", {"postgres": "postgresql"}.get(scheme, scheme), at=at)
        return opener(self.home / "ledger.sqlite" if url == "sqlite" else expand(url, at=at), self.project)

    def close(self) -> None:
        """Give the ledger's connection back; the next use opens another."""
        if (ledger := self.__dict__.pop("ledger", None)) is not None:
            ledger.close()

    def read_lock(self) -> Lock | None:
        """What `keepfit.lock` says; None when it is not there."""
        if not self.lock_file.exists():
            return None
        return record.read(Lock, self.lock_file.read_bytes(), at=str(self.lock_file))

    def append(self, kind: str, key: list[Any], body: Mapping[str, Any], *, at: datetime, actor: str | None = None) -> Entry:
        """Append one entry, keyed by the digest of its cause, and move `keepfit.lock` after it."""
        return self.append_all(kind, [(key, body)], at=at, actor=actor)[0]

    def append_all(
        self, kind: str, causes: Sequence[tuple[list[Any], Mapping[str, Any]]], *, at: datetime, actor: str | None = None
    ) -> list[Entry]:
        """Append entries that belong together, all or none: a key and a body for each."""
        drafts = [Draft(kind, self.key_of(kind, key), body, at, actor or self.actor) for key, body in causes]
        entries = self.ledger.append(drafts)
        self._move_lock()
        return entries

    def resting_on(self, newest: Mapping[str, int]) -> Workspace:
        """This workspace for someone who has seen the newest entries of some kinds.

        Once the ledger holds newer ones, whatever is appended through it is refused (`Overtaken`).
        """
        resting = copy.copy(self)
        resting.__dict__["ledger"] = Resting(self.ledger, newest)
        return resting

    def key_of(self, kind: str, key: list[Any]) -> str:
        """The key that `append` gives an entry with this cause."""
        return digest.of_value([kind, *record.plain(key)])

    def _move_lock(self) -> None:
        head, now = self.ledger.head(), self.roles()
        data, judged = self.ledger.last("snapshot"), self.ledger.last("verdict")
        moved = Lock(
            self.project,
            head,
            data.body["artifacts"]["snapshot"] if data else None,
            now.champion,
            judged.body["artifacts"]["verdict"] if judged else None,
        )
        text = msgspec.json.format(record.text(moved).encode(), indent=2) + b"\n"
        if not self.lock_file.exists() or self.lock_file.read_bytes() != text:
            files.write_whole(self.lock_file, text)

    def entry(self, kind: str, key: list[Any]) -> Entry | None:
        """The entry of a cause, when it is there."""
        return self.ledger.find(self.key_of(kind, key))

    def roles(self) -> Roles:
        """Which release holds which role now."""
        return roles(self.ledger.entries(kind="release"))

    def release_folder(self, name: str) -> Path:
        return self.home / "releases" / name

    @property
    def actor(self) -> str:
        """Who acts: `KEEPFIT_ACTOR`, or this machine's name for the user."""
        if named := os.environ.get("KEEPFIT_ACTOR"):
            return named
        try:
            return f"person:{getpass.getuser()}"
        except (OSError, KeyError, ImportError):
            return "person:unknown"

    @contextmanager
    def alone(self, *, now: datetime | None = None, wait: float = 600.0, waiting: Callable[[], None] | None = None) -> Iterator[None]:
        """Let one command at a time change this project; give way to another's for up to `wait` seconds.

        Raises
        ------
        EarlierThanNewest
            `now`, which somebody chose, lies before what the ledger saw last: the data would be taken as it was known
            then, and a model of the past could take over.
        """
        self.prepare()
        with files.lock(self.home / "run" / "loop.lock", wait=wait, waiting=waiting):
            self._catch_up()
            seen = self.newest_look() if now is not None else None
            if now is not None and seen is not None and now < seen:
                fix = f"leave --now out, or give an instant from {show(seen)} on; to look into the past use keepfit history"
                message = f"now is said to be {show(now)}, and the newest data or window was seen at {show(seen)}"
                raise errors.EarlierThanNewest(message, at="--now", fix=fix)
            yield

    def newest_look(self) -> datetime | None:
        """When the data or a window was looked at last, by the entries' own clock."""
        last = [entry.at for kind in ("snapshot", "watch") if (entry := self.ledger.last(kind)) is not None]
        return max(last, default=None)

    def beside(self) -> Workspace:
        """This workspace for a person's word, which waits for no other command: one entry, written whole or not at all."""
        self.prepare()
        self._catch_up()
        return self

    def _catch_up(self) -> None:
        """Move `keepfit.lock` after the entries of a command that was killed before it could.

        A chain that does not hold the lock's head was cut or exchanged; adding to it would hide that. An empty
        one is a new beginning: a fresh clone has the lock and no ledger.

        Raises
        ------
        BrokenChain
            The chain does not hold the head that the lock names.
        """
        lock, head = self.read_lock(), self.ledger.head()
        if head.seq == 0 or (lock is not None and lock.head == head):
            return
        known = lock.head if lock else Head()
        if known.seq and next((hash_ for _, _, hash_ in self.ledger.texts(after=known.seq - 1)), None) != known.hash:
            fix = "keepfit ledger verify says more; restore the ledger, or where the chain is right, delete keepfit.lock"
            raise errors.BrokenChain(f"the ledger does not hold entry {known.seq} that keepfit.lock names", at=str(self.lock_file), fix=fix)
        self._move_lock()

    def secret(self, name: str) -> bytes:
        """A key of 32 random bytes under the project's `secrets`, made at its first use."""
        path = self.home / "secrets" / name
        if not path.exists():
            with files.writable(path):
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                path.parent.chmod(0o700)
            with files.lock(self.home / "run" / "secrets.lock", wait=30.0):
                files.write_new(path, os.urandom(32), mode=0o600)
        return path.read_bytes()

    # -- plugins --------------------------------------------------------------------------------

    @cached_property
    def task(self) -> Task:
        task: Task = plugin.find("tasks", self.spec.problem.task, at=self.place("problem", "task"), folder=self.folder)()
        return task

    @cached_property
    def kinds(self) -> Kinds:
        return column_kinds()

    @cached_property
    def gates(self) -> Mapping[str, Gate]:
        """The project's gates.

        Raises
        ------
        Faults
            Kinds, options and metrics that do not hold, all at once.
        """
        built, found = built_gates(self.stated, self.task)
        if found:
            raise errors.Faults(found, at=FILE)
        return built

    def estimator(self, kind: str) -> Estimator:
        found = plugin.find("estimators", kind, at=self.place("model", "estimators"), folder=self.folder)
        if ":" in kind and not (isinstance(found, type) and hasattr(found, "load")):
            return OwnedEstimator(kind, found, self.spec.model.trust, self.folder)
        made: Estimator = found()
        return made

    def source(self) -> Source:
        """The source that the project file names."""
        data = self.spec.data
        at = self.place("data", "source")
        if self.stand_in is not None:
            return open_source(str(self.stand_in), folder=self.folder, at=at)
        return open_source(data.source, folder=self.folder, at=at, table=data.table, query=data.query, missing=data.missing)

    def source_files(self) -> tuple[Path, ...]:
        """The files that the source's table is made of."""
        with self.concealing(self.spec.data.source):
            return self.source().files

    def read_source(self) -> pl.DataFrame:
        """The source's table."""
        with self.concealing(self.spec.data.source, self.spec.data.query or ""):
            return self.source().read()

    @contextmanager
    def concealing(self, *settings: str) -> Iterator[None]:
        """Keep what stands behind the `${NAME}` of settings out of errors: they hold the name, as the project file does."""
        try:
            yield
        except errors.KeepfitError as error:
            for fault in {id(one): one for one in (error, *error.faults)}.values():
                for setting in settings:
                    fault.message, fault.at, fault.fix = (conceal(text, setting) for text in (fault.message, fault.at, fault.fix))
                fault.args = (fault.message,)
            raise error from None

    def check(self) -> None:
        """Everything about the settings that can be said without the data.

        Raises
        ------
        Faults
            All that do not hold, at once.
        """
        found = _faults(self.stated)
        if found:
            raise errors.Faults(found, at=FILE)


def _faults(stated: Stated) -> list[errors.KeepfitError]:
    """What is named by kind and does not hold, the source among it; the settings need not be right in any other way."""
    found = faults_of_names(stated)
    for section, form in _SOURCES.items():
        if section not in stated.values:
            continue
        try:
            said = form.model_validate(stated.values[section])
        except ValidationError:
            continue
        at = stated.places.of((section, "source"))
        try:
            open_source(said.source, folder=stated.folder, at=at, table=said.table, query=said.query, missing=said.missing)
        except errors.KeepfitError as error:
            found.append(error)
    return found


def mark(home: Path) -> None:
    """Write down that a folder `.keepfit` has the format of today, and that nothing in it is for Git."""
    files.write_new(home / ".gitignore", b"*\n")
    files.write_whole(home / "format", digest.canonical({"format": FORMAT, "keepfit": version("keepfit")}).encode() + b"\n")


def format_of(home: Path) -> int | None:
    """The format of a folder `.keepfit`: 0 where it holds a project and no marker, None where it holds none yet.

    Raises
    ------
    BrokenFile, NewerFormat
        It cannot be read; or a newer keepfit wrote it.
    """
    marker = home / "format"
    if not marker.exists():
        return 0 if any((home / name).exists() for name in _HELD) else None
    try:
        written = msgspec.json.decode(marker.read_bytes())
        number, by = int(written["format"]), str(written["keepfit"])
    except (OSError, msgspec.DecodeError, KeyError, TypeError, ValueError):
        raise errors.BrokenFile("the format of this project cannot be read", at=str(marker), fix="restore it from a backup") from None
    if number > FORMAT:
        fix = f"install keepfit {by} or later"
        raise errors.NewerFormat(f"the project has format {number}; this keepfit reads up to {FORMAT}", at=str(marker), fix=fix)
    return number


def open_source(
    url: str, *, folder: Path, at: str, table: str | None = None, query: str | None = None, missing: tuple[str, ...] = ()
) -> Source:
    """The source behind a path, a URL or a function, `${NAME}` in it as it was written; relative paths start at `folder`.

    Raises
    ------
    UnknownKind, MissingKey, Impossible, ExtraNeeded
        Nothing reads such an address, or it lacks what its kind needs.
    """
    address = Address(expand(url, at=at), folder, at, table, expand(query, at=at) if query else None, missing)
    kind = kind_of(address)
    if kind is None:
        fix = f"a path that ends in {', '.join(ENDINGS)}, a folder of such files, a Delta table, a database's URL, or module:function"
        raise errors.UnknownKind(f"nothing is known to read '{url}'", at=at, fix=fix)
    if kind in DATABASES and table is None and query is None:
        raise errors.MissingKey("a database needs a table or a query", at=at, fix='add table = "…" or query = "SELECT …"')
    if kind not in DATABASES and (table or query):
        raise errors.Impossible("a table or a query is for databases", at=at, fix="leave it out, or name a database's URL")
    made: Source = plugin.find("sources", kind, at=at)(address)
    return made
