"""`keepfit doctor`: what is not as it should be, each thing really broken, and the exit status that follows."""

from __future__ import annotations

import json
import os

import pytest


@pytest.fixture
def doctor(keepfit):
    def look(folder, *more):
        done = keepfit("doctor", "-C", folder, "--json", *more)
        found = json.loads(done.stdout)
        assert found["record"] == "diagnosis"
        return done.returncode, {check["name"]: check for check in found["checks"]}

    return look


def test_a_project_with_a_champion_is_well(keepfit, champion, state_of):
    before = state_of(champion)
    done = keepfit("doctor", "-C", champion)
    assert done.returncode == 0, done.stdout
    assert done.stdout.rstrip().endswith("All is well.")
    assert "entries in SQLite, and it can be written" in done.stdout
    assert state_of(champion) == before


def test_without_a_project_the_machine_is_looked_at_all_the_same(doctor, tmp_path):
    code, checks = doctor(tmp_path)
    assert code == 0
    assert checks["project"]["status"] == "warning"
    assert checks["write-ahead log"]["status"] == "good"


def test_what_is_broken_is_found_with_a_remedy_and_the_store_decides_the_exit_status(doctor, champion):
    part = champion / ".keepfit/artifacts/.x.part"
    part.write_bytes(b"x" * 1000)
    os.utime(part, (1, 1))
    (champion / ".keepfit/segments/open").mkdir(parents=True)
    (champion / ".keepfit/segments/open/predictions-1-1.seg").write_bytes(b"")
    secrets = champion / ".keepfit/secrets"
    secrets.mkdir(mode=0o755, exist_ok=True)
    secrets.chmod(0o755)
    code, checks = doctor(champion)
    assert code == 3
    assert {name for name, check in checks.items() if check["status"] != "good"} == {"leftovers", "secrets"}
    assert "1 unfinished files" in checks["leftovers"]["found"]
    assert "1 segments" in checks["leftovers"]["found"]
    assert all(check["fix"] for check in checks.values() if check["status"] != "good")
    lock = json.loads((champion / "keepfit.lock").read_text())
    lock["head"]["hash"] = "f" * 64
    (champion / "keepfit.lock").write_text(json.dumps(lock))
    code, checks = doctor(champion)
    assert (code, checks["keepfit.lock"]["status"]) == (4, "bad")


def test_a_ledger_that_cannot_be_reached_and_a_project_file_that_does_not_hold_are_said(doctor, champion):
    code, checks = doctor(champion, "--set", "stores.ledger=postgresql://nobody@127.0.0.1:1/x")
    assert (code, checks["ledger"]["status"]) == (4, "bad")
    assert "KF310" in checks["ledger"]["found"]
    code, checks = doctor(champion, "--set", "model.sede=1")
    assert (code, checks["project file"]["status"]) == (3, "bad")
    (champion / ".keepfit/ledger.sqlite").write_bytes(b"no database" * 99)
    code, checks = doctor(champion)
    assert (code, checks["ledger"]["status"]) == (4, "bad")
