"""Latency at half of the maximal rate, from the moment at which each request was due: an open loop, as visitors are.

    python benchmarks/serving/latency.py [--seconds 20] [--connections 64] [--share 0.5] [--rate R] [--rows 1] [--json]

wrk first finds the maximal rate with 16 connections (or `--rate` says at which rate to ask). Then requests are due at random
moments (a Poisson process of `share` times that rate), whatever became of those before; one that finds every connection busy
waits, and its wait counts. `late` is how far behind its own plan the driver itself was: where its p99 is not far below the
latency's, the driver was the limit, or other processes were.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import socket
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
from contestants import Contestant, make_data, ours
from peers import SCRIPT, busy, measure, spent


def drive(one: Contestant, body: bytes, rate: float, seconds: float, connections: int) -> dict[str, Any]:
    """Ask at random moments with this rate; quantiles in milliseconds."""
    head = b"POST /v1/predict HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
    request = head + body
    draw = np.random.default_rng(1)
    due = np.cumsum(draw.exponential(1 / rate, int(rate * seconds)))
    taken, late = np.zeros(due.size), np.zeros(due.size)
    waits = select.epoll()
    sockets: dict[int, socket.socket] = {}
    for _ in range(connections):
        client = socket.create_connection(("127.0.0.1", one.port))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.setblocking(False)
        waits.register(client, select.EPOLLIN)
        sockets[client.fileno()] = client
    free, asked, parts = deque(sockets), dict.fromkeys(sockets, -1), dict.fromkeys(sockets, b"")
    following, answered, waiting = 0, 0, deque[int]()
    begun = time.perf_counter() + 0.05
    while answered < due.size:
        now = time.perf_counter() - begun
        while following < due.size and due[following] <= now:
            late[following] = now - due[following]
            waiting.append(following)
            following += 1
        while waiting and free:
            descriptor, number = free.popleft(), waiting.popleft()
            asked[descriptor] = number
            sockets[descriptor].send(request)
        pause = max(0.0, due[following] - (time.perf_counter() - begun)) if following < due.size else 0.1
        # A wait is as exact as the timer's grain; the last fifth of a millisecond is spent looking.
        for descriptor, _ in waits.poll(pause - 0.0002 if pause > 0.0002 else 0):
            parts[descriptor] += sockets[descriptor].recv(1 << 20)
            if _is_whole(parts[descriptor]):
                taken[asked[descriptor]] = time.perf_counter() - begun - due[asked[descriptor]]
                assert parts[descriptor].startswith(b"HTTP/1.1 200"), parts[descriptor][:300]
                parts[descriptor], answered = b"", answered + 1
                free.append(descriptor)
    for client in sockets.values():
        client.close()
    quantiles = {f"p{share:g}": float(np.quantile(taken, share / 100) * 1000) for share in (50, 90, 99, 99.9)}
    return quantiles | {"most": float(taken.max() * 1000), "late p99": float(np.quantile(late, 0.99) * 1000)}


def _is_whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        return False
    length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
    return len(body) >= int(length)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=int, default=20)
    options.add_argument("--connections", type=int, default=64)
    options.add_argument("--share", type=float, default=0.5)
    options.add_argument("--rate", type=float)
    options.add_argument("--rows", type=int, default=1)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        data = make_data(place, numbers=30, categories=0)
        one = ours(data)
        try:
            one.wait(data.rows(chosen.rows), one.start())
            body = json.dumps(one.body(data.rows(chosen.rows)), separators=(",", ":"))
            (place / "body.json").write_text(body)
            (place / "post.lua").write_text(SCRIPT.format(body=place / "body.json"))
            most = chosen.rate or measure(one, place / "post.lua", chosen.rows, 16, 5).rate
            rate = chosen.rate or most * chosen.share
            drive(one, body.encode(), rate, 1, chosen.connections)  # warmed up
            before = busy(), spent(one.processes()) + spent([os.getpid()])
            found = drive(one, body.encode(), rate, chosen.seconds, chosen.connections)
            other = busy() - before[0] - (spent(one.processes()) + spent([os.getpid()]) - before[1])
            other = max(0.0, other) / (chosen.seconds * (os.cpu_count() or 1))
        finally:
            one.stop()
    found = {"maximal requests/s": round(most), "asked requests/s": round(rate), "other CPU": round(other, 3)} | found
    if chosen.json:
        print(json.dumps(found))
        return
    for what, value in found.items():
        unit = " ms" if what.startswith(("p", "most", "late")) else ""
        print(f"{what:20} {value:>10,.2f}{unit}" if isinstance(value, float) else f"{what:20} {value:>10,}")


if __name__ == "__main__":
    main()
