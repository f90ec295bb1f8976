"""Predicting: rows are answered by those who have the roles, and every answer is on record before it leaves."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

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


class _Row(NamedTuple):
    """A row on its way: its place in the request, its id, its columns, whose it is, and who answers it."""

    place: int
    id: str
    values: Mapping[str, Any]
    subject: str | None
    served: Served


class Predicting:
    """Answers rows, keeps what was said, and lets the shadow hear of it."""

    def __init__(self, orders: Orders, log: Log, counters: Counters) -> None:
        self._orders, self._log, self._counters = orders, log, counters
        self._via: Via = "replay" if orders.simulated else "online"
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
            There is no row or are too many, or `ids` and `subjects` do not fit them, or an id stood for another row before.
        BadRequest, CannotWrite
            A row cannot be taken; what was said cannot be kept.
        """
        if not 0 < len(asked.rows) <= self._orders.limits.most_rows:
            message = f"a request holds 1 to {self._orders.limits.most_rows} rows"
            raise Refused(413 if asked.rows else 422, message, at="rows", code="KF403")
        said: list[Answer | None] = [None] * len(asked.rows)
        rows = self._rows(answering, asked, said)
        if rows:
            found = await self._answers(answering, rows)
            self._record(answering, rows, found, at, started)
            if self._log.waits:
                await self._log.lasting()
            self._tell(asked, rows, found, said)
            if answering.shadow is not None:
                self._shadows.add([Shadowed(answering.shadow, row.id, at, row.values, row.subject) for row in rows])
        return Said(answering.champion.release.id, [one for one in said if one is not None])

    def finish(self) -> None:
        """Answer all that waits for the shadow."""
        self._shadows.finish()

    def _rows(self, answering: Answering, asked: Asked, said: list[Answer | None]) -> list[_Row]:
        """The rows that are new; those that were answered before are put among what is said."""
        ids = _ids(asked) if asked.ids is not None else None
        subjects = _subjects(asked)
        names, column = answering.rows.names, answering.champion.subject
        rows = []
        for place, row in enumerate(asked.rows):
            if ids is not None and (given := self._recent.get(ids[place])) is not None:
                if given.asked != _hash(row):
                    fix = "give every row an id of its own"
                    raise errors.IdTaken("this id stood for another row before", at=f"ids[{place}]", fix=fix)
                said[place] = msgspec.structs.replace(given.answer, replayed=True)
                self._counters.add(self._replayed)
                continue
            values = dict(zip(names, msgspec.structs.astuple(row), strict=True))
            subject = subjects[place] if subjects is not None else None
            if column is not None and values[column] is not None:
                subject = values[column]
            name = ids[place] if ids is not None else new_id()
            served = answering.champion if answering.canary is None else answering.chosen(values, subject, name)
            rows.append(_Row(place, name, values, subject, served))
        return rows

    async def _answers(self, answering: Answering, rows: Sequence[_Row]) -> list[tuple[Served, Answered]]:
        """What is said of each row, and by whom."""
        champion = answering.champion
        if answering.canary is None:
            return [(champion, one) for one in await self._by(champion, rows)]
        found: dict[int, tuple[Served, Answered]] = {}
        for_canary = [row for row in rows if row.served is not champion]
        try:
            for row, one in zip(for_canary, await self._by(answering.canary, for_canary), strict=True):
                found[row.place] = answering.canary, one
        except errors.KeepfitError:  # what is on trial fails nobody
            self._counters.add(self._canary_failures, len(for_canary))
        rest = [row for row in rows if row.place not in found]
        for row, one in zip(rest, await self._by(champion, rest), strict=True):
            found[row.place] = champion, one
        return [found[row.place] for row in rows]

    async def _by(self, served: Served, rows: Sequence[_Row]) -> list[Answered]:
        if not rows:
            return []
        values = [row.values for row in rows]
        try:
            return await self._merging.answers(served, values) if served.merges else served.answers(values)
        except errors.BadRequest as error:
            raise errors.BadRequest(error.message, at=_in_request(error.at, rows), fix=error.fix) from None

    def _record(
        self, answering: Answering, rows: Sequence[_Row], found: Sequence[tuple[Served, Answered]], at: datetime, started: int
    ) -> None:
        """Keep what was said, and count it."""
        if self._log.name != "none":
            taken = (time.perf_counter_ns() - started) // 1000
            lines = []
            for row, (served, one) in zip(rows, found, strict=True):
                role = "champion" if served is answering.champion else "canary"
                if (line := self._line(role, served, row.id, at, row.subject, one, taken)) is not None:
                    lines.append(line)
            if lines:
                self._log.keep("predictions", lines)
        by_canary = sum(served is not answering.champion for served, _ in found) if answering.canary is not None else 0
        self._counters.add(self._of_role["champion"], len(rows) - by_canary)
        if by_canary:
            self._counters.add(self._of_role["canary"], by_canary)
        if warned := sum(len(one.warnings) for _, one in found):
            self._counters.add(self._warnings, warned)

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
            private = {column: value for column, value in one.private.items() if column != served.subject} if one.private else {}
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

    def _tell(self, asked: Asked, rows: Sequence[_Row], found: Sequence[tuple[Served, Answered]], said: list[Answer | None]) -> None:
        for row, (served, one) in zip(rows, found, strict=True):
            answer = Answer(row.id, one.prediction, one.outputs, one.decision, one.warnings, served.release.id)
            said[row.place] = answer
            if asked.ids is not None:
                self._recent.keep(row.id, Given(answer, _hash(asked.rows[row.place])))

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


def _in_request(at: str, rows: Sequence[_Row]) -> str:
    """A place among the rows that one release was given, as a place in the request."""
    head, bracket, rest = at.removeprefix("rows[").partition("]")
    if not bracket or not head.isdigit() or int(head) >= len(rows):
        return f"rows[{rows[0].place}].{at}" if len(rows) == 1 and at else at
    return f"rows[{rows[int(head)].place}]{rest}"


def _ids(asked: Asked) -> list[str]:
    """The ids that the client gave: printable, so that they may stand in a log or a terminal."""
    ids = asked.ids or []
    if len(ids) != len(asked.rows) or len(set(ids)) != len(ids) or not all(0 < len(name) <= 200 and name.isprintable() for name in ids):
        raise Refused(422, "ids names every row once, in 1 to 200 printable characters", at="ids", code="KF403")
    return ids


def _subjects(asked: Asked) -> Sequence[str | None] | None:
    if asked.subjects is not None and len(asked.subjects) != len(asked.rows):
        raise Refused(422, "subjects names the subject of every row, or null", at="subjects", code="KF403")
    return asked.subjects
