"""A connection: HTTP/1.1 on httptools, with bounds on what a client may send and how long it may take.

Requests are answered in their order. An answer that waits for nothing is written from within the call that brought
the request, without a task: this is where half of a small request's time would go otherwise.
"""

from __future__ import annotations

import asyncio
import http
from collections import deque
from collections.abc import Coroutine, Generator
from email.utils import formatdate
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import httptools

from keepfit.serving.exchange import Headers, Refused, Response, Taken, problem

if TYPE_CHECKING:
    from keepfit.serving.app import App

__all__ = ["Connection", "Connections"]

#: Bytes of a request's line and headers.
MOST_HEAD = 65_536
#: Requests that one client may send ahead of their answers.
MOST_AHEAD = 32
#: Seconds that a connection may be silent between two requests.
IDLE = 75.0
#: Headers that tell of a body.
_BODY = (b"content-length", b"transfer-encoding")


class Connections:
    """The connections of one worker, looked over once a second."""

    def __init__(self, app: App, loop: asyncio.AbstractEventLoop) -> None:
        self.app, self.loop = app, loop
        self.date = b""
        self.open: set[Connection] = set()
        self._place = app.counters.place("keepfit_connections")
        self.look_over()

    def make(self) -> Connection:
        return Connection(self)

    def changed(self) -> None:
        self.app.counters.put(self._place, len(self.open))

    def look_over(self) -> None:
        """Refuse what is slow, close what is silent, and keep the date."""
        self.date = formatdate(usegmt=True).encode()
        now = self.loop.time()
        for connection in list(self.open):
            connection.look(now)

    async def finish(self, grace: float) -> None:
        """Close each connection once what it asked is answered; after `grace` seconds in any case."""
        until = self.loop.time() + grace
        for connection in list(self.open):
            connection.finish()
        while self.open and self.loop.time() < until:
            await asyncio.sleep(0.02)
        for connection in list(self.open):
            connection.abort()


class _Due(NamedTuple):
    """What is to be answered or sent, whether the connection is kept after it, and whether the answer shows its body."""

    what: Taken | Response
    body: bytes
    kept: bool
    has_body: bool


