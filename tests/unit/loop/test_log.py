from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from keepfit import files, record, segment
from keepfit.label import Label
from keepfit.loop import log
from keepfit.loop.fold import Folded, fold
from keepfit.loop.take import take
from keepfit.prediction import Prediction
from keepfit.stores.segments import SegmentWriter, payloads, waiting

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)


def prediction(number, **changes):
    given = {
        "id": f"id{number}",
        "at": BEGIN + timedelta(hours=number),
        "project": "orders",
        "release": "r1",
        "role": "champion",
        "via": "replay",
        "time": BEGIN + timedelta(hours=number, minutes=30),
        "key": f"[{number}]",
        "subject": f"token{number}",
        "inputs": {"order": number, "at": "2024-01-01T00:00Z", "amount": None if number % 2 else 1},
        "outputs": {"score": number / 10},
        "decision": number > 5,
        "warnings": ("'amount' is odd",),
        "latency_us": 7,
        "private": {"gender": "f", "town": None},
    }
    return Prediction(**(given | changes))


def label(about, value, hour, *, by_key=False, name="bad"):
    received = BEGIN + timedelta(hours=hour)
    return Label(None if by_key else about, about if by_key else None, name, value, "system", "test", None, received)


def write(ws, kind, rows):
    writer = SegmentWriter(ws.segments, kind)
    writer.append([record.text(row).encode() for row in rows])
    writer.close()


@pytest.fixture
def ws(project):
    made = project()
    take(made, now=BEGIN + timedelta(days=20))
    return made


def test_what_is_folded_and_what_waits_read_the_same(ws):
    write(ws, "predictions", [prediction(n) for n in range(10)])
    before = log.predictions(ws)
    assert fold(ws).segments == 1
    assert_frame_equal(log.predictions(ws), before)
    assert before.height == 10
    assert before.schema["input.at"] == pl.Datetime("us", "UTC")
    assert before.schema["input.order"] == pl.Int64
    assert before["input.amount"].to_list() == [1.0, None] * 5
    assert before["output.score"].to_list() == [n / 10 for n in range(10)]
    assert not [name for name in before.columns if name in {"input.bad", "input.refund", "input.gender", "input.member", "input.email"}]


def test_folding_twice_changes_nothing(ws):
    write(ws, "predictions", [prediction(n) for n in range(10)])
    write(ws, "labels", [label("id1", True, 1)])
    assert fold(ws).segments == 2

    def state():
        return {path.relative_to(ws.home): path.read_bytes() for path in (ws.home / "tables").rglob("*.parquet")}

    before = state()
    assert fold(ws).segments == 0
    assert state() == before


def test_a_fold_that_was_cut_off_is_done_again_and_counts_nothing_twice(ws, monkeypatch):
    write(ws, "predictions", [prediction(n) for n in range(10)])
    write_whole = files.write_whole
    for step in range(3):
        calls = []

        def cut(path, fill, *, mode=0o644, step=step, calls=calls):
            if len(calls) == step:
                raise KeyboardInterrupt
            calls.append(path)
            return write_whole(path, fill, mode=mode)

        with monkeypatch.context() as patched:
            patched.setattr(files, "write_whole", cut)
            if step < 2:
                with pytest.raises(KeyboardInterrupt):
                    fold(ws)
                assert log.predictions(ws).height == 10
    assert fold(ws).segments == 1
    assert log.predictions(ws).height == 10
    assert not list((ws.segments / "sealed").iterdir())


def test_a_fold_that_was_cut_off_before_its_segment_was_removed_counts_nothing_twice(ws):
    write(ws, "predictions", [prediction(n) for n in range(10)])
    (segment,) = (ws.segments / "sealed").iterdir()
    content = segment.read_bytes()
    fold(ws)
    segment.write_bytes(content)
    assert log.predictions(ws).height == 10
    assert fold(ws).segments == 1
    assert log.predictions(ws).height == 10


def test_an_id_that_came_twice_counts_once_and_the_first_has_the_say(ws):
    write(ws, "predictions", [prediction(1)])
    fold(ws)
    write(ws, "predictions", [prediction(1, outputs={"score": 0.9}), prediction(2)])
    for _ in range(2):
        assert log.predictions(ws)["output.score"].to_list() == [0.1, 0.2]
        fold(ws)


def test_private_columns_lie_apart_row_by_row(ws):
    write(ws, "predictions", [prediction(n) for n in range(3)])
    fold(ws)
    (public,) = [path for path in (ws.home / "tables" / "predictions").iterdir() if ".private." not in path.name]
    private = public.with_suffix(".private.parquet")
    assert not {"subject", "gender", "town"} & set(pl.read_parquet_schema(public))
    assert pl.read_parquet(private).to_dicts() == [{"subject": f"token{n}", "gender": "f", "town": None} for n in range(3)]
    assert {path.stat().st_mode & 0o777 for path in (public, private)} == {0o600}


def test_the_newest_label_by_id_or_by_key_is_the_truth(ws):
    write(ws, "predictions", [prediction(n) for n in range(5)])
    write(
        ws,
        "labels",
        [
            label("id0", True, 1),
            label("id0", False, 2),
            label("[1]", True, 1, by_key=True),
            label("id1", False, 3),
            label("[2]", True, 5, by_key=True),
            label("id3", "because", 1, name="reason"),
            label("id4", True, 1),
            label("id4", None, 2),
        ],
    )

    def truth(hour):
        known = log.labels(ws, now=BEGIN + timedelta(hours=hour))
        return log.with_truth(log.predictions(ws), known, "bad")["label"].to_list()

    assert truth(0) == [None] * 5
    assert truth(1) == ["true", "true", None, None, "true"]
    assert truth(2)[:2] == ["false", "true"]
    assert truth(9)[1:4] == ["false", "true", None]
    fold(ws)
    assert truth(9)[1:4] == ["false", "true", None]


