"""Several commands in one project at the same time: each ends well, the work is done once, the chain is whole."""

from __future__ import annotations

import collections
import fcntl
from datetime import UTC, datetime

from keepfit.stores import segments

NOW = "2024-03-04T00:00Z"
PATIENCE = 60


def finish(processes):
    """Wait for all; give the exit codes and outputs."""
    told = [process.communicate(timeout=PATIENCE) for process in processes]
    return [(process.returncode, out, err) for process, (out, err) in zip(processes, told, strict=True)]


def test_of_two_runs_at_once_one_does_the_work_and_one_finds_nothing_to_do(started, project, keepfit, entries):
    folder = project()
    done = finish([started("run", "-C", folder, "--now", NOW) for _ in range(2)])
    assert [code for code, *_ in done] == [0, 0], done
    assert sum(out.startswith("Nothing to do") for _, out, _ in done) == 1
    assert [entry["kind"] for entry in entries(folder)] == ["snapshot", "fit", "verdict", "release"]
    assert keepfit("ledger", "verify", "-C", folder).returncode == 0


def test_eight_commands_at_once_make_a_new_project_together(started, project, keepfit, entries):
    folder = project()
    commands = [("run", "--now", NOW), ("status",)] * 4
    done = finish([started(*command, "-C", folder) for command in commands])
    assert [code for code, *_ in done] == [0] * 8, done
    assert collections.Counter(entry["kind"] for entry in entries(folder)) == {"snapshot": 1, "fit": 1, "verdict": 1, "release": 1}
    assert keepfit("ledger", "verify", "-C", folder).returncode == 0


def test_turns_at_once_beside_a_server_do_each_thing_once(started, answered_copy, serve, keepfit, entries, request_rows, table):
    rows = request_rows(table(1, begin=datetime(2024, 6, 3, tzinfo=UTC)).drop("bad"))
    with serve(answered_copy) as server:
        turns = [started("turn", "-C", answered_copy, "--now", "2024-03-12T00:00Z") for _ in range(4)]
        ids = [server.post("/v1/predict", {"rows": rows}).json()["predictions"][0]["id"] for _ in range(20)]
        done = finish(turns)
    assert [code for code, *_ in done] == [0, 0, 0, 0], done
    assert sum("Nothing to do" in out for _, out, _ in done) == 1
    kinds = [entry["kind"] for entry in entries(answered_copy)]
    assert kinds.count("watch") == 2
    acted = [(entry["body"]["kind"], entry["body"]["status"]) for entry in entries(answered_copy) if entry["kind"] == "action"]
    assert acted == [("rollback", "started"), ("rollback", "done"), ("refit", "started"), ("refit", "done")]
    assert len(set(ids)) == 20
    assert keepfit("ledger", "verify", "-C", answered_copy).returncode == 0


def test_a_segment_that_is_sealed_before_its_writer_has_locked_it_takes_no_answer_away(tmp_path, monkeypatch):
    lock, sealings = fcntl.flock, []

    def lock_late(descriptor, how):
        if how == fcntl.LOCK_EX and not sealings:  # the writer's; a turn in another process is faster
            sealings.append(True)
            segments.seal_orphans(tmp_path)
        lock(descriptor, how)

    monkeypatch.setattr(segments.fcntl, "flock", lock_late)
    writer = segments.SegmentWriter(tmp_path, "predictions")
    writer.append([b"{}"])
    (opened,) = (tmp_path / "open").glob("*.seg")
    assert list(segments.payloads(opened)) == [b"{}"]
    writer.close()
