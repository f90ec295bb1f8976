"""What a command takes for now, and what it says while it works."""

from __future__ import annotations

import re


def test_an_instant_before_what_was_seen_last_is_refused_and_changes_nothing(keepfit, champion, state_of):
    before = state_of(champion)
    for command in ("run", "turn", "watch"):
        done = keepfit(command, "-C", champion, "--now", "2024-02-01T00:00Z")
        assert done.returncode == 3, done.stdout
        assert "KF108" in done.stderr
        assert "2024-03-04T00:00:00Z" in done.stderr
    assert keepfit("run", "-C", champion, env={"KEEPFIT_NOW": "2024-02-01T00:00Z"}).returncode == 3
    assert state_of(champion) == before
    assert keepfit("run", "-C", champion, "--now", "2024-03-04T00:00Z").returncode == 0


def test_a_clock_that_is_behind_what_was_seen_last_is_warned_of(keepfit, champion):
    ahead = keepfit("run", "-C", champion, "--now", "2124-01-01T00:00Z")
    assert ahead.returncode in (0, 1, 2), ahead.stderr
    done = keepfit("turn", "-C", champion)
    assert done.returncode == 0, done.stderr
    assert "the newest data was seen at 2124-01-01T00:00:00Z" in done.stderr


def test_verbose_says_what_is_done_and_what_is_behind_an_error(keepfit, project):
    folder = project()
    done = keepfit("run", "-C", folder, "--now", "2024-03-04T00:00Z", "--verbose")
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r"^\[ +\d+\.\d s\] ", done.stderr, re.M)) >= 4
    (folder / "rows.parquet").write_bytes(b"no table")
    told = keepfit("run", "-C", folder, "--now", "2024-03-04T00:00Z", "-v")
    assert told.returncode == 3
    assert "Traceback" in told.stderr
    assert "KF202" in told.stderr
    assert "Traceback" not in keepfit("run", "-C", folder, "--now", "2024-03-04T00:00Z").stderr
