"""The HTTP interface as a plain ASGI application: a table of routes, and who may use them."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

import msgspec

from keepfit import access, errors
from keepfit.instant import parse
from keepfit.serving import health, native
from keepfit.serving.answering import Answering
from keepfit.serving.counters import Counters
from keepfit.serving.duty import Duty, Orders
from keepfit.serving.events import Events
from keepfit.serving.exchange import Headers, Opens, Refused, Request, Response, Route, problem, refusal
from keepfit.serving.log import Log
from keepfit.serving.predicting import Predicting, Said
from keepfit.serving.rates import Rates
from keepfit.serving.rows import Asked

__all__ = ["App", "route_paths"]

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
#: A protocol: the routes that it adds to an application.
Routes: TypeAlias = "Callable[[App], Iterable[Route]]"

#: What is spoken; each module's `routes`.
PROTOCOLS: tuple[Routes, ...] = (native.routes, health.routes)
#: What is counted of requests that no route takes.
NOWHERE = "none"


class App:
    """Answers requests; who answers their rows, and which keys are in force, is exchanged while it runs.

    Parameters
    ----------
    orders : what the worker was told
    log : where answers and labels are kept
    """

    def __init__(
        self, orders: Orders, *, log: Log, counters: Counters | None = None, rates: Rates | None = None, events: Events | None = None
    ) -> None:
        self.orders, self.log = orders, log
        self.events = events or Events(quiet=True)
        self.routes = tuple(route for make in PROTOCOLS for route in make(self))
        self.counters = counters or Counters(route_paths(self.routes))
        self.predicting = Predicting(orders, log, self.counters)
        self.answering: Answering | None = None
        self.duty = Duty()
        #: What is wrong although requests are answered, by what it is about.
        self.alarms: dict[str, str] = {}
        self._rates = rates or Rates(orders.limits.rate)
        self._busy = 0
        self._exact = {(route.method, route.path): route for route in self.routes if "{" not in route.path}
        self._patterns = [(_pattern(route.path), route) for route in self.routes if "{" in route.path]
        self._below = f"/v1/projects/{orders.project}/"

    def close(self) -> None:
        """Answer what waits for the shadow, and seal what is kept."""
        self.predicting.finish()
        self.log.close()

    # -- HTTP -----------------------------------------------------------------------------------

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        started = time.perf_counter_ns()
        label, response = await self._respond(scope, receive, started)
        headers = [(b"content-type", response.kind), (b"content-length", b"%d" % len(response.body)), *response.headers]
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": response.body})
        taken = time.perf_counter_ns() - started
        self.counters.answered(label, response.status, taken)
        if self.orders.access:
            details = {"method": scope["method"], "route": label, "status": response.status, "ms": round(taken / 1e6, 3)}
            self.events.say("request", **details, bytes=len(response.body))

    async def _respond(self, scope: Scope, receive: Receive, started: int) -> tuple[str, Response]:
        """The response to a request, and the path of the route that made it."""
        refuse: Callable[[Refused], Response] = problem
        label = NOWHERE
        self._busy += 1
        try:
            route, parts = self._route(scope["method"], scope["path"])
            refuse, label = route.refuse, route.path
            if route.opens is not None:
                self._admit(route.opens, scope)
            body = await _body(receive, scope["headers"], self.orders.limits.most_bytes)
            request = Request(scope["method"], scope["path"], scope["query_string"], scope["headers"], body, started, parts)
            return label, await route.answer(request)
        except Refused as refused:
            return label, refuse(refused)
        except errors.KeepfitError as error:
            return label, refuse(refusal(error))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return label, refuse(Refused(400, "the body is not JSON, or nested too deep", code="KF403", fix=_NOT_JSON))
        except Exception as error:  # noqa: BLE001 - one request's fault, which may be the owner's code, ends no other
            self.events.say("a request could not be answered", "error", route=label, error=type(error).__name__)
            return label, refuse(Refused(500, "this request could not be answered", fix="see the events of the server"))
        finally:
            self._busy -= 1

    def _route(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """The route of a request, and what stands in the place of its `{name}`s."""
        route = self._exact.get((method, path))
        if route is not None:
            return route, {}
        if path.startswith(self._below):
            path = f"/v1/{path.removeprefix(self._below)}"
            if (route := self._exact.get((method, path))) is not None:
                return route, {}
        known = {verb for verb, taken in self._exact if taken == path}
        for pattern, candidate in self._patterns:
            if found := pattern.fullmatch(path):
                if candidate.method == method:
                    return candidate, found.groupdict()
                known.add(candidate.method)
        if known:
            allowed = ", ".join(sorted(known))
            raise Refused(405, f"{method[:20]} is not answered here", at=path[:200], fix=allowed, headers=((b"allow", allowed.encode()),))
        raise Refused(404, "there is nothing here", at=path[:200], fix="POST /v1/predict, POST /v1/labels, GET /v1/release")

    def _admit(self, opens: Opens, scope: Scope) -> None:
        """Refuse a request whose key does not open the route, or that is one too many."""
        limits, keys = self.orders.limits, self.duty.keys
        client = b""
        if keys or (self.orders.open and opens != "predict"):
            client = _key(scope["headers"])
            if not (self.orders.open and opens == "predict"):
                allowed = access.allows(client.decode("latin-1"), keys, opens) if client else None
                if allowed is None:
                    title = "this key is not known, or was revoked" if client else "this needs a key"
                    fix = "send Authorization: Bearer kf_…; keepfit key create makes one"
                    raise errors.NoKey(title, at="header Authorization", fix=fix)
                if not allowed:
                    raise errors.NarrowKey(f"this key does not open what needs the scope {opens}", at="header Authorization", fix=_WIDER)
        if limits.rate:
            who = client or str((scope.get("client") or ("",))[0]).encode()
            if not self._rates.allows(who, time.time()):
                fix = "wait a second, or send more rows in one request"
                raise errors.TooFast(f"more than {limits.rate} requests in a second", at="this client", fix=fix)
        if self._busy > limits.concurrency:
            raise errors.Overloaded(f"more than {limits.concurrency} requests are under way", at="this worker", fix="try again in a second")

    # -- what routes ask for --------------------------------------------------------------------

    def who_answers(self) -> Answering:
        """The releases in their roles.

        Raises
        ------
        NoChampion
            None is champion now.
        """
        if self.answering is None:
            raise errors.NoChampion("no release is champion now", at=self.orders.project, fix="keepfit promote makes one the champion")
        return self.answering

    def now(self, request: Request) -> datetime:
        """When a request came: by the clock, or by its header on a simulated one."""
        if not self.orders.simulated:
            return datetime.now(UTC)
        try:
            return parse((request.header(b"keepfit-now") or b"").decode())
        except ValueError:
            fix = "send Keepfit-Now: 2013-03-01T00:00Z, or start the server without --simulated"
            raise Refused(400, "this server runs on a simulated clock", at="header Keepfit-Now", fix=fix, code="KF403") from None

    async def answer(self, answering: Answering, asked: Asked, request: Request) -> Said:
        """Answer rows that `answering.rows` read, each on record before this returns; see `Predicting.answer`."""
        return await self.predicting.answer(answering, asked, self.now(request), request.started)


_WIDER = "make a key with this scope: keepfit key create"
_NOT_JSON = "NaN and Infinity are no JSON: send null for what is missing"


def route_paths(routes: Sequence[Route]) -> list[str]:
    """The paths by which requests are counted."""
    return [*dict.fromkeys(route.path for route in routes), NOWHERE]


def _pattern(path: str) -> re.Pattern[str]:
    """A path with `{name}`s as a pattern: each stands for one part between slashes and colons."""
    return re.compile("".join(f"(?P<{part[1:-1]}>[^/:]+)" if part[:1] == "{" else re.escape(part) for part in re.split(r"(\{\w+\})", path)))


def _key(headers: Headers) -> bytes:
    """The key that a request brings; empty when it brings none."""
    for name, value in headers:
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            return value[7:].strip()
    return b""


async def _body(receive: Receive, headers: Headers, most: int) -> bytes:
    for name, value in headers:
        if name == b"content-length" and value.isdigit() and int(value) > most:
            raise _too_large(most)
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message["body"]
        if len(body) > most:
            raise _too_large(most)
        return body
    parts: list[bytes] = []
    size = 0
    while True:
        if message["type"] == "http.disconnect":
            raise Refused(400, "the client went away")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most:
            raise _too_large(most)
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()


def _too_large(most: int) -> Refused:
    return Refused(413, f"a body has at most {most} bytes", fix="send fewer rows at once", code="KF403")
