"""The real command line as a process of its own, a real server on loopback, and a small project to try them on."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import numpy as np
import polars as pl
import pytest

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)  # a Monday
NOW = "2024-03-04T00:00Z"  # nine weeks later
#: A bound on what a loaded machine may need for one command; nothing here comes near it.
PATIENCE = 60.0

PROJECT = """\
[problem]
name = "small"
target = "bad"
time = "when"
key = ["number"]
label_delay = "1d"

[data]
source = "rows.parquet"

[model]
estimators = ["linear"]
trials = 0

[gates]
good = { kind = "at_least", metric = "roc_auc", limit = 0.6 }

[refit]
minimum_labels = 100
guards = ["flood", "vanished"]
"""


def rows_of(days, *, begin=BEGIN, per_day=33, seed=1, turned=False):
    """Rows of some days; with `turned`, the world is another one: what was a bad sign is a good one."""
    draw = np.random.default_rng(seed)
    count = days * per_day
    seconds = np.sort(draw.integers(0, days * 86_400, count))
    amount, shop = draw.normal(size=count), draw.choice(["north", "south", "west"], count)
    chance = 1 / (1 + np.exp(-((-1.5 if turned else 1.5) * amount + (shop == "north") - 0.5)))
    when = pl.Series([begin + timedelta(seconds=int(s)) for s in seconds], dtype=pl.Datetime("us", "UTC"))
    number = (begin - BEGIN).days * 1000 + np.arange(count)
    return pl.DataFrame({"number": number, "when": when, "amount": amount, "shop": shop, "bad": draw.random(count) < chance})


def environment(**more):
    """This process's environment without keepfit's own variables, so that a developer's settings change nothing."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KEEPFIT_")}
    return kept | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NO_COLOR": "1", "KEEPFIT_ACTOR": "person:test"} | more


def command(*arguments):
    return [sys.executable, "-m", "keepfit", *map(str, arguments)]


class Warm:
    """A process that has imported everything and forks commands; started when the first one is run."""

    def __init__(self):
        self._place = None

    def run(self, arguments, *, env, cwd=None, input=None):  # noqa: A002 - as subprocess.run has it
        with contextlib.ExitStack() as stack:
            given, out, err = (stack.enter_context(tempfile.TemporaryFile()) for _ in range(3))
            given.write((input or "").encode())
            given.seek(0)
            connection = stack.enter_context(socket.socket(socket.AF_UNIX))
            connection.settimeout(PATIENCE)
            connection.connect(self._address())
            asked = json.dumps({"arguments": arguments, "environment": env, "folder": os.fspath(cwd or Path.cwd())}) + "\n"
            files = [file.fileno() for file in (given, out, err)]
            data = asked.encode()
            sent = socket.send_fds(connection, [data], files)
            connection.sendall(data[sent:])
            answers = stack.enter_context(connection.makefile())
            process = int(answers.readline())
            try:
                code = int(answers.readline())
            except TimeoutError:
                os.kill(process, signal.SIGKILL)
                raise subprocess.TimeoutExpired(arguments, PATIENCE) from None
            said = []
            for file in (out, err):
                file.seek(0)
                said.append(file.read().decode().replace("\r\n", "\n"))
            return subprocess.CompletedProcess(["keepfit", *arguments], code, *said)

    def _address(self):
        if self._place is None:
            self._place = tempfile.TemporaryDirectory()
            address = f"{self._place.name}/socket"
            script = Path(__file__).with_name("warm.py")
            self._process = subprocess.Popen([sys.executable, script, address], stdin=subprocess.PIPE, env=environment())
            wait_until(lambda: Path(address).exists() or self._process.poll() is not None)
        return f"{self._place.name}/socket"

    def end(self):
        if self._place is not None:
            self._process.stdin.close()
            self._process.wait(timeout=PATIENCE)
            self._place.cleanup()


WARM = Warm()


@pytest.fixture(scope="session", autouse=True)
def _end_of_warm():
    yield
    WARM.end()


