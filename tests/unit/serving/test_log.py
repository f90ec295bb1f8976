"""What is kept before an answer leaves: where it goes, what it survives, and what happens when it cannot be written."""

from __future__ import annotations

import asyncio
import dataclasses
import errno
import json
import os
import time
from datetime import UTC, datetime

import pytest

from keepfit import record
from keepfit.errors import CannotWrite
from keepfit.prediction import Prediction, subject_token
from keepfit.serving import log
from keepfit.serving.counters import Counters
from keepfit.serving.log import Line, SegmentLog, StdoutLog, payload
from keepfit.stores.segments import SegmentWriter, payloads, waiting


@pytest.fixture
def full(monkeypatch):
    """A disk that is full while `full.now` is set; what is written in part stays so, as on a real one."""

    class Disk:
        now = False
        room = 0

    really = os.write

    def write(descriptor, data):
        if not Disk.now:
            return really(descriptor, data)
        if Disk.room:
            written, Disk.room = really(descriptor, data[: Disk.room]), 0
            return written
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", write)
    return Disk


def ids(client):
    return [one.id for one in client.kept("predictions", Prediction)]


def test_a_line_has_the_members_of_a_prediction_and_reads_as_one():
    assert {field.name for field in dataclasses.fields(Prediction)} - set(Line.__struct_fields__) == {"measures", "parent", "steps"}
    at = datetime(2024, 3, 1, 9, tzinfo=UTC)
    given = ("a", at, "orders", "r1", "champion", "online", None, None, None, {"size": 1.5}, {"score": 0.25}, True)
    assert record.read(Prediction, payload(Line(*given))) == Prediction(*given)
    more = (["'size' is odd"], 7, {"gender": "f"}, 0.5)
    assert record.read(Prediction, payload(Line(*given, *more))) == Prediction(*given, tuple(more[0]), 7, more[2], {}, 0.5)


def test_a_full_disk_refuses_and_nothing_torn_stays(trees, row, full):
    trees.predict(row, ids=["a"])
    full.now, full.room = True, 100
    answer = trees.predict(row, ids=["b"])
    assert (answer.status_code, answer.json()["code"]) == (503, "KF301")
    assert answer.headers["retry-after"]
    assert trees.counters.total("keepfit_log_failing") == 1
    full.now = False
    assert trees.predict(row, ids=["b"]).status_code == 200
    assert trees.counters.total("keepfit_log_failing") == 0
    assert ids(trees) == ["a", "b"]


def test_where_answers_go_out_all_the_same_their_records_wait_in_order_and_none_is_lost(make, row, full):
    client = make(on_log_failure="serve")
    client.predict(row, ids=["a"])
    full.now = True
    for name in ("b", "c"):
        assert client.predict(row, ids=[name]).status_code == 200
    client.log.tend()  # still full
    assert client.counters.total("keepfit_log_waiting") == 2
    full.now = False
    assert client.predict(row, ids=["d"]).status_code == 200
    client.log.tend()
    assert ids(client) == ["a", "b", "c", "d"]
    assert client.counters.total("keepfit_log_waiting") == client.counters.total("keepfit_log_failing") == 0


def test_no_more_waits_in_memory_than_is_said(make, row, full, monkeypatch):
    monkeypatch.setattr(log, "MOST_WAITING", 1000)
    client = make(on_log_failure="serve")
    full.now = True
    assert [client.predict(row, ids=[name]).status_code for name in "abcd"].count(503) >= 2
    full.now = False
    client.log.tend()
    assert ids(client)[0] == "a"
    assert client.predict(row).status_code == 200


def test_trouble_is_told_once_and_its_end_too(tmp_path, full):
    told = []
    counters = Counters(["none"])
    writers = {kind: SegmentWriter(tmp_path, kind) for kind in ("predictions", "labels")}
    kept = SegmentLog(writers, counters=counters, troubled=told.append)
    full.now = True
    for _ in range(3):
        with pytest.raises(CannotWrite):
            kept.keep("labels", [b"{}"])
    full.now = False
    kept.tend()
    kept.keep("labels", [b"{}"])
    assert [type(one) for one in told] == [CannotWrite, type(None)]
    kept.close()


def test_what_must_survive_the_machine_is_synced_before_it_is_answered_many_answers_with_one_sync(make, row, monkeypatch):
    client = make(durability="disk")
    synced = []
    really = os.fsync

    def sync(descriptor):
        time.sleep(0.01)
        synced.append(len(ids(client)))
        really(descriptor)

    monkeypatch.setattr(os, "fsync", sync)
    body = json.dumps({"rows": [row]}).encode()

    async def many():
        return await asyncio.gather(*(client.respond("POST", "/v1/predict", body=body) for _ in range(50)))

    answers = client.runner.run(many())
    assert {answer.status_code for answer in answers} == {200}
    assert len(synced) <= 5
    assert synced[-1] == 50
    assert client.label({"prediction": "a", "value": True}).status_code == 200


def test_a_disk_that_fails_to_sync_refuses(make, row, monkeypatch):
    client = make(durability="disk")

    def broken(descriptor):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", broken)
        assert client.predict(row).status_code == 503
    assert client.predict(row).status_code == 200


def test_on_standard_output_each_record_is_a_line_without_its_private_part(tmp_path, make, row):
    path = tmp_path / "out"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    client = make(log=StdoutLog(descriptor, counters=Counters(["none"])))
    assert client.predict(row | {"member": "anna", "gender": "f"}, row).status_code == 200
    assert client.label({"prediction": "a", "value": True}).status_code == 200
    os.close(descriptor)
    first, second, label = path.read_bytes().splitlines()
    kept = record.read(Prediction, first)
    assert (kept.subject, kept.private, kept.inputs["shop"]) == (None, {}, "Köln")
    assert record.read(Prediction, second).id != kept.id
    assert json.loads(label)["record"] == "label"
    assert b"anna" not in path.read_bytes()
    assert subject_token(b"secret", "anna").encode() not in path.read_bytes()


def test_a_segment_is_sealed_when_it_is_old_or_large(tmp_path):
    writer = SegmentWriter(tmp_path, "predictions", roll_at=200, roll_after=0.0)
    for number in range(5):
        writer.append([b"%d" % number * 60])
    writer.seal_if_old()
    found = waiting(tmp_path, "predictions")
    assert [path.parent.name for path in found] == ["sealed", "sealed"]
    assert [payload[:1] for path in found for payload in payloads(path)] == [b"0", b"1", b"2", b"3", b"4"]


def test_segments_are_named_in_their_order_though_the_clock_jumps_back(tmp_path, monkeypatch):
    writer = SegmentWriter(tmp_path, "predictions", roll_at=1)
    instants = iter([5_000, 4_000, 4_500, 9_000])
    monkeypatch.setattr(time, "time_ns", lambda: next(instants))
    for number in range(4):
        writer.append([b"%d" % number])
    assert [list(payloads(path)) for path in waiting(tmp_path, "predictions")] == [[b"0"], [b"1"], [b"2"], [b"3"]]
