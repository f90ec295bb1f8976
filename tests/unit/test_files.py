from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from keepfit import files
from keepfit.errors import Busy, CannotWrite

KILLED_WHILE_WRITING = """
import os, signal, sys
from pathlib import Path
from keepfit import files

step, path = sys.argv[1], Path(sys.argv[2])

def kill(*_arguments):
    os.kill(os.getpid(), signal.SIGKILL)

def half(beside):
    beside.write_bytes(b"ne")
    kill()

if step == "fsync":
    os.fsync = kill
if step == "rename":
    Path.replace = kill
if step == "sync folder":
    files.sync_folder = kill
files.write_whole(path, half if step == "half" else b"new")
"""

HOLDER = """
import sys
from pathlib import Path
from keepfit import files

with files.lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize(("step", "left"), [("half", b"old"), ("fsync", b"old"), ("rename", b"old"), ("sync folder", b"new")])
def test_a_kill_leaves_the_old_file_or_the_new_one_whole(tmp_path, step, left):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    done = subprocess.run([sys.executable, "-c", KILLED_WHILE_WRITING, step, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == left
    files.write_whole(path, b"newer")
    assert path.read_bytes() == b"newer"


def test_a_file_is_written_with_its_folders_and_its_rights(tmp_path):
    path = files.write_whole(tmp_path / "a" / "b" / "file", b"content", mode=0o600)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"content", 0o600)
    assert [one.name for one in path.parent.iterdir()] == ["file"]


def test_what_fails_while_it_is_filled_leaves_nothing_behind(tmp_path):
    (tmp_path / "file").write_bytes(b"old")

    def fill(beside):
        beside.write_bytes(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        files.write_whole(tmp_path / "file", fill)
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("file", b"old")]


def test_a_file_named_by_its_content_is_written_once(tmp_path):
    path = tmp_path / "file"
    files.write_new(path, b"first")
    files.write_new(path, b"second")
    assert path.read_bytes() == b"first"


@pytest.mark.parametrize(
    ("number", "says"), [(28, "disk is full"), (122, "quota"), (30, "read-only"), (13, "may not write"), (5, "cannot write")]
)
def test_the_operating_system_s_refusal_says_what_to_do(tmp_path, number, says):
    with pytest.raises(CannotWrite, match=says) as caught, files.writable(tmp_path):
        raise OSError(number, os.strerror(number))
    assert caught.value.fix
    assert caught.value.at == str(tmp_path)
    assert caught.value.exit_code == 4


def holder(path):
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    return process


def test_a_lock_keeps_other_processes_out_until_its_holder_ends_however_it_ends(tmp_path):
    path = tmp_path / "run" / "lock"
    with holder(path) as process:
        with pytest.raises(Busy), files.lock(path):
            pass
        process.kill()
        process.wait()
    with files.lock(path):
        pass


def test_who_waits_is_told_once_and_gets_the_lock(tmp_path):
    path = tmp_path / "lock"
    told = []
    with holder(path) as process:

        def waiting():
            told.append("waiting")
            process.stdin.close()

        with files.lock(path, wait=60, waiting=waiting):
            assert told == ["waiting"]


def test_a_lock_holds_between_threads_too(tmp_path):
    inside, most, gate = [], [], threading.Barrier(4)

    def work():
        gate.wait()
        with files.lock(tmp_path / "lock", wait=60):
            inside.append(1)
            most.append(len(inside))
            inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1, 1, 1, 1]
