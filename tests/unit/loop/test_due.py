"""Which windows wait to be looked at, and which are opened again for what came late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from keepfit import record
from keepfit.instant import show
from keepfit.label import Label
from keepfit.loop import log
from keepfit.loop.due import due, grown, held, looks, sealed
from keepfit.loop.fold import fold
from keepfit.loop.parts import parts
from keepfit.loop.take import take
from keepfit.loop.watch import labelled
from keepfit.prediction import Prediction
from keepfit.stores.segments import SegmentWriter
from keepfit.window import Interval
from keepfit.workspace import Workspace

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)  # a Monday
LATER = BEGIN + timedelta(days=60)


def answers(ws, hours, *, release="r1", role="champion", first=0):
    """Answers to rows so many hours after the beginning, folded into a part of the log."""
    rows = []
    for number, hour in enumerate(hours, first):
        at = BEGIN + timedelta(hours=hour)
        said = {"release": release, "role": role, "via": "replay", "outputs": {"score": 0.5}, "decision": True, "warnings": ()}
        rest = {"subject": None, "inputs": {"order": number, "amount": 1}, "latency_us": 7, "private": {}}
        rows.append(Prediction(id=f"{release}{role}{number}", at=at, project="orders", time=at, key=f"[{number}]", **said, **rest))
    _write(ws, "predictions", rows)


def truths(ws, numbers, *, at=LATER):
    _write(ws, "labels", [Label(None, f"[{number}]", "bad", True, "system", "test", None, at) for number in numbers])


def _write(ws, kind, rows):
    writer = SegmentWriter(ws.segments, kind)
    writer.append([record.text(row).encode() for row in rows])
    writer.close()
    fold(ws)


def seal(ws, window, *, now=LATER):
    """Write down that a window was looked at, with what the log holds of it."""
    answered = log.predictions(ws, within=window)
    told = log.with_truth(answered, log.labels(ws, now=now, about=answered), "bad")
    for (release, role), one in held(told).items():
        names = {"begin": show(window.begin), "end": show(window.end), "release": release, "role": role}
        body = {**names, "predictions": one.predictions, "labels": one.told, "told": one.told, "signals": [], "artifacts": {}}
        ws.append("watch", [*names.values(), one.predictions, one.told], body, at=now)


@pytest.fixture
def ws(project):
    made = project()
    take(made, now=BEGIN + timedelta(days=20))
    return made


def counted(ws, rows):
    (ws.folder / "keepfit.toml").write_text((ws.folder / "keepfit.toml").read_text() + f'\n[monitor]\nwindow = "{rows} rows"\n')
    return Workspace(ws.folder)


def week(number):
    return Interval(BEGIN + timedelta(weeks=number), BEGIN + timedelta(weeks=number + 1))


def test_windows_with_traffic_wait_until_their_labels_are_due(ws):
    answers(ws, [1, 170, 171, 600])
    assert due(ws, now=BEGIN + timedelta(days=7)) == ()
    assert due(ws, now=BEGIN + timedelta(days=8)) == (week(0),)
    assert due(ws, now=LATER) == (week(0), week(1), week(3))
    seal(ws, week(1))
    assert due(ws, now=LATER) == (week(0), week(3))


def test_what_only_a_shadow_said_makes_no_window(ws):
    answers(ws, [1])
    answers(ws, [170], release="r2", role="shadow")
    assert due(ws, now=LATER) == (week(0),)


def test_a_window_in_segments_alone_is_seen_before_they_are_folded(ws):
    writer = SegmentWriter(ws.segments, "predictions")
    at = BEGIN + timedelta(hours=1)
    said = {"release": "r1", "role": "champion", "via": "online", "outputs": {"score": 0.5}, "decision": True, "warnings": ()}
    row = Prediction(id="a", at=at, project="orders", time=at, key="[1]", subject=None, inputs={}, latency_us=7, private={}, **said)
    writer.append([record.text(row).encode()])
    assert due(ws, now=LATER) == (week(0),)
    writer.close()


def test_files_of_other_windows_are_not_read(ws, monkeypatch):
    answers(ws, [1, 2])
    answers(ws, [170, 171], first=10)
    due(ws, now=LATER)
    first, second = parts(ws, "predictions")
    first.path.write_bytes(b"not a table at all, and yet nobody minds")
    monkeypatch.setattr("keepfit.loop.log.parts", lambda _ws, kind: [first, second] if kind == "predictions" else [])
    assert log.predictions(ws, within=week(1)).height == 2


def test_counted_windows_end_with_the_row_that_fills_them(ws):
    ws = counted(ws, 50)
    answers(ws, range(5, 125))
    first, second = due(ws, now=LATER)
    assert first.begin == BEGIN
    assert first.end == BEGIN + timedelta(hours=54, microseconds=1)
    assert second == Interval(first.end, BEGIN + timedelta(hours=104, microseconds=1))
    assert [log.predictions(ws, within=one).height for one in (first, second)] == [50, 50]
    assert due(ws, now=BEGIN + timedelta(hours=54 + 24)) == ()  # the label of its last row is due a moment later
    assert due(ws, now=BEGIN + timedelta(hours=55 + 24)) == (first,)
    seal(ws, first)
    answers(ws, range(125, 160), first=200)
    assert due(ws, now=LATER) == (second, Interval(second.end, BEGIN + timedelta(hours=154, microseconds=1)))


def test_rows_of_one_instant_belong_to_one_counted_window(ws):
    ws = counted(ws, 50)
    answers(ws, [1] * 70 + [2] * 50)
    first, second = due(ws, now=LATER)
    assert [log.predictions(ws, within=one).height for one in (first, second)] == [70, 50]


def test_another_length_judges_nothing_twice(ws):
    answers(ws, [*range(1, 100), *range(170, 270)])
    seal(ws, week(0))
    ws = counted(ws, 50)
    assert due(ws, now=LATER)[0].begin == week(0).end
    (ws.folder / "keepfit.toml").write_text((ws.folder / "keepfit.toml").read_text().replace("50 rows", "28d"))
    (left,) = due(Workspace(ws.folder), now=LATER)
    assert left.begin == week(0).end


def test_labels_and_rows_that_come_late_open_a_window_again_once(ws):
    answers(ws, range(1, 101))
    truths(ws, range(50))
    seal(ws, week(0))
    assert due(ws, now=LATER) == ()
    truths(ws, [50, 51])
    assert due(ws, now=LATER) == ()  # two more than fifty tell nothing new
    assert labelled(ws, week(0), now=LATER) == 52
    truths(ws, [52])
    assert due(ws, now=LATER) == (week(0),)
    seal(ws, week(0))
    assert due(ws, now=LATER) == ()
    answers(ws, [1.5] * 5, first=500)
    assert due(ws, now=LATER) == (week(0),)
    seal(ws, week(0))
    assert due(ws, now=LATER) == ()
    answers(ws, [1.5], release="r2", first=600)  # another release answered in it, as it turns out
    assert due(ws, now=LATER) == (week(0),)


def test_labels_that_lie_ahead_of_the_clock_open_nothing_yet(ws):
    answers(ws, range(1, 101))
    seal(ws, week(0))
    truths(ws, range(50), at=LATER + timedelta(days=1))
    assert due(ws, now=LATER) == ()
    assert due(ws, now=LATER + timedelta(days=1)) == (week(0),)


def test_labels_about_other_windows_open_nothing(ws):
    answers(ws, [*range(1, 101), *range(170, 270)])
    seal(ws, week(0))
    truths(ws, range(100, 200))
    assert due(ws, now=LATER) == (week(1),)


def test_the_newest_look_at_a_window_counts(ws):
    answers(ws, range(1, 101))
    seal(ws, week(0))
    truths(ws, range(50))
    seal(ws, week(0))
    (entries,) = sealed(ws).values()
    (found,) = looks(entries).values()
    assert [entry.body["told"] for entry in found] == [0, 50]
    told = log.with_truth(log.predictions(ws), log.labels(ws, now=LATER), "bad")
    assert grown(held(told)["r1", "champion"], found[0])
    assert not grown(held(told)["r1", "champion"], found[1])