def run_keepfit(*arguments, env=None, cwd=None, input=None):  # noqa: A002 - as subprocess.run has it
    """`keepfit …` as a process; its exit code, output and errors."""
    return WARM.run([str(argument) for argument in arguments], env=environment(**(env or {})), cwd=cwd, input=input)


@pytest.fixture
def keepfit():
    return run_keepfit


@pytest.fixture(scope="session")
def run_once():
    """`keepfit …`, for fixtures that several tests share."""
    return run_keepfit


@pytest.fixture(scope="session")
def rows_once():
    """Rows of some days, for fixtures that several tests share."""
    return rows_of


@pytest.fixture
def started():
    """Starts `keepfit …` and gives the process; what still runs at the end of the test is killed."""
    with contextlib.ExitStack() as stack:

        def start(*arguments, pipe=subprocess.PIPE):
            process = subprocess.Popen(
                command(*arguments), stdin=subprocess.PIPE, stdout=pipe, stderr=subprocess.PIPE, text=True, env=environment()
            )
            stack.callback(end, process)
            return process

        yield start


def end(process):
    if process.poll() is None:
        process.kill()
    process.wait(timeout=PATIENCE)
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()


class Server:
    """A server process and a client of it."""

    def __init__(self, process, url):
        self.process, self.url = process, url
        self.client = httpx.Client(base_url=url, timeout=PATIENCE)

    def post(self, path, body, *, at=None):
        headers = {"Content-Type": "application/json", **({"Keepfit-Now": at} if at else {})}
        if isinstance(body, (str, bytes)):
            return self.client.post(path, content=body, headers=headers)
        return self.client.post(path, json=body, headers=headers)

    def kill(self):
        """End the parent and its workers at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=PATIENCE)


@contextlib.contextmanager
def served(folder, *options):
    process = subprocess.Popen(
        command("serve", "-C", folder, "--port", "0", "--json", *options),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment(),
        start_new_session=True,
    )
    try:
        server = Server(process, json.loads(process.stdout.readline())["url"])
        with server.client:
            yield server
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)
        process.stdout.close()


@pytest.fixture
def serve():
    return served


@pytest.fixture
def variables():
    """The environment in which the tests run keepfit."""
    return environment()


@pytest.fixture
def change_ledger():
    """Changes the ledger's file behind keepfit's back."""

    def change(folder, statement):
        with contextlib.closing(sqlite3.connect(folder / ".keepfit/ledger.sqlite")) as connection, connection:
            assert connection.execute(statement).rowcount == 1

    return change


@pytest.fixture
def table():
    return rows_of


def write_project(folder, *, toml=PROJECT, rows=None):
    folder.mkdir(parents=True)
    (folder / "keepfit.toml").write_text(toml)
    (rows_of(63) if rows is None else rows).write_parquet(folder / "rows.parquet")
    return folder


@pytest.fixture
def project(tmp_path):
    """Makes a project folder that has not run yet: `project(name, toml=…, rows=…, edit=(old, new))`."""

    def make(name="project", *, toml=PROJECT, rows=None, edit=None):
        if edit is not None:
            assert edit[0] in toml
            toml = toml.replace(*edit)
        return write_project(tmp_path / name, toml=toml, rows=rows)

    return make


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory):
    """A project after its first run, to be copied and never changed."""
    folder = write_project(tmp_path_factory.mktemp("finished") / "project")
    done = run_keepfit("run", "-C", folder, "--now", NOW)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def champion(finished_run, tmp_path):
    """A copy of a project that has a champion."""
    return Path(shutil.copytree(finished_run, tmp_path / "champion"))


def as_rows(frame):
    """A table's rows as requests carry them."""
    when = pl.col("when").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
    return frame.with_columns(when).to_dicts()


def tell(server, frame, *, asked_at, labelled_at):
    """Ask about rows and bring their labels; give the ids that were answered."""
    rows = as_rows(frame.drop("bad"))
    answer = server.post("/v1/predict", {"rows": rows}, at=asked_at)
    assert answer.status_code == 200, answer.text
    labels = [{"key": {"number": row["number"]}, "value": row["bad"]} for row in as_rows(frame)]
    assert server.post("/v1/labels", {"labels": labels}, at=labelled_at).status_code == 200
    return [one["id"] for one in answer.json()["predictions"]]


