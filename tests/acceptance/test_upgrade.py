"""`keepfit upgrade` on a stored project of an older format: read as it is, looked at, copied, rewritten."""

from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path

import polars as pl
import pytest

from keepfit.loop import upgrade as upgrading
from keepfit.workspace import Workspace

STORED = Path(__file__).parents[1] / "golden" / "format_0.tar.gz"
NOW = ("--now", "2024-02-12T00:00Z")


@pytest.fixture
def older(tmp_path):
    folder = tmp_path / "older"
    with tarfile.open(STORED) as tar:
        tar.extractall(folder, filter="data")
    return folder


def state(folder):
    """Every file below a folder: its bytes' digest and its rights; a ledger's log that only readers made is left out."""
    return {
        path.relative_to(folder).as_posix(): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mode & 0o777)
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(("-wal", "-shm", ".lock")) and path.name != "cache.sqlite"
    }


def test_an_older_project_is_read_as_it_is(keepfit, older):
    before = state(older)
    for command in (["status"], ["history"], ["show", "champion"], ["lineage", "r1"], ["plan", *NOW], ["ledger", "verify"]):
        done = keepfit(*command, "-C", older)
        assert done.returncode == 0, done.stderr
    assert "champion r1" in keepfit("status", "-C", older).stdout
    scored = keepfit("score", str(older / "ask.parquet"), "-o", str(older.parent / "again.parquet"), "-C", older, "--no-log", *NOW)
    assert scored.returncode == 0, scored.stderr
    assert pl.read_parquet(older.parent / "again.parquet").equals(pl.read_parquet(older / "ask.scored.parquet"))
    assert state(older) == before


def test_a_dry_run_says_what_would_change_and_changes_nothing(keepfit, older):
    before = state(older)
    done = keepfit("upgrade", "-C", older, "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["before"], found["after"], found["done"]) == (0, 0, 1, False)
    changed = {change["path"] for change in found["changes"]}
    assert {"format", ".gitignore", "secrets/subjects"} <= changed
    assert any(path.endswith(".private.parquet") for path in changed)
    assert "keepfit upgrade --yes" in keepfit("upgrade", "-C", older).stdout
    assert state(older) == before
    doctor = json.loads(keepfit("doctor", "-C", older, "--json").stdout)
    assert next(check for check in doctor["checks"] if check["name"] == "format")["fix"] == "keepfit upgrade"


def test_an_upgrade_keeps_the_folder_as_it_was_and_goes_on_from_there(keepfit, older):
    before = state(older / ".keepfit")
    done = keepfit("upgrade", "-C", older, "--yes")
    assert done.returncode == 0, done.stderr
    assert json.loads((older / ".keepfit/format").read_text())["format"] == 1
    kept = state(older / ".keepfit.format-0")
    kept.pop(".gitignore")
    assert {name: digest for name, (digest, _) in kept.items() if not name.endswith(".sqlite")} == {
        name: digest for name, (digest, _) in before.items() if not name.endswith(".sqlite")
    }
    assert kept["secrets/subjects"][1] == before["secrets/subjects"][1] == 0o644
    assert (older / ".keepfit/secrets/subjects").stat().st_mode & 0o777 == 0o600
    assert keepfit("ledger", "verify", "-C", older).returncode == 0
    assert keepfit("doctor", "-C", older, "-q").stdout.rstrip() == "All is well."
    assert "nothing to upgrade" in keepfit("upgrade", "-C", older, "--yes").stdout
    (older / ".keepfit").rename(older / "new")
    (older / ".keepfit.format-0").rename(older / ".keepfit")
    assert keepfit("ledger", "verify", "-C", older).returncode == 0


def test_an_upgrade_that_was_cut_off_is_finished_by_the_next_and_the_first_copy_stays(older, monkeypatch):
    ws = Workspace(older)

    def cut_off(home):
        (home / "secrets/subjects").chmod(0o600)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setitem(upgrading._STEPS, 0, upgrading._Step(upgrading._look_unmarked, cut_off))
        with pytest.raises(KeyboardInterrupt):
            upgrading.upgrade(ws, do=True)
    assert (older / ".keepfit.format-0/secrets/subjects").stat().st_mode & 0o777 == 0o644
    done = upgrading.upgrade(Workspace(older), do=True)
    assert (done.done, done.backup) == (True, ".keepfit.format-0")
    assert upgrading.upgrade(Workspace(older), do=False).changes == ()
    assert (older / ".keepfit.format-0/secrets/subjects").stat().st_mode & 0o777 == 0o644


def test_where_nothing_has_run_there_is_nothing_to_upgrade(keepfit, project):
    done = keepfit("upgrade", "-C", project())
    assert done.returncode == 3
    assert "KF132" in done.stderr
