"""Predicting: rows are answered by those who have the roles, and every answer is on record before it leaves."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec.structs import astuple

from keepfit import errors
from keepfit.prediction import Via, new_id, subject_token
from keepfit.serving.answering import Answering, Shadowed, Shadows
from keepfit.serving.counters import Counters
from keepfit.serving.duty import Orders
from keepfit.serving.exchange import Refused
from keepfit.serving.log import Line, Log, payload
from keepfit.serving.merging import Merging
from keepfit.serving.recent import Given, Recent
from keepfit.serving.rows import Asked
from keepfit.serving.served import Answered, Served

__all__ = ["Answer", "Predicting", "Said"]


class Answer(msgspec.Struct, gc=False):
    """What one row's client is told. `replayed`: it is what was answered before under the same id."""

    id: str
    prediction: Any
    outputs: Mapping[str, float]
    decision: Any
    warnings: Sequence[str]
    release: str
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """What a request is told: the release that is champion, and an answer for each row, which may name another release."""

    release: str
    answers: Sequence[Answer]


class _Batch:
    """Rows of one request that one release answers: their places in it, their ids, columns and subjects, side by side."""

    __slots__ = ("found", "ids", "places", "role", "served", "subjects", "values")

    def __init__(self, served: Served, role: Literal["champion", "canary"]) -> None:
        self.served, self.role = served, role
        self.places: list[int] = []
        self.ids: list[str] = []
        self.values: list[Mapping[str, Any]] = []
        self.subjects: list[str | None] = []
        self.found: list[Answered] = []

    def add(self, place: int, name: str, values: Mapping[str, Any], subject: str | None) -> None:
        self.places.append(place)
        self.ids.append(name)
        self.values.append(values)
        self.subjects.append(subject)


