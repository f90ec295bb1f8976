"""Rehearse: one policy over the past, through the same steps as live, in stores of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from keepfit import digest, errors, record
from keepfit.candidate import Candidate
from keepfit.instant import micros
from keepfit.loop import fold
from keepfit.loop.keys import row_numbers, shares
from keepfit.loop.models import candidate_behind, load_model
from keepfit.loop.recorded import Asked, Recorded, windows
from keepfit.loop.release import promote
from keepfit.loop.score import json_texts
from keepfit.loop.state import LOOKS
from keepfit.loop.turn import Turn, turn
from keepfit.progress import Progress, silent
from keepfit.release import Roles
from keepfit.schema import Schema
from keepfit.task import Outputs
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

__all__ = ["Answers", "Past", "Shared", "instants", "rehearse"]

#: More turns than this at one instant are none that a loop ends by itself.
MOST_TURNS = 100


@dataclass
class Shared:
    """What rehearsals do once for all: a model's outputs for rows by their place, and the processor time that its fit took."""

    outputs: dict[tuple[str, int, int], Outputs] = field(default_factory=dict)
    fits: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Answers:
    """What a policy answered, row by row: output fields and decisions, and which rows were answered at all.

    `promotions` are (when, release); `fits` and `seconds` count the models fitted after the first; `learned` is the last instant at which
    labels were learned from or raced on; `failed` are the codes of what actions failed by.
    """

    outputs: Outputs
    decisions: NDArray[Any]
    answered: NDArray[np.bool_]
    promotions: tuple[tuple[datetime, str], ...]
    fits: int
    seconds: float
    learned: datetime | None
    failed: tuple[str, ...] = ()


def instants(ws: Workspace, rows: Recorded, begin: datetime, end: datetime) -> list[datetime]:
    """When the loop looks: at each window's end and its label delay; in between too, while a stage may be under way."""
    lengths = windows(ws, rows, begin, end)
    delay = ws.spec.problem.label_delay.delta
    found = {window.end + delay for window in lengths}
    if ws.spec.refit.stages:
        found |= {window.begin + (window.end - window.begin) * part / LOOKS for window in lengths for part in range(LOOKS)}
    return sorted(one for one in found if begin < one <= end)


@dataclass(frozen=True, slots=True)
class Past:
    """What is played: every row, those after `begin` as the log keeps them, and the classes under which answers are given back."""

    rows: Recorded
    asked: Asked
    classes: tuple[Any, ...]
    begin: datetime
    end: datetime


def rehearse(
    ws: Workspace,
    past: Past,
    *,
    shared: Shared,
    at_once: bool = False,
    progress: Progress = silent,
    played: Callable[[datetime], None] = lambda _: None,
) -> Answers:
    """Answer the rows as they came, bring their labels when they were known, and turn whenever something is due.

    Parameters
    ----------
    ws : stores of its own, in which a release is champion
    at_once : promote every refit, whatever it is worth
    played : called after each instant with it
    """
    stage = _Stage(ws, past, shared)
    for now in instants(ws, past.rows, past.begin, past.end):
        stage.answer(now)
        stage.tell(now)
        if ws.spec.refit.data == "source":  # else the log brings these rows
            ws.stand_in = ws.home / "source.parquet"
            past.rows.before(now).write_parquet(ws.stand_in)
        _turn_until_done(stage, now, at_once, progress)
        played(now)
    stage.answer(past.end)
    return stage.answers


def _turn_until_done(stage: _Stage, now: datetime, at_once: bool, progress: Progress) -> None:
    for _ in range(MOST_TURNS):
        begun = time.process_time()
        try:
            done = turn(stage.ws, now=now, progress=progress)
        except errors.KeepfitError as error:  # it is on record, and tried again or given up as it would be live
            stage.failed.append(error.code)
            continue
        if not done.did_something:
            return
        stage.note(done, now, time.process_time() - begun)
        if at_once and done.action.kind == "refit" and done.release is not None:
            promote(stage.ws, done.release, because="every refit takes over", now=now)
            stage.promotions.append((now, done.release))


