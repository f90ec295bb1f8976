"""The server: binds, and answers with workers under a parent, or as one process by itself."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
import uvloop

from keepfit import errors
from keepfit.serving.duty import Duty, Limits, Orders
from keepfit.serving.events import Events
from keepfit.serving.folding import Folding
from keepfit.serving.following import Following, duty_of
from keepfit.serving.parent import Parent
from keepfit.serving.platform import Platform
from keepfit.serving.served import read_release
from keepfit.serving.worker import Shared, Worker, raise_open_files
from keepfit.workspace import Workspace

__all__ = ["Listen", "serve_folder", "serve_project"]


@dataclass(frozen=True, slots=True)
class Listen:
    """Where and how to serve.

    Parameters
    ----------
    announce : called with the URL and the champion's name once requests are accepted
    simulated : the time comes from the header `Keepfit-Now`
    with_stdin : stop when standard input ends, so that a server ends with the process that started it, however that ends
    workers : processes that answer; 0 for this one alone, without a parent
    log : where answers are kept; None for segments where there is a project, else nowhere
    behind_auth : something before this server admits whom it may: predict and health answer everyone
    platform : the cloud whose container this is, which does the same
    """

    host: str
    port: int
    announce: Callable[[str, str], None]
    simulated: bool = False
    with_stdin: bool = False
    workers: int = 1
    log: Literal["segments", "stdout", "none"] | None = None
    behind_auth: bool = False
    platform: Platform | None = None
    certificate: Path | None = None
    private_key: Path | None = None
    traces: bool = False
    access: bool = False
    quiet: bool = False

    @property
    def admitted(self) -> bool:
        """Whether something before this server decides who may ask."""
        return self.behind_auth or self.platform is not None


def serve_project(ws: Workspace, listen: Listen) -> None:
    """Serve a project's releases in their roles, whichever these are, until the process is told to stop.

    Raises
    ------
    NoChampion
        No release is champion yet.
    OpenDoor
        It would listen beyond this machine while no key is in force.
    ServerFailed
        The port is taken, or a worker could not begin.
    """
    duty = duty_of(ws)
    if duty.champion is None:
        raise errors.NoChampion("no release is champion yet", at=ws.project, fix="keepfit run")
    spec = ws.spec.serve
    limits = Limits(spec.most_rows, spec.most_bytes, spec.timeout.delta.total_seconds(), spec.rate, spec.concurrency, spec.connections)
    log = listen.log or "segments"
    orders = Orders(
        project=ws.project,
        releases=str(ws.release_folder(duty.champion).parent),
        log=log,
        code=str(ws.folder),
        segments=str(ws.segments) if log == "segments" else None,
        subjects=ws.secret("subjects"),
        durability=spec.durability,
        on_log_failure=spec.on_log_failure,
        sample=spec.log_sample,
        limits=limits,
    )
    ws.close()  # whoever follows opens it in a thread of its own
    _serve(orders, duty, listen, ws)


def serve_folder(folder: Path, listen: Listen) -> None:
    """Serve one release folder and nothing else; predictions are kept only on standard output, where that is asked for.

    Raises
    ------
    BadRelease, OpenDoor, ServerFailed
        The folder does not hold; there are no keys, so it listens beyond this machine only behind something that admits.
    """
    if listen.log == "segments":
        raise errors.BadArgument("a folder alone has no segments", at="--log", fix="--log stdout, or serve the project")
    place = folder.resolve()
    orders = Orders(project="", releases=str(place.parent), log=listen.log or "none")
    _serve(msgspec.structs.replace(orders, project=read_release(place).project), Duty(champion=place.name), listen, None)


def _serve(orders: Orders, duty: Duty, listen: Listen, ws: Workspace | None) -> None:
    if not duty.keys and not listen.admitted and not _is_loopback(listen.host):
        fix = "keepfit key create --scope predict, or --behind-auth where something before it admits whom it may"
        raise errors.OpenDoor("anyone who reaches this address could ask, and no key is in force", at=listen.host, fix=fix)
    orders = msgspec.structs.replace(
        orders,
        simulated=listen.simulated,
        open=listen.admitted,
        platform=listen.platform,
        certificate=str(listen.certificate) if listen.certificate else None,
        private_key=str(listen.private_key) if listen.private_key else None,
        traces=listen.traces,
        access=listen.access,
        workers=max(1, listen.workers),
        quiet=listen.quiet,
    )
    raise_open_files()
    events = Events(quiet=listen.quiet)
    with contextlib.ExitStack() as stack:
        listening = [stack.enter_context(_bound(listen.host, listen.port)), *_bound_beside(listen, stack, events)]
        scheme = "https" if listen.certificate else "http"
        url = f"{scheme}://{_in_url(listen.host)}:{listening[0].getsockname()[1]}"
        folding = Folding(ws) if ws is not None and orders.log == "segments" else None

        def ready(champion: str) -> None:
            listen.announce(url, champion)
            events.say("serving", url=url, release=champion, workers=listen.workers)

        if listen.workers == 0:
            _alone(orders, duty, listening, ws, folding, events, ready, with_stdin=listen.with_stdin)
            return
        parent = Parent(orders, duty, listening, folding=folding, events=events)
        following = Following(ws, duty, tell=parent.tell, reached=parent.reached, events=events) if ws is not None else None
        if following is not None:
            following.start()
        try:
            parent.run(ready=ready, with_stdin=listen.with_stdin)
        finally:
            if following is not None:
                following.stop()


def _alone(
    orders: Orders,
    duty: Duty,
    listening: Sequence[socket.socket],
    ws: Workspace | None,
    folding: Folding | None,
    events: Events,
    ready: Callable[[str], None],
    *,
    with_stdin: bool,
) -> None:
    """One process: answers, follows the ledger in a thread, and lets segments be folded."""
    worker = Worker(orders, Shared(), parts=1, events=events)
    worker.crew.begin(duty)
    counters = worker.app.counters

    async def look_after() -> None:
        while True:
            if folding is not None and (done := folding.look(time.monotonic())) is not None:
                counters.put(counters.place("keepfit_fold_failing"), int(isinstance(done, str)))
                if isinstance(done, str):
                    events.say("segments cannot be folded", "error", error=done)
                else:
                    counters.add(counters.place("keepfit_folds_total"), done.segments)
                    counters.add(counters.place("keepfit_repeated_predictions_total"), done.repeated)
                    counters.add(counters.place("keepfit_disagreeing_predictions_total"), done.disagreed)
            await asyncio.sleep(1.0)

    def stop_at_end_of_input() -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            worker.stop()

    async def run() -> None:
        loop = asyncio.get_running_loop()
        for one in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(one, worker.stop)
        if with_stdin:
            loop.add_reader(sys.stdin.fileno(), stop_at_end_of_input)

        def tell(new: Duty) -> None:
            asyncio.run_coroutine_threadsafe(worker.crew.take(new), loop)

        def reached(reachable: bool) -> None:
            counters.put(counters.place("keepfit_ledger_unreachable"), 0 if reachable else 1)

        following = Following(ws, duty, tell=tell, reached=reached, events=events) if ws is not None else None
        looking = asyncio.create_task(look_after())
        if following is not None:
            following.start()
        try:
            await worker.run(listening, started=lambda: ready(duty.champion or ""))
        finally:
            looking.cancel()
            if following is not None:
                following.stop()
            if folding is not None:
                folding.stop()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


def _bound_beside(listen: Listen, stack: contextlib.ExitStack, events: Events) -> list[socket.socket]:
    """What a platform's probes may ask besides; a port that another holds is not worth failing for."""
    beside = listen.platform.health_port if listen.platform is not None else None
    if beside is None or listen.port in (0, beside):
        return []
    try:
        return [stack.enter_context(_bound(listen.host, beside))]
    except errors.ServerFailed as error:
        events.say("the port for health cannot be listened on", "error", at=error.at, error=error.message)
        return []


def _bound(host: str, port: int) -> contextlib.closing[socket.socket]:
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(4096)
    except OSError as error:
        listening.close()
        fix = "choose another port with --port, or --port 0 for any free one"
        raise errors.ServerFailed(f"cannot listen: {error.strerror}", at=f"{host}:{port}", fix=fix) from error
    return contextlib.closing(listening)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
