"""Turn a project through its weeks: undisturbed, killed with SIGKILL at random moments, or by two loops at once.

    python turning.py FOLDER HOW TURNS SEED

HOW is `killed`, `two` (two loops take turns by the folder's lock) or `apart` (two machines on one folder whose lock is
none to the other, so that the ledger alone keeps them apart). Every turn is a fork of one process that has imported the
library. Each week the world asks, tells what came true, and decides what a person was asked; the world turns now and
then. What was made so is told again on a copy by one undisturbed loop, and both stories are printed as JSON: the test
says what must hold. A kill is no power cut, so nothing is synced here.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import random
import shutil
import signal
import sys
import time
import traceback
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import sklearn.linear_model  # noqa: F401 - imported once, before the forks

from keepfit import action, plugin
from keepfit.decision import decisions
from keepfit.loop import certify, fit, lease
from keepfit.project import open_project
from keepfit.workspace import Workspace

#: The first week that the world asks about.
FIRST = datetime(2024, 3, 4, tzinfo=UTC)
ROWS, PATIENCE = 84, 120.0
#: What a turn needs from the entry points, imported before the forks.
SEAMS = ("sources", "tasks", "columns", "sketches", "predictors", "gates")
#: Kinds of entries whose keys hold the place of another entry.
PLACED = {"snapshot", "release", "incident", "decision"}
#: A turn is killed with this chance, at a moment within so many times what turns take.
KILLED, WITHIN = 0.6, 1.3


class Fork:
    """A function in a process of its own; what it gives comes back as JSON."""

    def __init__(self, function, *, owner="one", locked=True):
        self.begun, reading = time.monotonic(), os.pipe()
        self.process = os.fork()
        if self.process == 0:
            self._run(function, reading[1], owner, locked)
        os.close(reading[1])
        self.pipe, self.said = reading[0], None

    def _run(self, function, pipe, owner, locked):
        code = 1
        try:
            os.fsync = lambda descriptor: None
            certify.time = SimpleNamespace(thread_time_ns=lambda: 0)  # what an answer costs is another figure each time
            action.FIRST_WAIT = timedelta()  # what was cut off is tried again at the same instant
            fit.CERTIFIED_ROWS = 50
            lease.holder = lambda ws: owner
            if not locked:
                Workspace.alone = unlocked
            os.write(pipe, json.dumps(function()).encode())
            code = 0
        except BaseException:  # noqa: BLE001 - whatever it is, the test is to see it
            traceback.print_exc()
        finally:
            os._exit(code)

    def kill(self):
        os.kill(self.process, signal.SIGKILL)

    def ended(self, *, wait):
        """Whether it ended: by itself or by the kill."""
        if self.said is None:
            process, status = os.waitpid(self.process, 0 if wait else os.WNOHANG)
            if process == 0:
                assert time.monotonic() - self.begun < PATIENCE, "a turn did not come back"
                return False
            code, text = os.waitstatus_to_exitcode(status), os.read(self.pipe, 65536)
            os.close(self.pipe)
            assert code in {0, -signal.SIGKILL}, f"a fork ended with {code}"
            self.said = json.loads(text) if code == 0 else {}
        return True

    def result(self):
        self.ended(wait=True)
        return self.said


@contextlib.contextmanager
def unlocked(self, *, now=None, wait=0.0, waiting=None):
    """The folder's lock on a machine that does not see another's."""
    self.prepare()
    yield


def rows_of(week):
    """The rows of a week; every five weeks the world is another one."""
    draw = np.random.default_rng(week)
    turned = (week // 5) % 2 == 1
    seconds = np.sort(draw.integers(0, 7 * 86_400, ROWS))
    amount, shop = draw.normal(size=ROWS), draw.choice(["north", "south", "west"], ROWS)
    chance = 1 / (1 + np.exp(-((-2.0 if turned else 2.0) * amount + (shop == "north") - 0.5)))
    when = pl.Series([FIRST + timedelta(weeks=week, seconds=int(s)) for s in seconds], dtype=pl.Datetime("us", "UTC"))
    number = 1_000_000 + week * 1000 + np.arange(ROWS)
    return pl.DataFrame({"number": number, "when": when, "amount": amount, "shop": shop, "bad": draw.random(ROWS) < chance})


def live(folder, week):
    """What the world does in a week: asks, brings the labels of the week, and decides what waits for a person."""
    begin, end = FIRST + timedelta(weeks=week), FIRST + timedelta(weeks=week + 1)
    with open_project(folder) as project:
        ws, frame = project.workspace, rows_of(week)
        canary = ws.roles().canary
        parts = {None: frame} if canary is None else {None: frame[: ROWS // 2], canary: frame[ROWS // 2 :]}
        for release, part in parts.items():
            table = folder / "week.parquet"
            part.drop("bad").write_parquet(table)
            project.score(table, folder / "scored.parquet", release=release, now=begin + timedelta(days=1))
            (folder / "scored.parquet").unlink()
        frame.select("number", "bad").write_csv(folder / "truth.csv")
        project.label(folder / "truth.csv", now=end)
        for one in decisions(ws.ledger.entries(kind="decision")).waiting:
            if one.about in {ws.roles().shadow, ws.roles().canary, "refit"}:
                decide = project.veto if week % 4 == 3 and one.about != "refit" else project.approve
                decide(one.about, because="so it is", now=end)
    return {}


def turn(folder, now):
    with open_project(folder) as project:
        due = project.turn(now=now).action
    return {"kind": due.kind, "because": due.because}


class Loop:
    """Turns one after another, until nothing is due; some of them killed."""

    def __init__(self, folder, chance, *, killed=0.0, owner="one", locked=True):
        self.folder, self.chance, self.killed = folder, chance, killed
        self.who = {"owner": owner, "locked": locked}
        self.turns = self.kills = 0
        self.usual = 0.3

    def week(self, week):
        """Turn until nothing is due any more in a week that is over and labelled."""
        now = FIRST + timedelta(weeks=week + 1, days=1)
        while self.one(now).get("kind") not in {"nothing", "ask"}:
            pass

    def one(self, now):
        fork = Fork(lambda: turn(self.folder, now), **self.who)
        self.turns += 1
        if self.chance.random() < self.killed:
            until = fork.begun + self.chance.random() * WITHIN * self.usual
            while time.monotonic() < until and not fork.ended(wait=False):
                time.sleep(0.001)
            if fork.said is None:
                fork.kill()
            self.kills += fork.result() == {}
        elif fork.result():
            self.usual += 0.1 * (time.monotonic() - fork.begun - self.usual)
        return fork.said


def in_turns(folder, week, chance, who):
    """Two loops in a week, each as fast as it can, until both find nothing to do; gives the turns that they took."""
    now, turns = FIRST + timedelta(weeks=week + 1, days=1), 0
    at_work = dict.fromkeys(("one", "two"))
    quiet = set()
    while len(quiet) < len(at_work):
        for owner, fork in at_work.items():
            if fork is None and owner not in quiet:
                at_work[owner] = Fork(lambda: turn(folder, now), owner=owner, **who)
                turns += 1
                time.sleep(chance.random() * 0.02)
            elif fork is not None and fork.ended(wait=False):
                at_work[owner] = None
                idle = fork.said["kind"] in {"nothing", "ask"} and "another loop" not in fork.said["because"]
                quiet = quiet | {owner} if idle else quiet - {"one", "two"}
        time.sleep(0.002)
    return turns


def story(folder):
    """What the chain tells, without the wall clock, and how the actions ended; in a file of its own.

    The loop's notes on its attempts move the places of later entries, so a place is told by how many others lie before
    it, and a key that holds one is left out.
    """
    with open_project(folder) as project:
        entries, whole = list(project.history()), project.verify().whole
        answers = project.predictions()
    place = dict(enumerate(accumulate(entry.kind != "action" for entry in entries), 1))
    told = [
        [entry.kind, None if entry.kind in PLACED else entry.key, {**entry.body, "watched": place.get(entry.body.get("watched"))}]
        for entry in entries
        if entry.kind != "action"
    ]
    ended = [[entry.body["kind"], entry.body["cause"], entry.body["status"]] for entry in entries if entry.kind == "action"]
    known = answers["label"].drop_nulls().len()
    path = folder / "story.json"
    path.write_text(json.dumps({"told": told, "actions": ended, "whole": whole, "answers": answers.height, "labels": known}))
    return str(path)


def run(folder):
    with open_project(folder) as project:
        return project.run(now=FIRST).released


def tell(folder, how, turns, seed):
    chance, begun = random.Random(seed), time.monotonic()
    calm = Path(shutil.copytree(folder, folder.with_name(f"{folder.name}-calm")))
    toml = calm / "keepfit.toml"
    toml.write_text(toml.read_text().partition("[stores]")[0])
    for each in (folder, calm):
        assert Fork(lambda each=each: run(each)).result() == "r1"
    loop, taken, weeks = Loop(folder, chance, killed=KILLED), 0, 0
    while taken < turns:
        Fork(lambda week=weeks: live(folder, week)).result()
        if how == "killed":
            loop.week(weeks)
            taken = loop.turns
        else:
            taken += in_turns(folder, weeks, chance, {"locked": how == "two"})
        weeks += 1
    disturbed = time.monotonic() - begun
    one = Loop(calm, chance)
    for week in range(weeks):
        Fork(lambda week=week: live(calm, week)).result()
        one.week(week)
    sums = {"seed": seed, "turns": taken, "kills": loop.kills, "weeks": weeks, "calm_turns": one.turns}
    sums |= {"seconds": round(disturbed, 1), "calm_seconds": round(time.monotonic() - begun - disturbed, 1)}
    print(json.dumps({**sums, "disturbed": Fork(lambda: story(folder)).result(), "calm": Fork(lambda: story(calm)).result()}))


if __name__ == "__main__":
    for seam in SEAMS:
        for kind in plugin.kinds(seam):
            plugin.find(seam, kind)
    for seam, kind in (("estimators", "linear"), ("ledgers", "sqlite"), ("ledgers", "postgresql")):
        plugin.find(seam, kind)
    gc.freeze()
    tell(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
