"""An application before golden releases, with its segments, asked without a socket."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import httpx
import msgspec
import pytest

from keepfit import record
from keepfit.column import column_kinds
from keepfit.serving.answering import Answering
from keepfit.serving.app import App
from keepfit.serving.counters import Counters
from keepfit.serving.duty import Orders
from keepfit.serving.exchange import Response
from keepfit.serving.log import NoLog, SegmentLog
from keepfit.serving.served import Served
from keepfit.serving.worker import counted_routes
from keepfit.stores.segments import SegmentWriter, payloads, waiting

RELEASES = Path(__file__).parents[2] / "golden" / "releases"
HEADERS = {"Keepfit-Now": "2024-03-01T09:00Z", "Content-Type": "application/json"}


def serve(release, folder=RELEASES):
    return Served(folder / release, column_kinds())


class Client:
    """One application with its segments."""

    def __init__(self, folder, release="v1-trees", *, kept=True, log=None, traces=None, **orders):
        self.folder = folder
        told = {"subjects": b"secret", "simulated": True, "log": "segments" if kept else "none"} | orders
        self.orders = Orders("returns", str(RELEASES), **told)
        self.counters = Counters(counted_routes(self.orders))
        writers = {kind: SegmentWriter(folder, kind) for kind in ("predictions", "labels")}
        of_orders = {"durability": self.orders.durability, "on_failure": self.orders.on_log_failure}
        self.log = log or (SegmentLog(writers, counters=self.counters, **of_orders) if kept else NoLog())
        self.app = App(self.orders, log=self.log, counters=self.counters, traces=traces)
        self.runner = asyncio.Runner()
        self.take(serve(release))

    def take(self, champion, **others):
        self.app.answering = Answering(champion, **others)

    @property
    def release(self):
        return self.app.answering.champion.release

    def respond(self, method, path, *, headers=HEADERS, body=b"", peer="127.0.0.1"):
        """A coroutine that gives what the application answers, as a client would read it."""
        named = [(name.lower().encode(), value.encode()) for name, value in {**headers, "Content-Length": str(len(body))}.items()]
        taken = self.app.begin(method.encode(), path.encode(), named, peer)

        async def answered():
            answer = taken if isinstance(taken, Response) else await self.app.respond(taken, body)
            return httpx.Response(answer.status, headers=[(b"content-type", answer.kind), *answer.headers], content=answer.body)

        return answered()

    def ask(self, method, path, *, headers=HEADERS, json=None, content=b"", peer="127.0.0.1"):
        body = content if json is None else msgspec.json.encode(json)
        headers = headers if json is None else {"Content-Type": "application/json", **headers}
        return self.runner.run(self.respond(method, path, headers=headers, body=body, peer=peer))

    def predict(self, *rows, **more):
        return self.ask("POST", "/v1/predict", json={"rows": list(rows), **more})

    def label(self, *labels):
        return self.ask("POST", "/v1/labels", json={"labels": list(labels)})

    def kept(self, kind, of):
        return [record.read(of, payload) for path in waiting(self.folder, kind) for payload in payloads(path)]

    def settle(self, seconds=0.01):
        """Let what was left for later happen."""
        self.runner.run(asyncio.sleep(seconds))


@pytest.fixture
def make(tmp_path):
    """Makes an application: `make(release, **orders)`; each has segments of its own."""
    made = []

    def build(release="v1-trees", **given):
        made.append(Client(tmp_path / f"segments{len(made)}", release, **given))
        return made[-1]

    yield build
    for one in made:
        one.app.close()
        one.runner.close()


@pytest.fixture(params=["v1-linear", "v1-trees"])
def client(request, make):
    return make(request.param)


@pytest.fixture
def trees(make):
    return make()


@pytest.fixture
def another(tmp_path):
    """A golden release under another name: `another("v1-linear", "r2")`; `change` edits what `release.json` says."""

    def copied(release, name, change=lambda form: form):
        folder = Path(shutil.copytree(RELEASES / release, tmp_path / "releases" / name))
        form = json.loads((folder / "release.json").read_text(encoding="utf-8")) | {"id": name}
        (folder / "release.json").write_text(json.dumps(change(form)), encoding="utf-8")
        return serve(name, folder.parent)

    return copied


@pytest.fixture(scope="session")
def row():
    """A row that both golden releases take."""
    return {
        "order": 1001,
        "at": "2024-03-01T14:30:00+02:00",
        "shop": "Köln",
        "product": 1,
        "price": 10.1,
        "size": 1.5,
        "weekend": False,
        "gift": True,
        "stock": 3,
    }
