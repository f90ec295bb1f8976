"""The application: a table of routes, who may use them, and who answers their rows; it knows nothing of sockets."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import TypeAlias
from urllib.parse import unquote

import msgspec

from keepfit import access, errors
from keepfit.instant import parse
from keepfit.serving import docs, health, native
from keepfit.serving.answering import Answering
from keepfit.serving.counters import Counters
from keepfit.serving.duty import Duty, Orders
from keepfit.serving.events import Events
from keepfit.serving.exchange import Headers, Opens, Refused, Request, Response, Route, Taken, problem, refusal
from keepfit.serving.log import Log
from keepfit.serving.predicting import Predicting, Said
from keepfit.serving.protocols import azure, inference, kserve, mlflow, vertex
from keepfit.serving.rates import Rates
from keepfit.serving.rows import Asked
from keepfit.serving.traces import Traces

__all__ = ["App", "route_paths"]

#: A protocol: the routes that it adds to an application.
Routes: TypeAlias = "Callable[[App], Iterable[Route]]"

#: What is spoken; each module's `routes`, of which a later one counts where two are the same.
PROTOCOLS: tuple[Routes, ...] = (
    native.routes,
    health.routes,
    docs.routes,
    mlflow.routes,
    inference.routes,
    kserve.routes,
    vertex.routes,
    azure.routes,
)
#: What is counted of requests that no route takes.
NOWHERE = "none"


class App:
    """Answers requests; who answers their rows, and which keys are in force, is exchanged while it runs.

    Parameters
    ----------
    orders : what the worker was told
    log : where answers and labels are kept
    traces : told of every request, where there are any
    """

    def __init__(
        self,
        orders: Orders,
        *,
        log: Log,
        counters: Counters | None = None,
        rates: Rates | None = None,
        events: Events | None = None,
        traces: Traces | None = None,
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
        self._traces = traces
        self._rates = rates or Rates(orders.limits.rate)
        self._busy = 0
        self._most_busy = orders.limits.concurrency
        self._exact = {(route.method, route.path): route for route in self.routes if "{" not in route.path}
        self._patterns = [(_pattern(route.path), route) for route in self.routes if "{" in route.path]
        self._below = f"/v1/projects/{orders.project}/"

    def close(self) -> None:
        """Answer what waits for the shadow, and seal what is kept."""
        self.predicting.finish()
        if self._traces is not None:
            self._traces.close()
        self.log.close()

    # -- HTTP -----------------------------------------------------------------------------------

    def begin(self, method: bytes, target: bytes, headers: Headers, peer: str) -> Taken | Response:
        """Look at a request's head: it is taken, and its body may come; or this is what is answered to it."""
        started = time.perf_counter_ns()
        label = NOWHERE
        refuse: Callable[[Refused], Response] = problem
        try:
            path, query = _parted(target)
            route, parts = self._route(method.decode("latin-1"), path)
            label, refuse = route.path, route.refuse
            if route.opens is not None:
                self._admit(route.opens, headers, peer)
            continues = self._continues(headers)
            return Taken(route, method.decode("latin-1"), path, query, headers, started, parts, continues)
        except (Refused, errors.KeepfitError) as error:
            said = refuse(error if isinstance(error, Refused) else refusal(error))
            return self._end(label, method.decode("latin-1")[:20], headers, started, said)

    async def respond(self, taken: Taken, body: bytes) -> Response:
        """Answer a request that was taken, now that all of it is there."""
        route = taken.route
        self._busy += 1
        try:
            if self._busy > self._most_busy:
                message = f"more than {self._most_busy} requests are under way"
                raise errors.Overloaded(message, at="this worker", fix="try again in a second")
            response = await route.answer(Request(taken.method, taken.path, taken.query, taken.headers, body, taken.started, taken.parts))
        except Refused as refused:
            response = route.refuse(refused)
        except errors.KeepfitError as error:
            response = route.refuse(refusal(error))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            response = route.refuse(Refused(400, "the body is not JSON, or nested too deep", code="KF403", fix=_NOT_JSON))
        except Exception as error:  # noqa: BLE001 - one request's fault, which may be the owner's code, ends no other
            self.events.say("a request could not be answered", "error", route=route.path, error=type(error).__name__)
            response = route.refuse(Refused(500, "this request could not be answered", fix="see the events of the server"))
        finally:
            self._busy -= 1
        return self._end(route.path, taken.method, taken.headers, taken.started, response)

    def too_large(self, taken: Taken) -> Response:
        """What is answered to a request whose body goes on and on."""
        said = taken.route.refuse(_too_large(self.orders.limits.most_bytes))
        return self._end(taken.route.path, taken.method, taken.headers, taken.started, said)

    def count_refusal(self, status: int) -> None:
        """Count what was refused before it was a request."""
        self.counters.answered(NOWHERE, status, 0)

    def _end(self, label: str, method: str, headers: Headers, started: int, response: Response) -> Response:
        taken = time.perf_counter_ns() - started
        self.counters.answered(label, response.status, taken)
        if self.orders.access:
            self.events.say("request", route=label, status=response.status, ms=round(taken / 1e6, 3), bytes=len(response.body))
        if self._traces is not None:
            release = self.answering.champion.release.id if self.answering is not None else None
            self._traces.span(method, label, headers, started, taken, response.status, release)
        return response

    def _continues(self, headers: Headers) -> bool:
        """Whether a client waits to be told to send its body; one that is too large is refused before it comes."""
        continues = False
        for name, value in headers:
            if name == b"content-length":
                if not value.isdigit() or int(value) > self.orders.limits.most_bytes:
                    raise _too_large(self.orders.limits.most_bytes)
            elif name == b"expect":
                continues = value.lower() == b"100-continue"
        return continues

    def _route(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """The route of a request, and what stands in the place of its `{name}`s."""
        method = "GET" if method == "HEAD" else method
        route = self._exact.get((method, path))
        if route is not None:
            return route, _NO_PARTS
        if path.startswith(self._below):
            path = f"/v1/{path.removeprefix(self._below)}"
            if (route := self._exact.get((method, path))) is not None:
                return route, _NO_PARTS
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

    def _admit(self, opens: Opens, headers: Headers, peer: str) -> None:
        """Refuse a request whose key does not open the route, or that is one too many."""
        limits, keys = self.orders.limits, self.duty.keys
        client = b""
        if self.duty.guarded or (self.orders.open and opens != "predict"):
            client = _key(headers)
            if not (self.orders.open and opens == "predict"):
                allowed = access.allows(client.decode("latin-1"), keys, opens) if client else None
                if allowed is None:
                    title = "this key is not known, or was revoked" if client else "this needs a key"
                    fix = "send Authorization: Bearer kf_…; keepfit key create makes one"
                    raise errors.NoKey(title, at="header Authorization", fix=fix)
                if not allowed:
                    raise errors.NarrowKey(f"this key does not open what needs the scope {opens}", at="header Authorization", fix=_WIDER)
        if limits.rate and not self._rates.allows(client or peer.encode(), time.time()):
            fix = "wait a second, or send more rows in one request"
            raise errors.TooFast(f"more than {limits.rate} requests in a second", at="this client", fix=fix)

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

    def answer(self, answering: Answering, asked: Asked, request: Request) -> Awaitable[Said]:
        """Answer rows that `answering.rows` read, each on record before they are given back; see `Predicting.answer`."""
        return self.predicting.answer(answering, asked, self.now(request), request.started)


_NO_PARTS: dict[str, str] = {}
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


def _parted(target: bytes) -> tuple[str, bytes]:
    """The path and the query of a request's target, which may be a whole URL."""
    path, _, query = target.partition(b"?")
    if path[:1] != b"/":
        path = b"/" + path.partition(b"://")[2].partition(b"/")[2]
    text = path.decode("latin-1")
    return (unquote(text) if "%" in text else text), query


def _too_large(most: int) -> Refused:
    return Refused(413, f"a body has at most {most} bytes", fix="send fewer rows at once", code="KF403")
