"""Runs commands in processes forked from one that has imported everything: most of a command's time is its start.

python warm.py SOCKET        ends when its standard input does

A forked command is a process of its own, with its arguments, environment, folder and files, which ends with the status that
`python -m keepfit` would end with. What the start itself costs, and signals, are tested on processes that are started anew.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import json
import os
import select
import signal
import socket
import sys
import threading
from pathlib import Path

PRELOADED = ("keepfit.project", "optuna", "polars", "scipy.special", "keepfit.estimators.lightgbm", "keepfit.estimators.linear")


def preload():
    from keepfit.commands import COMMANDS

    for name in (*(f"keepfit.commands.{name}" for name in COMMANDS), *PRELOADED):
        importlib.import_module(name)


def serve(path):
    sys.path.pop(0)  # this file's folder
    preload()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who answers a connection is not waited for
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{path}.new")
        listener.listen()
        Path(f"{path}.new").rename(path)  # whoever finds it is answered
        while True:
            ready, _, _ = select.select([listener, 0], [], [])
            if 0 in ready:
                return
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                answer(connection)
                os._exit(0)
            connection.close()


def answer(connection):
    """Run one command; tell its process and then the status that it ended with."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    data, files, _, _ = socket.recv_fds(connection, 1 << 16, 3)
    while not data.endswith(b"\n"):
        data += connection.recv(1 << 16)
    asked = json.loads(data)
    process = os.fork()
    if process == 0:
        connection.close()
        command(asked, files)
    connection.sendall(b"%d\n" % process)
    _, status = os.waitpid(process, 0)
    connection.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))


def command(asked, files):
    code = 70
    try:
        for place, file in enumerate(files):
            os.dup2(file, place)
            os.close(file)
        os.chdir(asked["folder"])
        os.environ.clear()
        os.environ.update(asked["environment"])
        sys.path.insert(0, asked["folder"])
        sys.argv = ["keepfit", *asked["arguments"]]
        from keepfit.commands import main

        try:
            main(asked["arguments"])
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        threading._shutdown()
        atexit._run_exitfuncs()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)


if __name__ == "__main__":
    serve(sys.argv[1])
