"""HTTP on the wire: what odd, slow and hostile clients get, over real sockets on loopback."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from pathlib import Path

import pytest
import uvloop

from keepfit.column import column_kinds
from keepfit.serving import connection
from keepfit.serving.answering import Answering
from keepfit.serving.app import App
from keepfit.serving.connection import Connections
from keepfit.serving.counters import Counters
from keepfit.serving.duty import Limits, Orders
from keepfit.serving.log import NoLog, SegmentLog
from keepfit.serving.served import Served
from keepfit.serving.worker import counted_routes
from keepfit.stores.segments import SegmentWriter

RELEASES = Path(__file__).parents[2] / "golden" / "releases"
ROW = {"order": 1, "at": "2024-03-01T12:30Z", "shop": "Köln", "price": 1.0, "size": 1.5, "weekend": False, "gift": True, "stock": 3}
BODY = json.dumps({"rows": [ROW | {"product": 1}]}).encode()
SERVED = Served(RELEASES / "v1-trees", column_kinds())


class Listening:
    """A worker's connections on a thread of its own; they are looked over every 20 ms instead of every second."""

    def __init__(self, limits, folder=None):
        orders = Orders("returns", str(RELEASES), limits=limits, log="segments" if folder else "none", durability="disk")
        counters = Counters(counted_routes(orders))
        writers = {kind: SegmentWriter(folder, kind) for kind in ("predictions", "labels")} if folder else {}
        log = SegmentLog(writers, counters=counters, durability="disk") if folder else NoLog()
        self.app = App(orders, log=log, counters=counters)
        self.app.answering = Answering(SERVED)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._main)
        self._thread.start()
        self._ready.wait(10)

    def _main(self):
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._run())

    async def _run(self):
        self.loop = asyncio.get_running_loop()
        self.stopping = asyncio.Event()
        self.connections = Connections(self.app, self.loop)
        server = await self.loop.create_server(self.connections.make, sock=self.socket)
        self._ready.set()
        while not self.stopping.is_set():
            self.connections.look_over()
            try:
                await asyncio.wait_for(self.stopping.wait(), 0.02)
            except TimeoutError:
                continue
        server.close()
        await self.connections.finish(5.0)
        self.app.close()

    def stop(self):
        self.loop.call_soon_threadsafe(self.stopping.set)
        self._thread.join(10)

    def connect(self):
        return socket.create_connection(self.socket.getsockname(), timeout=10)

    def ask(self, *sent):
        """Send bytes, and read until the server closes."""
        with self.connect() as client:
            for part in sent:
                client.sendall(part)
            return read_all(client)


def read_all(client):
    found = b""
    while True:
        try:
            data = client.recv(1 << 16)
        except ConnectionResetError:
            return found
        if not data:
            return found
        found += data


def read_until(client, end):
    found = b""
    while end not in found:
        data = client.recv(1 << 16)
        assert data, found
        found += data
    return found


@pytest.fixture
def listen():
    made = []

    def start(folder=None, **limits):
        made.append(Listening(Limits(**limits), folder))
        return made[-1]

    yield start
    for one in made:
        one.stop()


def post(body=BODY, *, path="/v1/predict", headers="", close=True):
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{headers}"
    return (head + ("Connection: close\r\n" if close else "") + "\r\n").encode() + body


def statuses(answer):
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


def test_a_request_that_comes_byte_by_byte_or_in_chunks_is_answered(listen):
    server = listen()
    assert statuses(server.ask(*(bytes([one]) for one in post()))) == [200]
    head = (
        b"POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    )
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (BODY[:7], BODY[7:]))
    assert statuses(server.ask(head + chunks + b"0\r\n\r\n")) == [200]