@pytest.fixture
def request_rows():
    return as_rows


@pytest.fixture(scope="module")
def asked(finished_run, tmp_path_factory):
    """A server for requests that change nothing, one for all tests of a module."""
    folder = Path(shutil.copytree(finished_run, tmp_path_factory.mktemp("asked") / "project"))
    with served(folder) as server:
        yield server


@pytest.fixture(scope="session")
def answered_weeks(finished_run, tmp_path_factory):
    """The project after two weeks of answers with their labels, in a world that turned; to be copied.

    In the midst of the first week another release takes over: both answered in that window.
    """
    folder = Path(shutil.copytree(finished_run, tmp_path_factory.mktemp("answered") / "project"))
    with served(folder, "--simulated") as server:
        for week in (9, 10):
            monday = BEGIN + timedelta(weeks=week)
            frame = rows_of(7, begin=monday, seed=week, turned=True)
            asked_at, labelled_at = monday.isoformat(), (monday + timedelta(days=8)).isoformat()
            tell(server, frame.head(60), asked_at=asked_at, labelled_at=labelled_at)
            if week == 9:
                done = run_keepfit("run", "-C", folder, "--now", "2024-03-04T12:00Z", "--set", "model.seed=7")
                assert done.returncode == 0, done.stderr
                wait_until(lambda: server.client.get("/v1/release").json()["id"] == "r2")
            tell(server, frame.tail(-60), asked_at=asked_at, labelled_at=labelled_at)
    return folder


@pytest.fixture
def answered_copy(answered_weeks, tmp_path):
    """A copy of the project with two weeks of answers and labels."""
    return Path(shutil.copytree(answered_weeks, tmp_path / "answered"))


def wait_until(holds, *, within=PATIENCE):
    """Ask again and again; give the seconds that it took."""
    begin = time.monotonic()
    while not holds():
        assert time.monotonic() - begin < within, "it did not come about in time"
        time.sleep(0.02)
    return time.monotonic() - begin


@pytest.fixture
def until():
    return wait_until


@pytest.fixture
def entries(keepfit):
    """The entries of a project, as `keepfit history --json` gives them."""

    def read(folder, **options):
        done = keepfit("history", "-C", folder, "--json", **options)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return read


@pytest.fixture
def state_of():
    """The lock's bytes and the chain as they are on the disk, to show that a refused command changed nothing."""

    def read(folder):
        lock, ledger = folder / "keepfit.lock", folder / ".keepfit" / "ledger.sqlite"
        chain = []
        if ledger.exists():
            with contextlib.closing(sqlite3.connect(ledger)) as connection:
                chain = connection.execute("SELECT seq, kind, text, hash FROM entries ORDER BY seq").fetchall()
        return {"lock": lock.read_bytes() if lock.exists() else None, "chain": chain}

    return read


@pytest.fixture
def on_a_disk(tmp_path, variables):
    """Runs a shell script in which $DISK is a fresh file system in memory and $KEEPFIT the command; gives the standard output.

    The disk is mounted in a name space of its own, which Linux gives to root and to others alike.
    """

    def call(script, *, size, folder):
        disk = tmp_path / "disk"
        disk.mkdir()
        keepfit = shlex.quote(" ".join(map(shlex.quote, command())))
        mount = f"mount -t tmpfs -o size={size} tmpfs $DISK && cp -r {shlex.quote(str(folder))} $DISK/p"
        set_up = f"set -u; KEEPFIT={keepfit}; DISK={shlex.quote(str(disk))}; {mount}"
        shell = ["unshare", "--user", "--map-root-user", "--mount", "bash", "-c", f"{set_up} || exit 99\n{script}"]
        done = subprocess.run(shell, capture_output=True, text=True, timeout=120, check=False, env=variables)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return call
