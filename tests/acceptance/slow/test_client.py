"""The client while the server goes and comes back."""

from __future__ import annotations

import socket
import threading

import keepfit as library

ROW = {"number": 1, "when": "2024-06-03T10:00Z", "amount": 0.5, "shop": "north"}


def is_free(host, port):
    """Whether nothing listens there any more."""
    with socket.socket() as trying:
        return trying.connect_ex((host, port)) != 0


def test_a_server_that_is_killed_and_started_again_holds_each_row_once(champion, serve, until):
    answered, stop = {}, threading.Event()

    def ask(url):
        number = 0
        with library.Client(url, tries=200, pause=0.01, timeout=60) as client:
            while not stop.is_set():
                for answer in client.predict([ROW | {"number": number}, ROW | {"number": number + 1}]):
                    answered[answer.id] = answer.score
                number += 2

    with serve(champion) as first:
        asking = threading.Thread(target=ask, args=[first.url])
        asking.start()
        until(lambda: len(answered) > 20)
        first.kill()
        host, port = first.url.removeprefix("http://").split(":")
        until(lambda: is_free(host, int(port)))
        so_far = len(answered)
        with serve(champion, "--port", port):
            until(lambda: len(answered) > so_far + 20)
            stop.set()
            asking.join(60)
    assert sorted(library.open(champion).predictions()["id"]) == sorted(answered)