class Predicting:
    """Answers rows, keeps what was said, and lets the shadow hear of it."""

    def __init__(self, orders: Orders, log: Log, counters: Counters) -> None:
        self._orders, self._log, self._counters = orders, log, counters
        self._via: Via = "replay" if orders.simulated else "online"
        self._most = orders.limits.most_rows
        self._logs, self._waits = log.name != "none", log.waits
        self._recent = Recent()
        self._merging = Merging()
        self._shadows = Shadows(self._keep_shadowed, _later, counters, time.perf_counter_ns)
        self._of_role = {role: counters.place("keepfit_predictions_total", role) for role in ("champion", "canary")}
        self._warnings, self._replayed = counters.place("keepfit_warnings_total"), counters.place("keepfit_replayed_total")
        self._canary_failures = counters.place("keepfit_canary_failures_total")

    async def answer(self, answering: Answering, asked: Asked, at: datetime, started: int) -> Said:
        """Answer rows, each on record before this returns.

        Rows under ids that were answered in the last ten minutes get the stored answer. What is new is answered by the
        champion, or for its share by the canary: one state of the roles holds for the whole request.

        Raises
        ------
        Refused
            There is no row or are too many, or `ids` and `subjects` do not fit them.
        IdTaken, BadRequest, CannotWrite
            An id stood for another row before; a row cannot be taken; what was said cannot be kept.
        """
        if not 0 < len(asked.rows) <= self._most:
            raise Refused(413 if asked.rows else 422, f"a request holds 1 to {self._most} rows", at="rows", code="KF403")
        said: list[Any] = [None] * len(asked.rows)
        batches = self._batches(answering, asked, said)
        if batches[0].served.merges or len(batches) > 1:
            batches = await self._by_several(answering, batches)
        else:
            self._by(batches[0])
        if self._logs:
            self._record(batches, at, started)
            if self._waits:
                await self._log.lasting()
        for batch in batches:
            self._tell(asked, batch, said)
            if answering.shadow is not None:
                heard = [
                    Shadowed(answering.shadow, name, at, values, subject)
                    for name, values, subject in zip(batch.ids, batch.values, batch.subjects, strict=True)
                    if answering.takes_shadow(values)
                ]
                self._shadows.add(heard, unable=len(batch.ids) - len(heard))
        return Said(answering.champion.release.id, said)

    def finish(self) -> None:
        """Answer all that waits for the shadow."""
        self._shadows.finish()

    def _batches(self, answering: Answering, asked: Asked, said: list[Any]) -> list[_Batch]:
        """The rows that are new, by who answers them; those that were answered before are put among what is said."""
        ids = _ids(asked) if asked.ids is not None else None
        subjects = _subjects(asked) if asked.subjects is not None else None
        names, column = answering.rows.names, answering.champion.subject
        batches = [_Batch(answering.champion, "champion")]
        if answering.canary is not None:
            batches.append(_Batch(answering.canary, "canary"))
        for place, row in enumerate(asked.rows):
            if ids is not None and self._replays(ids[place], row, place, said):
                continue
            values = dict(zip(names, astuple(row), strict=True))
            subject = subjects[place] if subjects is not None else None
            if column is not None and values[column] is not None:
                subject = values[column]
            name = ids[place] if ids is not None else new_id()
            by_canary = answering.canary is not None and answering.chosen(values, subject, name) is answering.canary
            batches[by_canary].add(place, name, values, subject)
        return batches

    def _replays(self, name: str, row: Any, place: int, said: list[Any]) -> bool:
        """Whether an id was answered before, the same row being asked: then the answer is given again."""
        given = self._recent.get(name)
        if given is None:
            return False
        if given.asked != _hash(row):
            raise errors.IdTaken("this id stood for another row before", at=f"ids[{place}]", fix="give every row an id of its own")
        said[place] = msgspec.structs.replace(given.answer, replayed=True)
        self._counters.add(self._replayed)
        return True

    async def _by_several(self, answering: Answering, batches: list[_Batch]) -> list[_Batch]:
        """Batches answered by the canary and the champion; or by a model that is faster with many requests at once."""
        champion, *others = batches
        for canary in others:
            try:
                await self._by_merged(canary)
            except errors.KeepfitError:  # what is on trial fails nobody
                self._counters.add(self._canary_failures, len(canary.places))
                for row in zip(canary.places, canary.ids, canary.values, canary.subjects, strict=True):
                    champion.add(*row)
                others = []
        await self._by_merged(champion)
        return [champion, *others]

    async def _by_merged(self, batch: _Batch) -> None:
        if not batch.served.merges or not batch.places:
            self._by(batch)
            return
        try:
            batch.found = await self._merging.answers(batch.served, batch.values)
        except errors.BadRequest as error:
            raise _placed(error, batch) from None

    def _by(self, batch: _Batch) -> None:
        if not batch.places:
            return
        try:
            batch.found = batch.served.answers(batch.values)
        except errors.BadRequest as error:
            raise _placed(error, batch) from None

    def _record(self, batches: Sequence[_Batch], at: datetime, started: int) -> None:
        """Keep what was said: every row of a request with one write."""
        taken = (time.perf_counter_ns() - started) // 1000
        lines = [
            line
            for batch in batches
            for name, subject, one in zip(batch.ids, batch.subjects, batch.found, strict=True)
            if (line := self._line(batch.role, batch.served, name, at, subject, one, taken)) is not None
        ]
        if lines:
            self._log.keep("predictions", lines)

    def _line(self, role: str, served: Served, name: str, at: datetime, subject: str | None, one: Answered, taken: int) -> bytes | None:
        """A row's record; None when it is not among those that are kept."""
        sample, release = self._orders.sample, served.release
        if sample < 1.0 and zlib.crc32(name.encode()) >= sample * 2**32:
            return None
        private: Mapping[str, Any] = {}
        token = None
        if self._log.private:
            if subject is not None and self._orders.subjects:
                token = subject_token(self._orders.subjects, subject)
            if one.private:
                private = {column: value for column, value in one.private.items() if column != served.subject}
        line = Line(
            id=name,
            at=at,
            project=release.project,
            release=release.id,
            role=role,
            via=self._via,
            time=one.time,
            key=one.key,
            subject=token,
            inputs=one.inputs,
            outputs=one.outputs,
            decision=one.decision,
            warnings=one.warnings,
            latency_us=taken,
            private=private,
            sampling=sample,
        )
        return payload(line)

    def _tell(self, asked: Asked, batch: _Batch, said: list[Any]) -> None:
        """Put a batch's answers in their places, and count them."""
        release, warned = batch.served.release.id, 0
        for place, name, one in zip(batch.places, batch.ids, batch.found, strict=True):
            said[place] = Answer(name, one.prediction, one.outputs, one.decision, one.warnings, release)
            warned += len(one.warnings)
        if asked.ids is not None:
            for place, name in zip(batch.places, batch.ids, strict=True):
                self._recent.keep(name, Given(said[place], _hash(asked.rows[place])))
        self._counters.add(self._of_role[batch.role], len(batch.places))
        if warned:
            self._counters.add(self._warnings, warned)

    def _keep_shadowed(self, said: Sequence[tuple[Shadowed, Answered, int]]) -> None:
        if self._log.name == "none":
            return
        lines = [self._line("shadow", row.shadow, row.name, row.at, row.subject, one, taken) for row, one, taken in said]
        if kept := [line for line in lines if line is not None]:
            self._log.keep("predictions", kept)


_encode = msgspec.json.Encoder().encode


def _hash(row: msgspec.Struct) -> int:
    return hash(_encode(row))


def _later(seconds: float, act: Any) -> object:
    return asyncio.get_running_loop().call_later(seconds, act)


def _placed(error: errors.BadRequest, batch: _Batch) -> errors.BadRequest:
    """A fault with its place in the request instead of that among the rows that one release was given."""
    number, bracket, rest = error.at.removeprefix("rows[").partition("]")
    if bracket and number.isdigit() and int(number) < len(batch.places):
        at = f"rows[{batch.places[int(number)]}]{rest}"
    else:
        at = f"rows[{batch.places[0]}].{error.at}" if len(batch.places) == 1 and error.at else error.at
    return errors.BadRequest(error.message, at=at, fix=error.fix)


def _ids(asked: Asked) -> list[str]:
    """The ids that the client gave: printable, so that they may stand in a log or a terminal."""
    ids = asked.ids or []
    if len(ids) != len(asked.rows) or len(set(ids)) != len(ids) or not all(0 < len(name) <= 200 and name.isprintable() for name in ids):
        raise Refused(422, "ids names every row once, in 1 to 200 printable characters", at="ids", code="KF403")
    return ids


def _subjects(asked: Asked) -> Sequence[str | None]:
    subjects = asked.subjects or []
    if len(subjects) != len(asked.rows):
        raise Refused(422, "subjects names the subject of every row, or null", at="subjects", code="KF403")
    return subjects
