from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys

import pytest

from keepfit.errors import CannotWrite
from keepfit.stores.segments import SegmentWriter, payloads, seal_orphans, waiting, write_sealed

KILLED = """
import os, signal, sys
from pathlib import Path
from keepfit.stores.segments import SegmentWriter

writer = SegmentWriter(Path(sys.argv[1]), "predictions")
writer.append([b"one", b"two"])
os.kill(os.getpid(), signal.SIGKILL)
"""


def found(folder):
    return [payload for path in waiting(folder, "predictions") for payload in payloads(path)]


def test_answers_are_there_before_the_segment_is_sealed_and_after(tmp_path):
    writer = SegmentWriter(tmp_path, "predictions")
    writer.append([b"one"])
    writer.append([b"two", b"three"])
    assert found(tmp_path) == [b"one", b"two", b"three"]
    assert [path.parent.name for path in waiting(tmp_path, "predictions")] == ["open"]
    writer.close()
    writer.close()
    assert [path.parent.name for path in waiting(tmp_path, "predictions")] == ["sealed"]
    assert found(tmp_path) == [b"one", b"two", b"three"]
    assert waiting(tmp_path, "labels") == []


def test_a_segment_that_has_grown_large_is_sealed_and_the_next_follows_in_order(tmp_path):
    writer = SegmentWriter(tmp_path, "predictions", roll_at=50)
    for number in range(10):
        writer.append([b"x" * 20 + str(number).encode()])
    writer.close()
    assert len(list((tmp_path / "sealed").iterdir())) == 5
    assert [payload[20:] for payload in found(tmp_path)] == [str(number).encode() for number in range(10)]


def test_a_segment_whose_writer_was_killed_is_sealed_and_one_in_use_is_not(tmp_path):
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert done.returncode == -signal.SIGKILL
    writer = SegmentWriter(tmp_path, "predictions")
    writer.append([b"three"])
    seal_orphans(tmp_path)
    assert [path.parent.name for path in waiting(tmp_path, "predictions")] == ["sealed", "open"]
    assert found(tmp_path) == [b"one", b"two", b"three"]
    writer.close()


def test_what_was_half_written_on_a_full_disk_is_cut_off_again(tmp_path, monkeypatch):
    writer = SegmentWriter(tmp_path, "predictions")
    writer.append([b"one"])
    write = os.write

    def full(descriptor, data):
        write(descriptor, bytes(data)[:5])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(CannotWrite, match="disk is full"):
            writer.append([b"two"])
    writer.append([b"three"])
    writer.close()
    assert found(tmp_path) == [b"one", b"three"]


def test_a_whole_segment_is_written_once(tmp_path):
    first = write_sealed(tmp_path, "labels-table-1", [b"one"])
    assert write_sealed(tmp_path, "labels-table-1", [b"one"]) == first
    assert [list(payloads(path)) for path in waiting(tmp_path, "labels")] == [[b"one"]]


def test_a_segment_that_was_sealed_in_between_is_read_from_its_new_place(tmp_path):
    writer = SegmentWriter(tmp_path, "predictions")
    writer.append([b"one"])
    (path,) = waiting(tmp_path, "predictions")
    writer.close()
    assert list(payloads(path)) == [b"one"]
    (tmp_path / "sealed" / path.name).unlink()
    assert list(payloads(path)) == []