class Connection(asyncio.Protocol):
    """One client."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._app, self._loop = connections.app, connections.loop
        self._transport: Any = None
        self._peer = ""
        self._parser = httptools.HttpRequestParser(self)
        self._url = b""
        self._headers: Headers = []
        self._head = 0
        self._parts: list[bytes] = []
        self._size = 0
        self._taken: Taken | None = None
        #: When the request that is arriving began; None between requests.
        self._began: float | None = None
        self._silent_since = 0.0
        self._stuck_since: float | None = None
        self._due: deque[_Due] = deque()
        self._answering = False
        #: No further request is read: the client stopped, the server stops, or one was refused before its body had come.
        self._last = False
        self._encrypted = False

    # -- what the transport says -----------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._silent_since = self._loop.time()
        peer = transport.get_extra_info("peername")
        self._peer = str(peer[0]) if isinstance(peer, tuple) else ""
        self._encrypted = transport.get_extra_info("ssl_object") is not None
        self._connections.open.add(self)
        self._connections.changed()
        if len(self._connections.open) > self._app.orders.limits.connections:
            self._fail(503, "more connections are open than this worker takes")

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.open.discard(self)
        self._connections.changed()
        self._due.clear()

    def data_received(self, data: bytes) -> None:
        while data and not self._transport.is_closing():
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                # No other protocol is offered: what follows is a request like any other.
                data = data[upgrade.args[0] :]
                self._parser = httptools.HttpRequestParser(self)
                continue
            except httptools.HttpParserError:
                if self._head > MOST_HEAD:
                    self._fail(431, f"a request's head has at most {MOST_HEAD} bytes")
                else:
                    self._fail(400, "this is not HTTP/1.1")
            return

    def eof_received(self) -> bool:
        """A client that only stops sending still gets its answers."""
        self._last = True
        return (self._answering or bool(self._due)) and not self._encrypted

    def pause_writing(self) -> None:
        self._stuck_since = self._loop.time()
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._stuck_since = None
        self._transport.resume_reading()

    # -- what the parser says ---------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._url, self._headers, self._head = b"", [], 0
        self._parts, self._size, self._taken = [], 0, None
        self._began = self._loop.time()

    def on_url(self, url: bytes) -> None:
        self._url += url
        self._measure(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.lower(), value))
        self._measure(len(name) + len(value) + 4)

    def on_headers_complete(self) -> None:
        if self._last:
            return
        taken = self._app.begin(self._parser.get_method(), self._url, self._headers, self._peer)
        if isinstance(taken, Response):
            self._refuse(taken, body_comes=any(name in _BODY and value != b"0" for name, value in self._headers))
            return
        self._taken = taken
        if taken.continues and not self._due and not self._answering:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        if self._taken is None:
            return  # it was refused: what still comes of it is passed over
        self._parts.append(body)
        self._size += len(body)
        if self._size > self._app.orders.limits.most_bytes:
            self._parts = []
            taken, self._taken = self._taken, None
            self._refuse(self._app.too_large(taken), body_comes=True)

    def on_message_complete(self) -> None:
        self._began = None
        self._silent_since = self._loop.time()
        taken, self._taken = self._taken, None
        if taken is not None:
            parts = self._parts
            body = parts[0] if len(parts) == 1 else b"".join(parts)
            self._add(_Due(taken, body, self._keeps(), taken.method != "HEAD"))
        elif self._last and not self._due and not self._answering:
            self._transport.close()  # what was refused has come to its end: closing before would lose the refusal on its way

    def _measure(self, more: int) -> None:
        self._head += more
        if self._head > MOST_HEAD:
            raise ValueError("the head is too long")  # the parser stops, and says so to `data_received`

    # -- answers ----------------------------------------------------------------------------------

    def _refuse(self, response: Response, *, body_comes: bool) -> None:
        """Answer a request before its body has come: what still comes is passed over, and then the connection ends."""
        self._last = self._last or body_comes
        self._add(_Due(response, b"", self._keeps(), has_body=self._parser.get_method() != b"HEAD"))

    def _keeps(self) -> bool:
        return self._parser.should_keep_alive() and self._parser.get_http_version() != "1.0"

    def _add(self, due: _Due) -> None:
        self._due.append(due)
        if len(self._due) > MOST_AHEAD:
            self._transport.pause_reading()
        if not self._answering:
            self._go_on()

    def _go_on(self) -> None:
        """Answer what is due until something has to be waited for."""
        while self._due:
            due = self._due.popleft()
            if isinstance(due.what, Response):
                self._send(due.what, due)
                continue
            answering = self._app.respond(due.what, due.body)
            try:
                waits_for = answering.send(None)
            except StopIteration as done:
                self._send(done.value, due)
                continue
            self._answering = True
            task = self._loop.create_task(_rest(answering, waits_for))
            task.add_done_callback(partial(self._answered, due))
            return

    def _answered(self, due: _Due, task: asyncio.Task[Response]) -> None:
        self._answering = False
        if task.cancelled() or self._transport.is_closing():
            return
        self._send(task.result(), due)
        if len(self._due) == MOST_AHEAD and self._stuck_since is None:
            self._transport.resume_reading()
        self._go_on()

    def _send(self, response: Response, due: _Due) -> None:
        if self._transport.is_closing():
            return
        kept = due.kept and not (self._last and not self._due)
        more = b"".join(b"%s: %s\r\n" % header for header in response.headers) if response.headers else b""
        self._transport.write(
            b"HTTP/1.1 %s\r\ndate: %s\r\ncontent-type: %s\r\ncontent-length: %d\r\n%s%s\r\n%s"
            % (
                _STATUS[response.status],
                self._connections.date,
                response.kind,
                len(response.body),
                more,
                b"" if kept else b"connection: close\r\n",
                response.body if due.has_body else b"",
            )
        )
        if not kept and self._began is None:
            self._transport.close()

    def _fail(self, status: int, title: str) -> None:
        """Say what is wrong with what is no request, and close."""
        self._began = None
        self._due.clear()
        self._app.count_refusal(status)
        said = problem(Refused(status, title, code="KF403"))
        self._send(said, _Due(said, b"", kept=False, has_body=True))

    # -- bounds -----------------------------------------------------------------------------------

    def look(self, now: float) -> None:
        """Refuse a request that did not arrive in time; end what is silent, or does not take its answer."""
        timeout = self._app.orders.limits.timeout
        if self._stuck_since is not None and now - self._stuck_since > timeout:
            self._transport.abort()
        elif self._began is not None and now - self._began > timeout:
            self._fail(408, f"the request did not arrive within {timeout:g} s")
        elif self._began is None and not self._answering and not self._due and now - self._silent_since > IDLE:
            self._transport.close()

    def finish(self) -> None:
        """Close as soon as nothing is under way."""
        self._last = True
        if not self._answering and not self._due and self._began is None:
            self._transport.close()

    def abort(self) -> None:
        self._transport.abort()


class _Resumed:
    """The rest of a coroutine that was begun and waits for a future."""

    def __init__(self, begun: Coroutine[Any, Any, Response], waits_for: Any) -> None:
        self._begun, self._waits_for = begun, waits_for

    def __await__(self) -> Generator[Any, Any, Response]:
        waits_for = self._waits_for
        while True:
            try:
                yield waits_for
            except BaseException as error:  # noqa: BLE001 - a cancellation, too, belongs to the coroutine
                advance, given = self._begun.throw, error
            else:
                advance, given = self._begun.send, None  # type: ignore[assignment]
            try:
                waits_for = advance(given)
            except StopIteration as done:
                result: Response = done.value
                return result


async def _rest(begun: Coroutine[Any, Any, Response], waits_for: Any) -> Response:
    return await _Resumed(begun, waits_for)


_STATUS = {status.value: f"{status.value} {status.phrase}".encode() for status in http.HTTPStatus}
