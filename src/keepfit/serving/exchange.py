"""What comes in and what goes back over HTTP, as plain values, and the table by which the one becomes the other.

A protocol is a module with `routes(app) -> list[Route]`. Each route's `answer` decodes a request, lets the
application answer its rows, and encodes what was said; `refuse` gives a refusal the form that its clients expect.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

import msgspec

from keepfit import errors

__all__ = [
    "JSON",
    "PROBLEM",
    "Headers",
    "Opens",
    "Refused",
    "Request",
    "Response",
    "Route",
    "Taken",
    "in_words",
    "json_body",
    "problem",
    "refusal",
]

Headers: TypeAlias = "list[tuple[bytes, bytes]]"
#: What a key must allow for a route to answer; None answers everyone, as probes of an orchestrator need it.
Opens: TypeAlias = Literal["predict", "label", "explain", "admin"]

JSON = b"application/json"
PROBLEM = b"application/problem+json"


class Request(msgspec.Struct, frozen=True, gc=False):
    """One request, whole. `started` is `time.perf_counter_ns()` when its head had been read; `parts` are what stood
    in the place of a route's `{name}`s.
    """

    method: str
    path: str
    query: bytes
    headers: Headers
    body: bytes
    started: int
    parts: Mapping[str, str] = {}

    def header(self, name: bytes) -> bytes | None:
        """A header by its name in small letters."""
        for known, value in self.headers:
            if known == name:
                return value
        return None


class Taken(msgspec.Struct, frozen=True, gc=False):
    """A request whose head was looked at and found good. `continues`: its client waits to be told to send the body."""

    route: Route
    method: str
    path: str
    query: bytes
    headers: Headers
    started: int
    parts: Mapping[str, str]
    continues: bool


class Response(msgspec.Struct, frozen=True, gc=False):
    """What goes back."""

    status: int
    body: bytes
    kind: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Refused(Exception):
    """A request that is not answered: its HTTP status, and what, where and what to do about it, without a value of it."""

    def __init__(
        self, status: int, title: str, *, at: str = "", fix: str = "", code: str = "", headers: tuple[tuple[bytes, bytes], ...] = ()
    ) -> None:
        super().__init__(title)
        self.status, self.title, self.at, self.fix, self.code, self.headers = status, title, at, fix, code, headers


_RETRY = (b"retry-after", b"1")
#: What is neither the client's row (422) nor a store (503).
_STATUSES: Mapping[type[errors.KeepfitError], tuple[int, tuple[tuple[bytes, bytes], ...]]] = {
    errors.NoKey: (401, ((b"www-authenticate", b"Bearer"),)),
    errors.NarrowKey: (403, ()),
    errors.IdTaken: (409, ()),
    errors.TooFast: (429, (_RETRY,)),
    errors.Overloaded: (503, (_RETRY,)),
    errors.NoChampion: (503, (_RETRY,)),
}


def refusal(error: errors.KeepfitError) -> Refused:
    """An error as a refusal: a request's own is 422, a store's is 503 and names no place on this machine."""
    usual = (422, ()) if isinstance(error, errors.UsageFault) else (503, (_RETRY,))
    status, headers = _STATUSES.get(type(error), usual)
    at = error.at if isinstance(error, errors.UsageFault) else ""
    return Refused(status, error.message, at=at, fix=error.fix, code=error.code, headers=headers)


def problem(refused: Refused) -> Response:
    """A refusal as a problem document (RFC 9457)."""
    said: dict[str, Any] = {"type": "about:blank", "title": refused.title, "status": refused.status}
    body = msgspec.json.encode(said | {"code": refused.code, "at": refused.at, "fix": refused.fix})
    return Response(refused.status, body, PROBLEM, refused.headers)


class Route(NamedTuple):
    """One line of the table of routes.

    Parameters
    ----------
    path : as it stands in a request, or with `{name}` for one part between slashes (or before a colon)
    answer : makes the response; it may raise `Refused`, and `errors.KeepfitError`, which becomes one
    opens : the scope that a key must have
    refuse : the form of a refusal on this route
    """

    method: str
    path: str
    answer: Callable[[Request], Awaitable[Response]]
    opens: Opens | None = "predict"
    refuse: Callable[[Refused], Response] = problem


def in_words(refused: Refused) -> str:
    """A refusal as one text, for protocols that have no more room."""
    return "; ".join(part for part in (refused.title, refused.at and f"at {refused.at}", refused.fix) if part)


def json_body(request: Request) -> bytes:
    """The body of a request that says it is JSON: what a page of another site may post without asking says something else."""
    kind = request.header(b"content-type") or b""
    if kind.split(b";")[0].strip().lower() != JSON:
        raise Refused(415, "the body must be JSON", at="header Content-Type", fix="send Content-Type: application/json", code="KF403")
    if request.header(b"content-encoding") not in (None, b"identity"):
        raise Refused(415, "the body must not be compressed", at="header Content-Encoding", fix="send it as it is", code="KF403")
    return request.body
