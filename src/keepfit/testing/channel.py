"""What holds of every channel.

Subclass `ChannelConformance` in a test module, name the class `Test…`, and give it the fixture `open_channel`: a function
that opens the channel to a receiver on loopback, given its host and port.

    class TestMyChannel(ChannelConformance):
        @pytest.fixture
        def open_channel(self):
            return lambda host, port: MyChannel(f"mine://{host}:{port}/", None)
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from keepfit.alert import Alert, Channel, Message
from keepfit.errors import AlertFailed

__all__ = ["ChannelConformance", "OpenChannel", "Receiver", "receiving"]

OpenChannel = Callable[[str, int], Channel]

_AT = datetime(2024, 3, 12, tzinfo=UTC)
_TOLD = Message(
    "0123456789abcdef0123456789abcdef",
    "small",
    _AT,
    (Alert(7, "opened", "critical", _AT, "incident 4, quality of r1, opened", "größer als 3: worse by 0.25"),),
)


class Receiver(ThreadingHTTPServer):
    """A receiver on loopback: it keeps what it got, and answers as it is told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        status = self.server.answers.pop(0) if self.server.answers else 200
        if status < 300:
            self.server.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the library's own name
        return


@contextlib.contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that answers 200, or what stands in its `answers`."""
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class ChannelConformance:
    """Tests that a channel over HTTP passes."""

    @pytest.fixture
    def open_channel(self) -> OpenChannel:
        raise NotImplementedError("give the fixture `open_channel`: it opens the channel to a host and a port")

    def test_a_message_arrives_whole_and_once(self, open_channel: OpenChannel) -> None:
        with receiving() as receiver:
            open_channel("127.0.0.1", receiver.port).send(_TOLD)
            [(_, body)] = receiver.got
        text = body.decode()
        assert "incident 4, quality of r1, opened" in text
        assert "worse by 0.25" in text

    @pytest.mark.parametrize("status", [400, 404, 500, 503])
    def test_a_target_that_refuses_is_a_failure_that_says_so(self, open_channel: OpenChannel, status: int) -> None:
        with receiving() as receiver:
            receiver.answers = [status] * 5
            with pytest.raises(AlertFailed):
                open_channel("127.0.0.1", receiver.port).send(_TOLD)
            assert receiver.got == []

    def test_a_target_that_is_not_there_is_a_failure(self, open_channel: OpenChannel) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # nobody listens
            with pytest.raises(AlertFailed):
                open_channel("127.0.0.1", taken.getsockname()[1]).send(_TOLD)
