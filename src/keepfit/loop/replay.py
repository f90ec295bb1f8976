"""Replay: the loop itself over the past, for several policies side by side, with nothing of it written to the project."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from keepfit import errors, files
from keepfit.candidate import Candidate
from keepfit.incident import incidents
from keepfit.instant import from_micros
from keepfit.loop.fit import fit
from keepfit.loop.judge import judge
from keepfit.loop.policies import Rules, to_replay
from keepfit.loop.recorded import Asked, Recorded, asked, beginning, recorded, windows
from keepfit.loop.rehearse import Answers, Past, Shared, instants, rehearse
from keepfit.loop.release import release
from keepfit.loop.take import take
from keepfit.loop.weigh import Played, weigh
from keepfit.progress import Progress, silent
from keepfit.replay import Replay
from keepfit.schema import Schema
from keepfit.spec.length import RowCount
from keepfit.workspace import Workspace

__all__ = ["replay"]

#: Kinds of incidents that may call for a refit; a broken feed or a slow server does not.
_ABOUT_THE_WORLD = frozenset({"quality", "calibration", "drift", "prediction"})


def replay(
    ws: Workspace,
    *,
    now: datetime,
    policies: Sequence[Path] = (),
    begin: datetime | None = None,
    until: datetime | None = None,
    keep: Path | None = None,
    progress: Progress = silent,
) -> Replay:
    """Play the past once for each policy: the same first model, the same rows and labels as they came, the loop's own steps.

    The project's ledger, log and releases are only read. What the source and the log hold is replayed; a model is fitted at `begin` on what
    was known then, and answers from there on.

    Parameters
    ----------
    policies : files that say what differs; without any, the policies that are built in
    begin : by default the project's first release, where it lies in the past with enough after it; else after a sixth of the rows
    until : by default `now`
    keep : a new folder for what was played: the ledger and the log of each policy, under its name; by default nothing is kept

    Raises
    ------
    NoTime, TooShort, BadPolicy, UsageFault
        The rows have no time, are too few, or a policy does not hold.
    """
    rules = to_replay(ws, policies)
    if keep is not None:
        _new(keep)
    progress("reading the past")
    rows = recorded(ws, now=min(now, until or now))
    end = _end(ws, rows, until or now)
    start = beginning(ws, rows, end=end) if begin is None else begin
    if rows.place(start) == 0 or not instants(ws, rows, start, end):
        fix = "begin where rows lie before and whole windows after it: --from, --until"
        raise errors.TooShort(f"nothing can be replayed from {start:%Y-%m-%d} to {end:%Y-%m-%d}", at="--from", fix=fix)
    with tempfile.TemporaryDirectory(prefix="keepfit-replay-") as place:
        return _Play(ws, rows, start, end, keep or Path(place), keep is not None, progress).whole(rules)


def _new(folder: Path) -> None:
    """Refuse a folder in which something is."""
    if folder.exists() and any(folder.iterdir()):
        raise errors.BadArgument("the folder is not empty", at=str(folder), fix="name a new one: --keep FOLDER")
    with files.writable(folder):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def _end(ws: Workspace, rows: Recorded, until: datetime) -> datetime:
    """The last instant to play: when the labels of the last whole window are due, at most `until`."""
    if not rows.times.size:
        return until
    delay, length = ws.spec.problem.label_delay.delta, ws.spec.monitor.window
    first, last = (from_micros(int(one)) for one in (rows.times.min(), rows.times.max()))
    beyond = last + delay + (timedelta(days=1) if isinstance(length, RowCount) else length.delta)
    found = windows(ws, rows, first, min(until, beyond))
    return found[-1].end + delay if found else until


@dataclass
class _Play:
    """One replay while it is played, in a folder of its own."""

    ws: Workspace
    rows: Recorded
    begin: datetime
    end: datetime
    place: Path
    keeps: bool
    progress: Progress

    def whole(self, rules: Sequence[Rules]) -> Replay:
        """Everything: the first model, each policy, and what it comes to."""
        first, candidate, notes = self._first()
        known = first.artifacts.get_record(Schema, candidate.schema)
        later = asked(first, self.rows.frame.slice(self.rows.place(self.begin)), known, candidate.classes)
        first.close()
        shared, found, opened = Shared(), dict[str, Answers](), dict[str, Any]()
        for number, one in enumerate(rules, 1):
            said = f"{one.name} ({number} of {len(rules)})"
            found[one.name], opened[one.name] = self._policy(one, first, later, candidate.classes, shared, said)
        self.progress("comparing the policies")
        past = Played(self.ws, self.rows, later, known, candidate, self.begin, self.end)
        return weigh(past, rules, found, opened, notes=notes)

    def _first(self) -> tuple[Workspace, Candidate, tuple[str, ...]]:
        """The stores that every policy begins with: the first model, released as champion."""
        ws = self._stores("first model", {})
        notes = []
        self.progress(f"fitting the first model, as of {self.begin:%Y-%m-%d}")
        taken = take(ws, now=self.begin)
        fitted = fit(ws, taken, now=self.begin, progress=self.progress)
        said = judge(ws, fitted, taken, now=self.begin)
        if said.verdict.status != "passed":
            not_passed = ", ".join(outcome.gate for outcome in said.verdict.outcomes if outcome.status in {"failed", "undecided"})
            notes.append(f"the first model did not pass its gates ({not_passed}); the replay lets it answer all the same")
        release(ws, fitted.candidate, role="champion", because="a replay begins with it", cause=[said.entry.key], now=self.begin)
        if ws.spec.refit.promote == "approval" or self.ws.spec.refit.promote == "approval":
            notes.append("a person's approval is taken as given at once")
        return ws, fitted.candidate, tuple(notes)

    def _stores(self, name: str, settings: Mapping[str, Any]) -> Workspace:
        source = self.place / "source.parquet"
        if not source.exists():
            self.rows.before(self.begin).write_parquet(source)
        return self.ws.elsewhere(self.place / name, self.place / "common", {**settings, "refit.promote": "auto"}, stand_in=source)

    def _policy(
        self, rules: Rules, first: Workspace, later: Asked, classes: tuple[Any, ...], shared: Shared, said: str
    ) -> tuple[Answers, list[tuple[str, datetime, datetime | None]]]:
        """Rehearse one policy; what it answered, and the incidents that it opened."""
        home = self.place / re.sub(r"[^a-z0-9]+", "-", rules.name.lower()).strip("-")
        shutil.copytree(first.home, home)
        ws = self._stores(home.name, rules.settings)
        span = (self.end - self.begin).total_seconds()

        def played(now: datetime) -> None:
            self.progress(f"{said}: {now:%Y-%m-%d}, {(now - self.begin).total_seconds() / span:.0%}")

        past = Past(self.rows, later, classes, self.begin, self.end)
        answers = rehearse(ws, past, shared=shared, at_once=rules.at_once, played=played)
        opened = [
            (one.kind, one.since, one.closed) for one in incidents(ws.ledger.entries(kind="incident")) if one.kind in _ABOUT_THE_WORLD
        ]
        ws.close()
        if not self.keeps:
            shutil.rmtree(home)
        return answers, opened