def test_a_label_that_was_sent_twice_counts_once(ws):
    write(ws, "labels", [label("id0", True, 1), label("id0", True, 2)])
    write(ws, "labels", [label("id0", True, 3)])
    assert log.labels(ws, now=BEGIN + timedelta(days=1)).height == 1
    fold(ws)
    assert log.labels(ws, now=BEGIN + timedelta(days=1)).height == 1


def test_nothing_is_an_empty_table_with_its_columns(ws):
    assert fold(ws).segments == 0
    assert log.predictions(ws).height == 0
    assert "output.score" in log.predictions(ws).columns
    assert log.labels(ws, now=BEGIN).height == 0


def test_a_label_that_is_corrected_and_corrected_back_ends_with_the_last_word(ws):
    write(ws, "labels", [label("id0", True, 1), label("id0", False, 2), label("id0", True, 3)])
    told = log.labels(ws, now=BEGIN + timedelta(days=1))
    assert told["value"].to_list() == ["true", "false", "true"]


def test_of_an_id_that_was_logged_again_the_first_record_is_kept_and_disagreements_are_counted(ws):
    write(ws, "predictions", [prediction(1), prediction(2)])
    assert fold(ws) == Folded(1, 0, 0)
    again = [prediction(2), prediction(1, release="r2"), prediction(3), prediction(3), prediction(2, outputs={"score": 0.9})]
    write(ws, "predictions", again)
    assert fold(ws) == Folded(1, 4, 2)
    said = [pl.read_parquet_metadata(path) for path in (ws.home / "tables" / "predictions").glob("*.parquet")]
    assert sorted(one["keepfit.disagreed"] for one in said if "keepfit.disagreed" in one) == ["0", "2"]
    found = log.predictions(ws)
    assert found["id"].to_list() == ["id1", "id2", "id3"]
    assert found["release"].to_list() == ["r1"] * 3
    private = [pl.read_parquet(path) for path in sorted((ws.home / "tables" / "predictions").glob("*.private.parquet"))]
    assert [one["subject"].to_list() for one in private] == [["token1", "token2"], ["token3"]]


def test_an_id_may_stand_for_an_answer_and_for_what_each_shadow_said(ws):
    shadows = [prediction(1, role="shadow", release=release) for release in ("r2", "r3", "r2")]
    write(ws, "predictions", [prediction(1), *shadows])
    write(ws, "predictions", [prediction(1, role="shadow", release="r3")])
    assert fold(ws) == Folded(2, 2, 0)
    assert log.predictions(ws)["release"].to_list() == ["r1"]
    told = log.predictions(ws, shadows=True)
    assert list(zip(told["release"], told["role"], strict=True)) == [("r1", "champion"), ("r2", "shadow"), ("r3", "shadow")]


def test_a_segment_that_holds_nothing_new_is_folded_into_a_table_without_rows(ws):
    for _ in range(2):
        write(ws, "predictions", [prediction(1)])
    assert fold(ws) == Folded(2, 1, 0)
    assert log.predictions(ws).height == 1
    assert fold(ws) == Folded()


def test_two_folds_at_once_give_way_to_each_other(ws):
    for number in range(6):
        write(ws, "predictions", [prediction(number), prediction(0)])
    with ThreadPoolExecutor(2) as threads:
        done = list(threads.map(lambda _: fold(ws), range(2)))
    assert sum(one.segments for one in done) == 6
    assert sum(one.repeated for one in done) == 6
    assert sorted(log.predictions(ws)["id"]) == [f"id{number}" for number in range(6)]


def test_a_worker_that_is_killed_while_others_fold_loses_no_complete_record(ws):
    """Its open segment is torn at the end and no longer locked."""
    writer = SegmentWriter(ws.segments, "predictions")
    writer.append([record.text(prediction(1)).encode()])
    (path,) = waiting(ws.segments, "predictions")
    whole = path.read_bytes()
    assert fold(ws) == Folded()  # it lives: its segment is left alone
    os.close(writer._descriptor)
    path.write_bytes(whole + segment.frame(record.text(prediction(2)).encode())[:-7])
    assert fold(ws) == Folded(1, 0, 0)
    assert log.predictions(ws)["id"].to_list() == ["id1"]


def test_a_waiting_segment_is_read_again_only_when_it_has_changed(ws, monkeypatch):
    read = []
    monkeypatch.setattr(log, "payloads", lambda path: read.append(path) or payloads(path))
    writer = SegmentWriter(ws.segments, "predictions")
    writer.append([record.text(prediction(1)).encode()])
    for _ in range(2):
        assert log.predictions(ws)["id"].to_list() == log.waiting_predictions(ws)["id"].to_list() == ["id1"]
    assert len(read) == 1
    writer.append([record.text(prediction(2)).encode()])
    assert log.predictions(ws)["id"].to_list() == ["id1", "id2"]
    assert len(read) == 2
    writer.close()
    assert log.predictions(ws)["id"].to_list() == ["id1", "id2"]  # sealed, it has the same name
    assert len(read) == 2
    fold(ws)
    assert log.predictions(ws)["id"].to_list() == ["id1", "id2"]
    assert not ws.decoded
