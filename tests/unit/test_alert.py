from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest

from keepfit.alert import Alert, Delivery, Hours, Message, alerts, due
from keepfit.instant import Duration
from keepfit.ledger import Entry

NOW = datetime(2024, 3, 12, 12, tzinfo=UTC)
NIGHT = Hours(time(22), time(7), "Europe/Berlin")


def entry(seq, kind, /, at=NOW, **body):
    return Entry("p", seq, kind, str(seq), at, at, "person:ada", body, "", "")


def incident(seq, change, severity="warning", *, breaks=False, number=4):
    body = {"incident": number, "change": change, "kind": "quality", "release": "r1", "severity": severity, "breaks": breaks}
    return entry(seq, "incident", **body, because="it fell by 0.2", about=[])


def release(seq, name, was, **more):
    return entry(seq, "release", release=name, role="champion", was=was, because="it won", **more)


def alert(seq, kind="opened", severity="warning", at=NOW, number=4):
    return Alert(seq, kind, severity, at, f"incident {number}, {kind}", "")


def waits(told, known, now=NOW, quiet=None, digest=None):
    return due(told, known, now, quiet=quiet, digest=digest)


def test_each_incident_change_of_champion_and_question_is_told_once():
    first = release(1, "r1", None)
    history = [
        first,
        incident(2, "opened"),
        incident(3, "updated"),  # about more columns: nothing new for people
        incident(4, "updated", "critical"),
        incident(5, "updated", "critical", breaks=True),
        release(6, "r2", "r1"),
        release(7, "r1", "r2", rolled_back="r2"),
        entry(8, "release", release="r3", role="shadow", was=None, because=""),
        entry(9, "decision", decision="wanted", about="r3", because="r3 won"),
        entry(10, "decision", decision="approve", about="r3", because="fine"),
        incident(11, "closed", "critical"),
    ]
    told = alerts(history)
    assert [(one.seq, one.kind) for one in told] == [
        (2, "opened"), (4, "escalated"), (5, "escalated"), (6, "promoted"), (7, "rolled back"), (9, "approval wanted"), (11, "resolved"),
    ]  # fmt: skip
    assert told[0].text == "it fell by 0.2"
    assert "(person:ada)" in told[3].text


def test_a_target_is_told_what_came_since_and_a_new_one_nothing_old():
    known = [alert(2, at=NOW - timedelta(days=2)), alert(5), alert(9)]
    assert [one.seq for one in waits([], known).alerts] == [5, 9]
    batch = waits([Delivery(0, 5, 1, "delivered", NOW)], known)
    assert (batch.after, batch.through, batch.attempt, [one.seq for one in batch.alerts]) == (5, 9, 1, [9])
    assert waits([Delivery(0, 9, 1, "delivered", NOW)], known) is None
    assert waits([], []) is None


@pytest.mark.parametrize(("attempt", "minutes"), [(1, 1), (2, 2), (5, 16), (12, 360), (400, 360)])
def test_what_failed_is_sent_again_as_it_was_and_later_each_time(attempt, minutes):
    known = [alert(5), alert(9)]
    failed = [Delivery(0, 5, attempt, "failed", NOW)]
    assert waits(failed, known, NOW + timedelta(minutes=minutes, seconds=-1)) is None
    batch = waits(failed, known, NOW + timedelta(minutes=minutes))
    assert (batch.through, batch.attempt, [one.seq for one in batch.alerts]) == (5, attempt + 1, [5])


def test_a_delivery_whose_process_ended_is_taken_up_after_a_while():
    lost = [Delivery(0, 5, 1, "sending", NOW)]
    assert waits(lost, [alert(5)], NOW + timedelta(minutes=4)) is None
    assert waits(lost, [alert(5)], NOW + timedelta(minutes=5)).attempt == 2


def test_in_quiet_hours_only_what_is_urgent_goes_out_and_takes_the_rest_along():
    night = datetime(2024, 3, 12, 23, tzinfo=UTC)  # midnight in Berlin
    calm = [alert(5, at=night)]
    assert waits([], calm, night, quiet=NIGHT) is None
    assert waits([], calm, night + timedelta(hours=7), quiet=NIGHT).through == 5
    grave = [*calm, alert(6, severity="critical", at=night, number=5)]
    assert [one.seq for one in waits([], grave, night, quiet=NIGHT).alerts] == [5, 6]
    assert waits([], [*calm, alert(6, "rolled back", "info", night)], night, quiet=NIGHT) is not None


def test_a_digest_gathers_what_is_not_urgent():
    told, day = [Delivery(0, 4, 1, "delivered", NOW)], Duration.parse("1d")
    assert waits(told, [alert(5)], NOW + timedelta(hours=23), digest=day) is None
    batch = waits(told, [alert(5), alert(6, number=5)], NOW + timedelta(hours=24), digest=day)
    assert [one.seq for one in batch.alerts] == [5, 6]
    assert waits(told, [alert(5, severity="critical")], NOW + timedelta(hours=1), digest=day) is not None


def test_what_came_and_went_before_anybody_was_told_is_said_once():
    batch = waits([], [alert(5), alert(6, "escalated"), alert(7, number=5), alert(8, "resolved")])
    assert [(one.seq, one.kind) for one in batch.alerts] == [(7, "opened"), (8, "resolved")]


def test_a_message_begins_with_the_gravest():
    message = Message("id", "small", NOW, (alert(5), alert(6, severity="critical", number=5)))
    assert message.title == "small: incident 5, opened and 1 more"
    assert message.text.count("\n") == 1
