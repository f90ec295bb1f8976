"""The server process: binds, follows the champion's role in the ledger, stops gracefully."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from keepfit import errors
from keepfit.serving.app import App
from keepfit.serving.log import NoLog, SegmentLog
from keepfit.serving.served import Served
from keepfit.stores.segments import SegmentWriter
from keepfit.workspace import Workspace, column_kinds

__all__ = ["Listen", "serve_folder", "serve_project"]

#: How often the ledger is asked who is champion, in seconds.
FOLLOW = 0.5


@dataclass(frozen=True, slots=True)
class Listen:
    """Where and how to serve.

    `simulated`: the time comes from the header `Keepfit-Now`. `with_stdin`: stop when standard input ends, so
    that a server ends with the process that started it, however that ends. `announce` is called with the URL
    once requests are accepted.
    """

    host: str
    port: int
    announce: Callable[[str, Served], None]
    simulated: bool = False
    with_stdin: bool = False


def serve_project(ws: Workspace, listen: Listen) -> None:
    """Serve a project's champion, whoever that is, until the process is told to stop.

    Raises
    ------
    NoChampion
        No release is champion yet.
    ServerFailed
        The port is taken.
    """
    champion = ws.roles().champion
    if champion is None:
        raise errors.NoChampion("no release is champion yet", at=ws.project, fix="keepfit run")
    kinds = column_kinds()
    app = App(
        Served(ws.release_folder(champion), kinds, code=ws.folder),
        log=SegmentLog(SegmentWriter(ws.segments, "predictions"), SegmentWriter(ws.segments, "labels")),
        subjects=ws.secret("subjects"),
        simulated=listen.simulated,
    )

    async def follow() -> None:
        seq = ws.ledger.head().seq
        while True:
            await asyncio.sleep(FOLLOW)
            with contextlib.suppress(errors.StoreFault):  # the champion that is loaded goes on answering
                head = ws.ledger.head().seq
                if head == seq:
                    continue
                now = ws.roles().champion
                if now is not None and now != app.served.release.id:
                    app.take(Served(ws.release_folder(now), kinds, code=ws.folder))
                seq = head

    _run(app, listen, follow)


def serve_folder(folder: Path, listen: Listen) -> None:
    """Serve one release folder and nothing else; nothing is kept."""
    app = App(Served(folder, column_kinds()), log=NoLog(), simulated=listen.simulated)
    _run(app, listen, None)


def _run(app: App, listen: Listen, follow: Callable[[], Coroutine[Any, Any, None]] | None) -> None:
    listening = socket.socket(socket.AF_INET6 if ":" in listen.host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((listen.host, listen.port))
        listening.listen(2048)
    except OSError as error:
        fix = "choose another port with --port, or --port 0 for any free one"
        raise errors.ServerFailed(f"cannot listen: {error.strerror}", at=f"{listen.host}:{listen.port}", fix=fix) from error
    config = uvicorn.Config(app, http="httptools", lifespan="off", log_level="warning", access_log=False, server_header=False)
    server = uvicorn.Server(config)

    def stop_at_end_of_input() -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            server.should_exit = True

    async def main() -> None:
        task = asyncio.ensure_future(follow()) if follow is not None else None
        if listen.with_stdin:
            asyncio.get_running_loop().add_reader(sys.stdin.fileno(), stop_at_end_of_input)
        try:
            await server.serve(sockets=[listening])
        finally:
            if task is not None:
                task.cancel()

    listen.announce(f"http://{listen.host}:{listening.getsockname()[1]}", app.served)
    try:
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(main())
    except KeyboardInterrupt:
        pass
    finally:
        app.close()
        listening.close()
