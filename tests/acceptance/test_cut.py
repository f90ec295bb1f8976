"""A ledger whose end was cut off is not built upon."""

from __future__ import annotations

import shutil


def test_no_command_adds_to_a_chain_that_lacks_the_lock_s_head(champion, keepfit, change_ledger):
    change_ledger(champion, "DELETE FROM entries WHERE seq = (SELECT MAX(seq) FROM entries)")
    done = keepfit("run", "-C", champion, "--now", "2024-03-04T00:00Z")
    assert done.returncode == 4
    assert "KF311" in done.stderr
    assert keepfit("ledger", "verify", "-C", champion).returncode == 1


def test_a_fresh_clone_with_a_lock_and_no_ledger_begins_anew(champion, keepfit):
    lock = (champion / "keepfit.lock").read_text()
    assert (champion / ".keepfit/ledger.sqlite").exists()
    shutil.rmtree(champion / ".keepfit")
    done = keepfit("run", "-C", champion, "--now", "2024-03-04T00:00Z")
    assert done.returncode == 0, done.stderr
    assert (champion / "keepfit.lock").read_text() != lock
    assert keepfit("ledger", "verify", "-C", champion).returncode == 0
