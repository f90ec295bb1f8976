"""The loop as a process: it turns until stopped, survives what a turn does, and ends with what started it."""

from __future__ import annotations

import json
import signal


def test_the_loop_does_all_that_is_due_each_once_and_goes_on_after_a_turn_that_failed(answered_copy, keepfit, started, entries):
    (answered_copy / "rows.parquet").rename(answered_copy / "away.parquet")
    process = started("loop", "-C", answered_copy, "--json", "--every", "200ms")
    said = []
    while "KF201" not in said:
        one = json.loads(process.stdout.readline())
        said.append(one["error"]["code"] if "error" in one else one["action"]["kind"])
    assert said[:2] == ["watch", "watch"]
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    (answered_copy / "away.parquet").rename(answered_copy / "rows.parquet")
    assert keepfit("loop", "-C", answered_copy, "--once").stdout == "", "it is not tried again at once"
    actions = [(e["body"]["kind"], e["body"]["status"], e["body"]["why"]) for e in entries(answered_copy) if e["kind"] == "action"]
    assert [(kind, status) for kind, status, _ in actions if kind == "refit"] == [("refit", "started"), ("refit", "failed")]
    assert actions[-1][2] == "KF201"
    assert keepfit("ledger", "verify", "-C", answered_copy).returncode == 0


def test_the_loop_stops_when_told_and_when_its_input_ends(champion, started):
    for end in ("signal", "input"):
        process = started("loop", "-C", champion, "--every", "1h", "--with-stdin")
        assert "Looking after small" in process.stderr.readline()
        if end == "signal":
            process.send_signal(signal.SIGTERM)
        else:
            process.stdin.close()
        assert process.wait(60) == 0


def test_the_loop_goes_by_the_wall_clock_and_says_so(champion, keepfit):
    refused = keepfit("loop", "-C", champion, "--now", "2024-03-12T00:00Z")
    assert refused.returncode == 3
    assert "wall clock" in refused.stderr
    assert "KF131" in keepfit("loop", "-C", champion, "--every", "soon").stderr


def test_up_answers_until_told_to_stop(champion, started):
    process = started("up", "-C", champion, "--json", "--every", "1h", "--", "--port", "0")
    assert json.loads(process.stdout.readline())["release"] == "r1"
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0


def test_up_needs_a_champion(project, keepfit):
    refused = keepfit("up", "-C", project())
    assert refused.returncode == 3
    assert "KF401" in refused.stderr