class _Stage:
    """What was asked and told so far, and what came of it."""

    def __init__(self, ws: Workspace, past: Past, shared: Shared) -> None:
        import numpy as np  # the command line starts without it

        asked = past.asked
        self.ws, self.asked, self.classes, self.shared = ws, asked, past.classes, shared
        self._from, self._labels = int(asked.times.searchsorted(micros(past.begin))), asked.labels["received_at"].cast(int).to_numpy()
        self._told, self._order = 0, np.argsort(self._labels, kind="stable")
        self._outputs: dict[str, NDArray[np.float64]] = {}
        self._decisions: NDArray[Any] | None = None
        self._answered = np.zeros(asked.times.size, dtype=np.bool_)
        self.promotions: list[tuple[datetime, str]] = []
        self.failed: list[str] = []
        self._fits, self._seconds = 0, 0.0
        self._learned: datetime | None = None

    @property
    def answers(self) -> Answers:
        decisions = self._answered if self._decisions is None else self._decisions
        made = (tuple(self.promotions), self._fits, self._seconds, self._learned, tuple(self.failed))
        return Answers(self._outputs, decisions, self._answered, *made)

    def note(self, done: Turn, now: datetime, seconds: float) -> None:
        """Count what a turn did."""
        kind = done.action.kind
        if kind == "refit" and done.candidate is not None:
            self._fits += 1
            made = candidate_behind(self.ws, done.release)
            assert made is not None
            self._seconds += self.shared.fits.setdefault(_model(made[0]), seconds)
        if kind in {"promote", "rollback"} and done.release == done.action.release and done.release is not None:
            self.promotions.append((now, done.release))
        if kind in {"refit", "compare", "test"}:
            self._learned = now

    def answer(self, until: datetime) -> None:
        """Answer the rows whose time lies before an instant by the releases that hold the roles now, and keep the answers."""
        first, last = self._from, int(self.asked.times.searchsorted(micros(until)))
        self._from = last
        if first == last:
            return
        frames = []
        roles = self.ws.roles()
        for release, role, mask in self._parts(roles, first, last):
            found = candidate_behind(self.ws, release)
            if found is None or not mask.any():
                continue
            frames.append(self._kept(found[0], (str(release), role), first, last, mask))
        if frames:
            import polars as pl  # the command line starts without it

            fold.keep_played(self.ws, "predictions", pl.concat(frames).sort("id"), at=until)

    def _parts(self, roles: Roles, first: int, last: int) -> list[tuple[str | None, str, NDArray[np.bool_]]]:
        """Who answers which rows: the canary its share, chosen by the rows' keys, the champion the others."""
        import numpy as np  # the command line starts without it

        everything = np.ones(last - first, dtype=np.bool_)
        if roles.canary is None:
            return [(roles.champion, "champion", everything)]
        known = self._known(roles.canary)
        drawn = shares(row_numbers(self.asked.frame.slice(first, last - first), known) ^ _salt(roles.canary))
        canary = np.asarray(drawn < roles.share)
        return [(roles.champion, "champion", ~canary), (roles.canary, "canary", canary)]

    def _known(self, release: str) -> Schema:
        found = candidate_behind(self.ws, release)
        assert found is not None
        return self.ws.artifacts.get_record(Schema, found[0].schema)

    def _kept(self, candidate: Candidate, who: tuple[str, str], first: int, last: int, mask: NDArray[np.bool_]) -> pl.DataFrame:
        """The log's rows for those of a mask, and what was answered in the place of each."""
        import numpy as np
        import polars as pl  # the command line starts without it

        outputs, task = self._say(candidate, first, last), self.ws.task
        decided = task.answers(outputs, candidate.classes, candidate.threshold)[1]
        for name, values in task.under(outputs, candidate.classes, self.classes).items():
            whole = self._outputs.setdefault(name, np.full(self.asked.times.size, np.nan))
            whole[first:last][mask] = values[mask]
        said = task.decide(outputs, candidate.threshold)
        if self._decisions is None:
            self._decisions = np.zeros(self.asked.times.size, dtype=said.dtype)
        self._decisions[first:last][mask] = said[mask]
        self._answered[first:last] |= mask
        release, role = who
        kept = self.asked.kept.slice(first, last - first).with_columns(
            release=pl.lit(release), role=pl.lit(role), decision=json_texts(decided)
        )
        kept = kept.hstack([pl.Series(f"{fold.OUTPUT}{name}", values) for name, values in outputs.items()])
        return kept.filter(pl.Series(mask))

    def _say(self, candidate: Candidate, first: int, last: int) -> Outputs:
        key = (_model(candidate), first, last)
        if key not in self.shared.outputs:
            self.shared.outputs[key] = load_model(self.ws, candidate).predict(self.asked.frame.slice(first, last - first))
        return self.shared.outputs[key]

    def tell(self, now: datetime) -> None:
        """Bring the labels that came to be known since the last time."""

        until = int((self._labels <= micros(now)).sum())
        if until > self._told:
            places = self._order[self._told : until]
            fold.keep_played(self.ws, "labels", self.asked.labels[places.tolist()], at=now)
            self._told = until


def _model(candidate: Candidate) -> str:
    """Names a model by what it answers with, whatever its candidate is called."""
    return digest.of_value([record.plain(candidate.files), record.plain(candidate.calibration), candidate.threshold])


def _salt(release: str) -> Any:
    import numpy as np  # the command line starts without it

    return np.uint64(int(digest.of_value(["canary", release])[3:19], 16))
