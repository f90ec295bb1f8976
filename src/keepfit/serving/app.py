"""The HTTP interface as a plain ASGI application: a table of routes, and who answers the rows that come through them."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

import msgspec

from keepfit import errors
from keepfit.instant import parse
from keepfit.prediction import Via, new_id, subject_token
from keepfit.serving import health, native
from keepfit.serving.exchange import Headers, Refused, Request, Response, Route, problem, refusal
from keepfit.serving.log import Line, Log, payload
from keepfit.serving.rows import Asked, Rows
from keepfit.serving.served import Answered, Served

__all__ = ["MOST_BYTES", "MOST_ROWS", "Answer", "App", "Said"]

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
#: A protocol: the routes that it adds to an application.
Routes: TypeAlias = "Callable[[App], Iterable[Route]]"

MOST_BYTES = 6_291_456
MOST_ROWS = 10_000


class Answer(msgspec.Struct, gc=False):
    """What one row's client is told."""

    id: str
    prediction: Any
    outputs: Any
    decision: Any
    warnings: Sequence[str]


@dataclass(frozen=True, slots=True)
class Said:
    """What a request is told: the release that answered, and an answer for each of its rows."""

    release: str
    answers: Sequence[Answer]


class App:
    """Answers for the champion; `served` is exchanged as a whole when another takes the role.

    Parameters
    ----------
    served : the release that answers
    log : where answers and labels are kept
    subjects : the key under which a subject's token is made
    simulated : take the time from the header `Keepfit-Now`, and refuse requests without it
    protocols : what is spoken besides the native routes
    """

    def __init__(
        self, served: Served | None, *, log: Log, subjects: bytes | None = None, simulated: bool = False, protocols: Sequence[Routes] = ()
    ) -> None:
        self.log, self.simulated = log, simulated
        self._subjects = subjects
        self._via: Via = "replay" if simulated else "online"
        self._below = "/v1/projects/"
        if served is not None:
            self.take(served)
        found = [route for make in (native.routes, health.routes, *protocols) for route in make(self)]
        self.routes = tuple(found)
        self._exact = {(route.method, route.path): route for route in found if "{" not in route.path}
        self._patterns = [(_pattern(route.path), route) for route in found if "{" in route.path]

    def take(self, served: Served) -> None:
        """Let another release answer, from the next request on."""
        self.served = served
        self.rows = Rows(served.release)
        self._below = f"/v1/projects/{served.release.project}/"

    def close(self) -> None:
        """Seal what is kept."""
        self.log.close()

    # -- HTTP -----------------------------------------------------------------------------------

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        response = await self._respond(scope, receive)
        headers = [(b"content-type", response.kind), (b"content-length", b"%d" % len(response.body)), *response.headers]
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": response.body})

    async def _respond(self, scope: Scope, receive: Receive) -> Response:
        started = time.perf_counter_ns()
        refuse: Callable[[Refused], Response] = problem
        try:
            route, parts = self._route(scope["method"], scope["path"])
            refuse = route.refuse
            body = await _body(receive, scope["headers"])
            request = Request(scope["method"], scope["path"], scope["query_string"], scope["headers"], body, started, parts)
            return await route.answer(request)
        except Refused as refused:
            return refuse(refused)
        except errors.KeepfitError as error:
            return refuse(refusal(error))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return refuse(Refused(400, "the body is not JSON", code="KF403", fix=_NOT_JSON))

    def _route(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """The route of a request, and what stands in the place of its `{name}`s."""
        route = self._exact.get((method, path))
        if route is not None:
            return route, {}
        if path.startswith(self._below):
            path = f"/v1/{path.removeprefix(self._below)}"
            if (route := self._exact.get((method, path))) is not None:
                return route, {}
        others = any(known == path for _, known in self._exact)
        for pattern, candidate in self._patterns:
            if found := pattern.fullmatch(path):
                if candidate.method == method:
                    return candidate, found.groupdict()
                others = True
        if others:
            raise Refused(405, f"{method[:20]} is not answered here", at=path[:200])
        raise Refused(404, "there is nothing here", at=path[:200], fix="POST /v1/predict, POST /v1/labels, GET /v1/release")

    # -- what routes ask for --------------------------------------------------------------------

    def now(self, request: Request) -> datetime:
        """When a request came: by the clock, or by its header on a simulated one."""
        if not self.simulated:
            return datetime.now(UTC)
        try:
            return parse((request.header(b"keepfit-now") or b"").decode())
        except ValueError:
            fix = "send Keepfit-Now: 2013-03-01T00:00Z, or start the server without --simulated"
            raise Refused(400, "this server runs on a simulated clock", at="header Keepfit-Now", fix=fix, code="KF403") from None

    async def answer(self, asked: Asked, request: Request) -> Said:
        """Answer rows, each on record before this returns. All rows are answered by one release.

        Raises
        ------
        Refused
            There is no row or are too many, or `ids` and `subjects` do not fit them.
        BadRequest, CannotWrite
            A row cannot be taken; what was said cannot be kept.
        """
        at, rows = self.now(request), asked.rows
        if not 0 < len(rows) <= MOST_ROWS:
            raise Refused(413 if rows else 422, f"a request holds 1 to {MOST_ROWS} rows", at="rows", code="KF403")
        ids = _ids(asked) if asked.ids is not None else [new_id() for _ in rows]
        subjects = _subjects(asked)
        served, names = self.served, self.rows.names
        found = served.answers([dict(zip(names, msgspec.structs.astuple(row), strict=True)) for row in rows])
        taken = (time.perf_counter_ns() - request.started) // 1000
        lines = [
            payload(self._line(served, name, at, one, subject, taken)) for name, one, subject in zip(ids, found, subjects, strict=True)
        ]
        self.log.predictions(lines)
        answers = [Answer(name, one.prediction, one.outputs, one.decision, one.warnings) for name, one in zip(ids, found, strict=True)]
        return Said(served.release.id, answers)

    def _line(self, served: Served, name: str, at: datetime, one: Answered, subject: str | None, taken: int) -> Line:
        if served.subject is not None:
            subject = one.private.pop(served.subject, None) or subject
        token = subject_token(self._subjects, subject) if subject is not None and self._subjects else None
        release = served.release
        return Line(
            name,
            at,
            release.project,
            release.id,
            "champion",
            self._via,
            one.time,
            one.key,
            token,
            one.inputs,
            one.outputs,
            one.decision,
            one.warnings,
            taken,
            one.private,
        )


_NOT_JSON = "NaN and Infinity are no JSON: send null for what is missing"


def _pattern(path: str) -> re.Pattern[str]:
    """A path with `{name}`s as a pattern: each stands for one part between slashes and colons."""
    return re.compile("".join(f"(?P<{part[1:-1]}>[^/:]+)" if part[:1] == "{" else re.escape(part) for part in re.split(r"(\{\w+\})", path)))


def _ids(asked: Asked) -> list[str]:
    """The ids that the client gave."""
    ids = asked.ids or []
    if len(ids) != len(asked.rows) or len(set(ids)) != len(ids) or not all(0 < len(name) <= 200 for name in ids):
        raise Refused(422, "ids names every row once, in 1 to 200 characters", at="ids", code="KF403")
    return ids


def _subjects(asked: Asked) -> Sequence[str | None]:
    subjects = asked.subjects
    if subjects is None:
        return [None] * len(asked.rows)
    if len(subjects) != len(asked.rows):
        raise Refused(422, "subjects names the subject of every row, or null", at="subjects", code="KF403")
    return subjects


async def _body(receive: Receive, headers: Headers) -> bytes:
    for name, value in headers:
        if name == b"content-length" and value.isdigit() and int(value) > MOST_BYTES:
            raise _too_large()
    message = await receive()
    if not message.get("more_body") and message["type"] == "http.request":
        body: bytes = message["body"]
        if len(body) > MOST_BYTES:
            raise _too_large()
        return body
    parts: list[bytes] = []
    size = 0
    while True:
        if message["type"] == "http.disconnect":
            raise Refused(400, "the client went away")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MOST_BYTES:
            raise _too_large()
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()


def _too_large() -> Refused:
    return Refused(413, f"a body has at most {MOST_BYTES} bytes", fix="send fewer rows at once", code="KF403")
