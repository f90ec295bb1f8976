"""A real PostgreSQL for the whole run: its own cluster in a temporary folder, on loopback, gone at the end."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

PASSWORD = "pa ss/w@rd:%1?"
IN_URL = "pa%20ss%2Fw%40rd%3A%251%3F"


@dataclass(frozen=True)
class Postgres:
    """A running server."""

    port: int
    folder: Path

    @property
    def url(self):
        return f"postgresql://keepfit:{IN_URL}@127.0.0.1:{self.port}/postgres"

    @property
    def socket_url(self):
        return f"postgresql://keepfit:{IN_URL}@/postgres?host={self.folder}&port={self.port}"

    def run(self, statement):
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def url_of_schema(self, name):
        self.run(f"CREATE SCHEMA {name}")
        return f"{self.url}?options=-csearch_path%3D{name}"


def programs():
    """The folder of initdb and pg_ctl."""
    on_path = shutil.which("pg_ctl")
    places = [Path(on_path).resolve().parent] if on_path else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for place in places:
        if (place / "initdb").exists() and (place / "pg_ctl").exists():
            return place
    pytest.fail("these tests need PostgreSQL: initdb and pg_ctl are neither on PATH nor in /usr/lib/postgresql/*/bin", pytrace=False)


def unprivileged():
    """How to start a program as a user whom PostgreSQL accepts: it refuses to run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    pytest.fail("PostgreSQL refuses to run as root, and there is no user postgres or nobody", pytrace=False)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture(scope="session")
def postgres():
    bin_, user = programs(), unprivileged()
    folder = Path(tempfile.mkdtemp(prefix="kf-pg-"))
    data, log, port = folder / "data", folder / "log", free_port()
    (folder / "password").write_text(PASSWORD + "\n")
    as_user = {}
    if user is not None:
        as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        for path in (folder, folder / "password"):
            os.chown(path, user.pw_uid, user.pw_gid)
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C", "HOME": str(folder)}

    def program(name, *arguments):
        # Into a file: the server that pg_ctl starts would keep a pipe open.
        with (folder / "out").open("wb") as out:
            streams = {"stdin": subprocess.DEVNULL, "stdout": out, "stderr": subprocess.STDOUT}
            done = subprocess.run([bin_ / name, *arguments], cwd=folder, env=environment, timeout=120, check=False, **streams, **as_user)
        said = (folder / "out").read_text() + (log.read_text() if log.exists() else "")
        assert done.returncode == 0, f"{name} failed:\n{said}"

    try:
        secure = ["--auth=scram-sha-256", f"--pwfile={folder / 'password'}"]
        program("initdb", "-D", data, "-U", "keepfit", "-E", "UTF8", "--locale=C", "--no-sync", *secure)
        settings = f"-p {port} -c listen_addresses=127.0.0.1 -k {folder} -c fsync=off -c max_connections=50 -c shared_buffers=16MB"
        program("pg_ctl", "-D", data, "-l", log, "-w", "-t", "60", "-o", settings, "start")
        try:
            yield Postgres(port, folder)
        finally:
            program("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