@pytest.mark.parametrize("kept", [False, True], ids=["answered at once", "after the disk"])
def test_requests_sent_ahead_are_answered_in_their_order(listen, tmp_path, kept):
    server = listen(folder=tmp_path if kept else None)
    asked = [json.dumps({"rows": [ROW | {"product": 1}], "ids": [f"id{number}"]}).encode() for number in range(100)]
    answer = server.ask(b"".join(post(body, close=False) for body in asked) + b"GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert statuses(answer) == [200] * 101
    assert [answer.index(b'"id%d"' % number) for number in range(100)] == sorted(answer.index(b'"id%d"' % number) for number in range(100))
    assert answer.endswith(b'{"status":"alive"}')


def test_a_client_that_stops_sending_still_gets_its_answers(listen, tmp_path):
    server = listen(folder=tmp_path)
    with server.connect() as client:
        client.sendall(post(close=False) * 3)
        client.shutdown(socket.SHUT_WR)
        assert statuses(read_all(client)) == [200, 200, 200]


def test_a_client_may_wait_to_be_told_to_go_on(listen):
    server = listen(most_bytes=2000)
    with server.connect() as client:
        whole = post(headers="Expect: 100-continue\r\n")
        client.sendall(whole[: -len(BODY)])
        assert read_until(client, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(BODY)
        assert statuses(read_all(client)) == [200]
    with server.connect() as client:
        client.sendall(post(b" " * 2001, headers="Expect: 100-continue\r\n")[:-2001])
        assert statuses(read_until(client, b"}")) == [413]


def test_a_body_that_is_too_large_is_refused_without_being_held(listen):
    server = listen(most_bytes=2000)
    large = b" " * 3_000_000
    answer = server.ask(post(large, close=False))
    assert statuses(answer) == [413]
    assert b"connection: close" in answer
    head = b"POST /v1/predict HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert statuses(server.ask(head + b"%x\r\n%s\r\n" % (len(large), large) + b"0\r\n\r\n")) == [413]


def test_a_refusal_before_the_body_reaches_a_client_that_sends_all_of_it(listen):
    server = listen()
    assert statuses(server.ask(post(b" " * 1_000_000, path="/v1/nothing", close=False))) == [404]


def test_a_refused_request_without_a_body_keeps_the_connection(listen):
    server = listen()
    answer = server.ask(b"GET /nothing HTTP/1.1\r\n\r\nGET /livez HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert statuses(answer) == [404, 200]


@pytest.mark.parametrize("sent", [b"GET /livez HTTP/1.1\r\nX: ", b"POST /v1/predict HTTP/1.1\r\nContent-Length: 10\r\n\r\n123", b"G"])
def test_a_slow_client_is_told_that_it_is_too_slow(listen, sent):
    server = listen(timeout=0.2)
    begun = time.monotonic()
    answer = server.ask(sent)
    assert statuses(answer) == [408]
    assert 0.15 < time.monotonic() - begun < 5


def test_a_silent_connection_is_closed(listen, monkeypatch):
    monkeypatch.setattr(connection, "IDLE", 0.1)
    server = listen()
    assert server.ask(b"") == b""
    assert statuses(server.ask(b"GET /livez HTTP/1.1\r\n\r\n")) == [200]


@pytest.mark.parametrize(
    "flood",
    [
        b"GET /livez HTTP/1.1\r\n" + b"".join(b"X-%d: %s\r\n" % (number, b"y" * 90) for number in range(1000)),
        b"GET /livez HTTP/1.1\r\nX: " + b"y" * 100_000 + b"\r\n",
        b"GET /" + b"y" * 100_000 + b" HTTP/1.1\r\n",
    ],
    ids=["many headers", "a long header", "a long path"],
)
def test_a_flood_of_headers_is_refused(listen, flood):
    assert statuses(listen().ask(flood + b"\r\n")) == [431]


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"hello\r\n\r\n",
        b"GET /livez HTTP/9.9\r\n\r\n",
        b"POST /v1/predict HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabc",
        b"POST /v1/predict HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
        b"POST /v1/predict HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nbad header\r\n\r\n",
    ],
)
def test_what_is_not_http_is_refused_and_the_connection_closed(listen, sent):
    answer = listen().ask(sent)
    assert statuses(answer) == [400]
    assert answer.count(b"\r\n\r\n") == 1


def test_another_protocol_is_not_offered_and_the_request_answered(listen):
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"
    answer = listen().ask(b"GET /livez HTTP/1.1\r\nHost: x\r\n" + upgrade + b"\r\n" + b"GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert statuses(answer) == [200, 200]


def test_the_head_of_an_answer_and_answers_to_old_clients(listen):
    server = listen()
    head = server.ask(b"HEAD /livez HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert statuses(head) == [200]
    assert b"content-length: 18\r\n" in head
    assert head.endswith(b"\r\n\r\n")
    assert statuses(server.ask(b"GET /livez HTTP/1.0\r\n\r\n")) == [200]
    assert statuses(server.ask(b"GET http://example.org/livez?x=1 HTTP/1.1\r\nConnection: close\r\n\r\n")) == [200]


def test_connections_beyond_the_limit_are_refused(listen):
    server = listen(connections=3)
    held = [server.connect() for _ in range(3)]
    for client in held:
        client.sendall(b"GET /livez HTTP/1.1\r\n\r\n")
        assert read_until(client, b"}").startswith(b"HTTP/1.1 200")
    assert statuses(server.ask(b"")) == [503]
    for client in held:
        client.close()


def test_a_client_that_does_not_take_its_answers_is_cut_off(listen):
    server = listen(timeout=0.2)
    with server.connect() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        with pytest.raises(OSError, match=r"reset|Broken pipe"):
            for _ in range(10_000):
                client.sendall(b"GET /v1/release HTTP/1.1\r\n\r\n" * 100)
    assert server.ask(b"GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 200")


def test_when_a_worker_stops_what_was_asked_is_answered(listen, tmp_path):
    server = listen(folder=tmp_path)
    idle, busy = server.connect(), server.connect()
    idle.sendall(b"GET /livez HTTP/1.1\r\n\r\n")
    read_until(idle, b"}")
    whole = post(close=False)
    busy.sendall(whole[:-5])
    while not any(one._began for one in list(server.connections.open)):  # until it has arrived in part
        time.sleep(0.005)
    server.loop.call_soon_threadsafe(server.stopping.set)
    assert read_all(idle) == b""
    busy.sendall(whole[-5:])
    assert statuses(read_all(busy)) == [200]
    idle.close()
    busy.close()
