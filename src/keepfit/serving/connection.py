"""A connection with bounds: uvicorn's protocol on httptools, which has none for the size of a head or the time of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio

    from keepfit.serving.app import App

__all__ = ["Connection", "connections_of"]

#: Bytes of a request's line and headers.
MOST_HEAD = 65_536


def connections_of(app: App) -> type[Connection]:
    """The protocol class of an application's connections."""
    return type("BoundConnection", (Connection,), {"serves": app})


class Connection(HttpToolsProtocol):
    """One client: its request's head has at most 64 KiB, the whole arrives in time, and there are not too many of it."""

    serves: App
    _head = 0
    _began: float | None = None
    _refused: tuple[int, str] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._began = self.loop.time()  # one that says nothing is slow too
        counters = self.serves.counters
        counters.put(counters.place("keepfit_connections"), len(self.connections))
        if len(self.connections) > self.serves.orders.limits.connections:
            self._refuse(503, "more connections are open than this worker takes")

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        counters = self.serves.counters
        counters.put(counters.place("keepfit_connections"), len(self.connections))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head = 0
        self._began = self.loop.time()

    def on_url(self, url: bytes) -> None:
        self._measure(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._measure(len(name) + len(value) + 4)
        super().on_header(name, value)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._began = None

    def _measure(self, more: int) -> None:
        self._head += more
        if self._head > MOST_HEAD:
            self._refused = (431, f"a request's head has at most {MOST_HEAD} bytes")
            raise ValueError  # ends the parsing; the parser's user is told by `send_400_response`

    def send_400_response(self, msg: str) -> None:
        self._refuse(*(self._refused or (400, "this is not HTTP/1.1")))

    def sweep(self, now: float) -> None:
        """Refuse a request that did not arrive in time."""
        timeout = self.serves.orders.limits.timeout
        if self._began is None or now - self._began <= timeout or self.transport.is_closing():
            return
        self._began = None
        if self.cycle is not None and not self.cycle.response_complete and self.cycle.response_started:
            self.transport.close()
        else:
            self._refuse(408, f"the request did not arrive within {timeout:g} s")

    def _refuse(self, status: int, title: str) -> None:
        """Answer outside the application, and close."""
        said: dict[str, Any] = {"type": "about:blank", "title": title, "status": status, "code": "KF403", "at": "", "fix": ""}
        body = msgspec.json.encode(said)
        head = f"HTTP/1.1 {status} {_REASONS[status]}\r\ncontent-type: application/problem+json\r\ncontent-length: {len(body)}\r\n"
        self.transport.write(head.encode() + b"connection: close\r\n\r\n" + body)
        self.transport.close()
        self.serves.counters.answered("none", status, 0)


_REASONS = {400: "Bad Request", 408: "Request Timeout", 431: "Request Header Fields Too Large", 503: "Service Unavailable"}
