"""`keepfit gc`: what goes is what nothing needs, the ledger names it, and what is asked for again is made again."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from keepfit.loop import sweep as sweeping
from keepfit.workspace import Workspace

NOW = ("--now", "2024-03-04T00:00Z")
LATER = ("--now", "2024-06-04T00:00Z")
SCRIPT = Path(__file__).parents[2] / "scripts" / "verify_ledger.py"
TREES = 'model.estimators=["lightgbm"]'


@pytest.fixture(scope="module")
def grown_once(finished_run, tmp_path_factory, run_once, rows_once):
    """r1 of a table, r2 and r3 of another one; r3 is champion. To be copied."""
    folder = Path(shutil.copytree(finished_run, tmp_path_factory.mktemp("grown") / "project"))
    rows_once(60, seed=5).write_parquet(folder / "rows.parquet")
    for seed in ("0", "3"):
        done = run_once("run", "-C", folder, *NOW, "--set", TREES, "--set", f"model.seed={seed}")
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def grown(grown_once, tmp_path):
    return Path(shutil.copytree(grown_once, tmp_path / "grown"))


def files_of(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in (folder / ".keepfit").rglob("*") if path.is_file()}


def swept(keepfit, folder, *more):
    done = keepfit("gc", "-C", folder, *LATER, "--json", *more)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    return found, {(heap["kind"], heap["name"]): heap for heap in found["heaps"]}


def whole(keepfit, folder, tmp_path):
    """Whether keepfit and the script without keepfit both find the ledger and its artifacts whole."""
    done = keepfit("ledger", "verify", "-C", folder)
    assert keepfit("ledger", "export", str(tmp_path / "export.jsonl"), "-C", folder).returncode == 0
    command = [sys.executable, str(SCRIPT), str(tmp_path / "export.jsonl"), "--artifacts", str(folder / ".keepfit/artifacts")]
    alone = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode == 0 and alone.returncode == 0, done.stdout + alone.stdout


def test_a_dry_run_changes_nothing_and_says_what_would_go(keepfit, grown):
    before = files_of(grown)
    found, heaps = swept(keepfit, grown, "--keep", "0")
    assert not found["removed"]
    assert found["kept"] == ["c2", "c3"]
    assert {kind for kind, _ in heaps} == {"models", "parts", "searches"}
    assert "releases/r1" in heaps["models", "c1"]["files"]
    told = keepfit("gc", "-C", grown, *LATER, "--keep", "0")
    assert told.stdout.rstrip().endswith("could be removed: keepfit gc --yes")
    assert files_of(grown) == before


def test_what_roles_rollback_and_age_need_stays(keepfit, grown):
    assert swept(keepfit, grown)[0]["kept"] == ["c1", "c2", "c3"]
    assert swept(keepfit, grown, "--keep", "0", "--older-than", "365d")[1].keys() == {("searches", "journals")}
    assert keepfit("rollback", "-C", grown, "--because", "test", *NOW).returncode == 0
    assert swept(keepfit, grown, "--keep", "0", "--yes")[0]["kept"] == ["c2", "c3"]
    assert keepfit("rollback", "-C", grown, "--because", "test", *NOW).returncode == 0


def test_what_was_removed_is_named_in_the_ledger_and_can_be_made_again(keepfit, grown, tmp_path):
    _, heaps = swept(keepfit, grown, "--keep", "0", "--yes")
    removed = [file for heap in heaps.values() for file in heap["files"]]
    assert removed
    assert [file for file in removed if (grown / ".keepfit" / file).exists()] == []
    assert whole(keepfit, grown, tmp_path)[0], whole(keepfit, grown, tmp_path)[1]
    assert swept(keepfit, grown, "--keep", "0")[1] == {}
    history = keepfit("history", "-C", grown, "--kind", "gc").stdout
    assert "the models of c1" in history
    refused = keepfit("promote", "r1", "-C", grown, "--because", "test", *LATER)
    assert refused.returncode == 3
    assert "KF134" in refused.stderr
    again = keepfit("run", "-C", grown, *LATER, "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["candidate"]["id"] == "c4"
    assert keepfit("run", "-C", grown, *LATER).stdout.startswith("Nothing to do")


def test_something_else_that_is_missing_is_still_found(keepfit, grown, tmp_path):
    swept(keepfit, grown, "--keep", "0", "--yes")
    model = next((grown / ".keepfit/artifacts").rglob("??/*"))
    model.unlink()
    assert not whole(keepfit, grown, tmp_path)[0]


def test_a_clean_up_that_was_cut_off_leaves_nothing_missing_that_no_entry_names(keepfit, grown, tmp_path, monkeypatch):
    ws, done = Workspace(grown), []
    remove = sweeping._remove

    def cut_off(path):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(remove(path))

    monkeypatch.setattr(sweeping, "_remove", cut_off)
    options = {"now": sweeping.datetime.fromisoformat("2024-06-04T00:00+00:00"), "keep": 0, "age": sweeping.timedelta(days=30)}
    with ws.alone(), pytest.raises(KeyboardInterrupt):
        sweeping.sweep(ws, **options, remove=True)
    ws.close()
    assert len(done) == 2
    assert whole(keepfit, grown, tmp_path)[0]
    swept(keepfit, grown, "--keep", "0", "--yes")
    assert whole(keepfit, grown, tmp_path)[0]
    assert swept(keepfit, grown, "--keep", "0")[1] == {}


def test_a_bad_age_is_refused(keepfit, champion):
    done = keepfit("gc", "-C", champion, "--older-than", "a while")
    assert done.returncode == 3
    assert "KF131" in done.stderr
