from __future__ import annotations

from pathlib import Path

import pytest

from keepfit.reports import environment
from keepfit.reports.environment import disk, extras, file_system, kind_of, libraries, python


def statuses(checks):
    return {check.name: check.status for check in checks}


def test_this_machine_is_fit(tmp_path):
    assert set(statuses([*python(), *libraries(), *extras()]).values()) == {"good"}
    assert statuses(file_system(tmp_path, sqlite=True)) == dict.fromkeys(("clock", "locks", "write-ahead log", "folder"), "good")
    assert "write-ahead log" not in statuses(file_system(tmp_path, sqlite=False))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_bad_and_a_matter_of_the_store(tmp_path):
    [check] = file_system(tmp_path / "nothing", sqlite=True)
    assert (check.name, check.status, check.exit_code) == ("folder", "bad", 4)


@pytest.mark.parametrize(
    ("kind", "status"), [("ext4", "good"), ("", "good"), ("nfs4", "bad"), ("cifs", "bad"), ("fuse.sshfs", "bad"), ("9p", "bad")]
)
def test_a_file_system_of_other_machines_is_not_fit_for_a_write_ahead_log(tmp_path, kind, status):
    check = environment._wal(tmp_path, kind)
    assert check.status == status
    assert ("postgresql://" in check.fix) == (status == "bad")


def test_the_innermost_mount_says_the_type(tmp_path):
    inner = tmp_path / "with space"
    inner.mkdir()
    mounts = [("/", "ext4"), (str(tmp_path), "xfs"), (str(inner), "nfs4"), (str(tmp_path / "with"), "cifs")]
    assert environment._longest(inner, mounts) == "nfs4"
    assert environment._longest(tmp_path, mounts) == "xfs"
    assert environment._longest(Path("/"), mounts) == "ext4"
    assert environment._longest(inner, []) == ""
    if Path("/proc/self/mountinfo").exists():
        assert kind_of(Path("/proc")) == "proc"


def test_little_room_is_warned_of_and_none_is_bad(tmp_path, monkeypatch):
    assert statuses(disk(tmp_path)) == {"disk": "good"}
    monkeypatch.setattr(environment, "_FEW", 1 << 60)
    [check] = disk(tmp_path)
    assert (check.status, "keepfit gc" in check.fix) == ("warning", True)
    monkeypatch.setattr(environment, "_NONE", 1 << 60)
    assert statuses(disk(tmp_path)) == {"disk": "bad"}


def test_a_library_that_is_missing_or_too_old_is_named(monkeypatch):
    monkeypatch.setattr(environment.metadata, "requires", lambda name: ["unheard-of>=1", "numpy>=999.1", 'other>=1; extra == "x"'])
    [check] = libraries()
    assert check.status == "bad"
    assert "unheard-of is not installed" in check.found
    assert "is older than 999.1" in check.found
    assert "not installed: x" in next(iter(extras())).found
