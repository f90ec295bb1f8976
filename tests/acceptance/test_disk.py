"""A disk that is full or read-only, and stored files that were damaged: exit 4 or a finding, and nothing is lost.

The small and the read-only disk are real: a file system in memory, mounted in a name space of its own, which Linux
gives to root and to others alike.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

NOW = "2024-03-04T00:00Z"
KEEPFIT = "$KEEPFIT"


@pytest.mark.parametrize("spare", [8, 44, 60, 140])
def test_a_run_on_a_full_disk_says_so_and_is_finished_when_there_is_room(on_a_disk, project, spare):
    folder = project()
    taken = sum(-(-path.stat().st_size // 4096) * 4 for path in folder.iterdir())
    first, verified, second, whole, releases = on_a_disk(
        f"""
        {KEEPFIT} run -C $DISK/p --now {NOW} --json; echo "exit $?"
        mount -o remount,size=20m $DISK
        {KEEPFIT} ledger verify -C $DISK/p >/dev/null; echo $?
        {KEEPFIT} run -C $DISK/p --now {NOW} --json >/dev/null; echo $?
        {KEEPFIT} ledger verify -C $DISK/p >/dev/null; echo $?
        ls $DISK/p/.keepfit/releases
        """.replace('--json; echo "exit $?"', '--json | tr "\\n" " "; echo "exit ${PIPESTATUS[0]}"'),
        size=f"{taken + spare}k",
        folder=folder,
    )
    error, _, code = first.rpartition("exit ")
    assert code == "4"
    assert json.loads(error)["error"]["code"] == "KF301"
    assert "disk is full" in json.loads(error)["error"]["message"]
    assert (verified, second, whole, releases) == ("0", "0", "0", "r1")


def test_a_run_in_a_read_only_folder_is_refused_with_the_folder(on_a_disk, project):
    error, code = on_a_disk(
        f"mount -o remount,ro $DISK; {KEEPFIT} run -C $DISK/p --now {NOW} --json; echo $?", size="20m", folder=project()
    )
    assert code == "4"
    assert json.loads(error)["error"]["code"] == "KF301"
    assert "read-only" in json.loads(error)["error"]["message"]


def test_a_project_in_a_read_only_folder_can_still_be_looked_at(on_a_disk, champion):
    run, *looks = on_a_disk(
        f"""
        mount -o remount,ro $DISK
        {KEEPFIT} run -C $DISK/p --now {NOW} --set model.seed=5 >/dev/null; echo $?
        for look in status history 'show r1' 'ledger verify' check; do {KEEPFIT} $look -C $DISK/p >/dev/null; echo "$look $?"; done
        """,
        size="20m",
        folder=champion,
    )
    assert run == "4"
    assert looks == ["status 0", "history 0", "show r1 0", "ledger verify 0", "check 0"]


def test_a_damaged_artifact_is_named_by_verify_and_refused_where_it_is_needed(keepfit, champion):
    entry = json.loads(keepfit("show", "c1", "-C", champion, "--json").stdout)["entry"]
    name = entry["body"]["artifacts"]["candidate"]
    path = champion / ".keepfit/artifacts" / name[3:5] / name[3:]
    path.write_bytes(path.read_bytes().replace(b"linear", b"Linear"))
    verify = keepfit("ledger", "verify", "-C", champion)
    assert verify.returncode == 1
    assert name in verify.stdout
    run = keepfit("run", "-C", champion, "--now", NOW)
    assert run.returncode == 4
    assert "KF303" in run.stderr


def test_a_damaged_part_of_a_snapshot_is_named_by_verify(keepfit, champion):
    part = next((champion / ".keepfit/tables/snapshots").glob("2024-02.*"))
    part.write_bytes(part.read_bytes()[:-1] + b"!")
    verify = keepfit("ledger", "verify", "-C", champion)
    assert verify.returncode == 1
    assert part.name in verify.stdout


@pytest.mark.parametrize("seq", [2, 4])
def test_an_entry_that_was_removed_is_named_by_verify(keepfit, champion, change_ledger, seq):
    change_ledger(champion, f"DELETE FROM entries WHERE seq = {seq}")
    verify = keepfit("ledger", "verify", "-C", champion, "--json")
    assert verify.returncode == 1
    assert seq in [finding["seq"] for finding in json.loads(verify.stdout)["findings"]]


def test_an_entry_that_was_altered_is_named_by_verify(keepfit, champion, change_ledger):
    change_ledger(champion, "UPDATE entries SET text = replace(text, 'person:test', 'person:other') WHERE seq = 3")
    verify = keepfit("ledger", "verify", "-C", champion, "--json")
    assert verify.returncode == 1
    assert ("altered", 3) in [(finding["kind"], finding["seq"]) for finding in json.loads(verify.stdout)["findings"]]


def test_a_damaged_release_is_not_served(keepfit, champion):
    weights = champion / ".keepfit/releases/r1/model/weights.json"
    weights.write_text(weights.read_text().replace("1", "2"))
    done = keepfit("serve", "-C", champion, "--port", "0")
    assert done.returncode == 4
    assert "KF402" in done.stderr
    assert "weights.json" in done.stderr


def test_a_release_folder_that_was_deleted_is_made_again(keepfit, champion, serve, request_rows, table):
    shutil.rmtree(champion / ".keepfit/releases")
    assert keepfit("run", "-C", champion, "--now", NOW).returncode == 0
    with serve(champion) as server:
        assert server.post("/v1/predict", {"rows": request_rows(table(1).drop("bad").head(1))}).status_code == 200


def test_a_project_that_was_copied_elsewhere_goes_on_there(keepfit, answered_copy, serve, tmp_path, entries):
    moved = Path(shutil.copytree(answered_copy, tmp_path / "some where" / "else"))
    shutil.rmtree(answered_copy)
    run = keepfit("run", "-C", moved, "--now", "2024-03-04T12:00Z", "--set", "model.seed=7")
    assert run.returncode == 0
    assert run.stdout.startswith("Nothing to do")
    with serve(moved) as server:
        assert server.client.get("/readyz").json()["release"] == "r2"
    assert keepfit("turn", "-C", moved, "--now", "2024-03-12T00:00Z").returncode == 0
    assert "watch" in {entry["kind"] for entry in entries(moved)}
    assert keepfit("ledger", "verify", "-C", moved).returncode == 0
