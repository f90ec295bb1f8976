"""Kill a command at its first, second, third … change of the disk, until it gets through; then let the next command go on.

    python killing.py FOLDER WORK '[["turn", "--now", "…"], …]' '[0, …]'

The commands form one story, told on copies of FOLDER inside WORK; those whose numbers follow are killed. They run in
forks of one process that has imported the library, so that hundreds take seconds. A fork that is to be killed kills
itself, with SIGKILL, before its n-th rename or removal inside the project, or inside its n-th transaction of the
ledger. Prints a line of JSON for every kill, and one for every command that was left alone; the test says what must
hold. A kill is no power cut, so nothing is synced here.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy  # noqa: F401 - imported once, before the forks
import polars  # noqa: F401
import sklearn.linear_model  # noqa: F401

import keepfit.commands.label
import keepfit.commands.ledger
import keepfit.commands.run
import keepfit.commands.turn
import keepfit.commands.watch  # noqa: F401
from keepfit.commands import main
from keepfit.loop import certify
from keepfit.stores import sqlite

CHANGES = {"os.rename", "os.remove"}
PATIENCE = 60
#: How a command ends that did its work; with 1 where a watch found an incident.
FOUND = {None, 0, 1}


class Fuse:
    """Counts the changes of a project's disk and ends the process at the n-th."""

    def __init__(self, folder, burns_at):
        self.folder, self.left = f"{folder}/", burns_at

    def audit(self, event, arguments):
        if event in CHANGES and os.fspath(arguments[0]).startswith(self.folder):
            self.count()

    def count(self):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def light(fuse):
    sys.addaudithook(fuse.audit)
    place = sqlite.place

    def inside_the_transaction(*arguments):
        fuse.count()
        return place(*arguments)

    sqlite.place = inside_the_transaction


def forked(*calls, fuse=None):
    """Run commands in a fork until one fails; give the codes, or minus the signal that ended the fork."""
    process = os.fork()
    if process == 0:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.fsync = lambda descriptor: None
        certify.time = SimpleNamespace(thread_time_ns=lambda: 0)  # what an answer costs is another figure each time
        if fuse is not None:
            light(fuse)
        for number, arguments in enumerate(calls):
            try:
                main(arguments)
            except SystemExit as end:
                if end.code not in FOUND:
                    os._exit(end.code + 100 * number)
        os._exit(0)
    alarm = threading.Timer(PATIENCE, os.kill, (process, signal.SIGTERM))
    alarm.start()
    try:
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    finally:
        alarm.cancel()
    return [0] * len(calls) if code == 0 else [0] * (code // 100) + [code % 100] if code > 0 else code


def story(folder):
    """What the chain tells, without the wall clock and without the loop's notes on its attempts."""
    ledger = sqlite.SqliteLedger(folder / ".keepfit" / "ledger.sqlite", "small")
    told = [[entry.kind, entry.key, entry.at.isoformat(), entry.body] for entry in ledger.entries() if entry.kind != "action"]
    notes = [entry.body for entry in ledger.entries(kind="action")]
    head = ledger.head().hash
    ledger.close()
    lock = folder / "keepfit.lock"
    named = json.loads(lock.read_text()) if lock.exists() else None
    labels = [path.name for path in folder.glob(".keepfit/segments/sealed/labels-*")]
    at_head = named is not None and named["head"]["hash"] == head
    return {"told": told, "notes": notes, "labels": labels, "lock_is_at_head": at_head}


def disturb(start, work, number, command):
    """Kill a command at each of its changes; a line for each, when the same command was called once more."""
    for point in range(1, 1000):
        folder = Path(shutil.copytree(start, work / "disturbed"))
        ended = forked([*command, "-C", str(folder)], fuse=Fuse(folder, point))
        if ended == -signal.SIGKILL:
            codes = forked([*command, "-C", str(folder)], ["ledger", "verify", "-C", str(folder)])
            print(json.dumps({"call": number, "point": point, "again": codes} | story(folder)), flush=True)
        shutil.rmtree(folder)
        if ended != -signal.SIGKILL:
            return


def tell(start, work, commands, which):
    for number, command in enumerate(commands):
        undisturbed = Path(shutil.copytree(start, work / f"after-{number}"))
        code = forked([*command, "-C", str(undisturbed)])
        if number in which:
            disturb(start, work, number, command)
        print(json.dumps({"command": command, "code": code} | story(undisturbed)), flush=True)
        start = undisturbed


if __name__ == "__main__":
    tell(Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3]), json.loads(sys.argv[4]))
