"""Alerts against a real receiver on loopback: it fails first, is down, or was told already."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest

from keepfit.channels.webhook import Webhook
from keepfit.incident import Incident
from keepfit.loop.alerts import deliver, target_name
from keepfit.testing.channel import receiving
from keepfit.workspace import Workspace

NOW = datetime(2024, 3, 12, 12, tzinfo=UTC)
PROJECT = """\
[problem]
name = "small"
target = "bad"
[data]
source = "rows.csv"
[alerts]
to = ["http://127.0.0.1:{port}/hook"]
secret = "${{HOOK_SECRET}}"
"""


@pytest.fixture
def receiver():
    with receiving() as server:
        yield server


@pytest.fixture
def ws(tmp_path, receiver, monkeypatch):
    monkeypatch.setenv("HOOK_SECRET", "cobalt-lemur")
    (tmp_path / "keepfit.toml").write_text(PROJECT.format(port=receiver.port))
    workspace = Workspace(tmp_path)
    workspace.prepare()
    yield workspace
    workspace.close()


def opened(ws, number, *, severity="critical", at=NOW):
    body = Incident(number, "quality", "r1", (), severity, 0.2, False, "it fell by 0.2", at).noted
    ws.append("incident", [number, "opened"], {**body, "change": "opened"}, at=at)


def statuses(ws):
    return [(entry.body["status"], entry.body["why"]) for entry in ws.ledger.entries(kind="alert")]


def test_a_receiver_that_fails_first_is_told_again_later_and_then_once(ws, receiver):
    receiver.answers = [503, 503]
    opened(ws, 1)
    for minutes in (0, 0.5, 1, 2, 3, 4, 60, 600):
        deliver(ws, now=NOW + timedelta(minutes=minutes))
    assert [(status, why) for status, why in statuses(ws) if status != "sending"] == [
        ("failed", "KF513"),
        ("failed", "KF513"),
        ("delivered", ""),
    ]
    [(headers, body)] = receiver.got
    message = json.loads(body)
    assert (message["record"], message["project"], len(message["alerts"])) == ("message", "small", 1)
    assert message["alerts"][0]["title"] == "incident 1, quality of r1, opened"
    assert headers["keepfit-delivery"] == message["id"]
    second, made = (part.split("=")[1] for part in headers["keepfit-signature"].split(","))
    assert made == hmac.new(b"cobalt-lemur", f"{second}.".encode() + body, hashlib.sha256).hexdigest()


def test_what_happens_meanwhile_is_told_after_it_and_no_alert_twice(ws, receiver):
    receiver.answers = [500]
    opened(ws, 1)
    deliver(ws, now=NOW)
    opened(ws, 2)
    for minute in range(1, 5):
        deliver(ws, now=NOW + timedelta(minutes=minute))
    told = [alert["title"] for _, body in receiver.got for alert in json.loads(body)["alerts"]]
    assert told == ["incident 1, quality of r1, opened", "incident 2, quality of r1, opened"]


def test_a_delivery_that_was_cut_off_comes_again_under_the_same_id(ws, receiver):
    opened(ws, 1)
    deliver(ws, now=NOW)
    # As if the process had ended before it could write that it was delivered.
    entries = [entry for entry in ws.ledger.entries() if entry.kind != "alert"]
    first = next(ws.ledger.entries(kind="alert"))
    other = Workspace(ws.folder)
    other.home = ws.folder / "copy"
    for entry in [*entries, first]:
        other.append(entry.kind, [entry.seq], dict(entry.body), at=entry.at)
    deliver(other, now=NOW + timedelta(minutes=4))
    assert len(receiver.got) == 1, "another process may still be at it"
    deliver(other, now=NOW + timedelta(minutes=5))
    (one, _), (two, _) = receiver.got
    assert one["keepfit-delivery"] == two["keepfit-delivery"]
    other.close()


def test_a_target_that_is_down_or_cannot_be_read_ends_no_turn(ws, receiver):
    receiver.shutdown()
    receiver.server_close()
    opened(ws, 1)
    deliver(ws, now=NOW)
    assert statuses(ws)[-1] == ("failed", "KF513")
    unknown = Workspace(ws.folder, options={"alerts.to": ["${NOT_SET_ANYWHERE}"]})
    deliver(unknown, now=NOW)
    assert statuses(ws)[-1] == ("failed", "KF110")
    unknown.close()


def test_the_secret_is_in_no_entry_and_a_target_is_named_without_what_it_holds(ws, receiver):
    opened(ws, 1)
    deliver(ws, now=NOW)
    assert "cobalt" not in "".join(text for _, text, _ in ws.ledger.texts())
    assert target_name("slack://${SLACK}/x") != target_name("slack://${SLACK}/y")


def test_nobody_is_told_where_nobody_is_named(tmp_path):
    (tmp_path / "keepfit.toml").write_text(PROJECT.split("[alerts]")[0])
    workspace = Workspace(tmp_path)
    workspace.prepare()
    opened(workspace, 1)
    deliver(workspace, now=NOW)
    assert statuses(workspace) == []
    workspace.close()


def event(ws, kind):
    """Write down one event of a kind, as the loop does."""
    body = {**Incident(1, "quality", "r2", (), "warning", 0.2, False, "it fell", NOW).noted}
    if kind in {"opened", "escalated", "resolved"}:
        change = {"opened": "opened", "escalated": "updated", "resolved": "closed"}[kind]
        graver = {"severity": "critical"} if kind != "opened" else {}
        ws.append("incident", [1, change], {**body, **graver, "change": change}, at=NOW)
    elif kind == "approval wanted":
        ws.append("decision", ["wanted", "r3"], {"decision": "wanted", "about": "r3", "because": "it won"}, at=NOW)
    else:
        back = {"rolled_back": "r2"} if kind == "rolled back" else {}
        name = "r2" if kind == "promoted" else "r1"
        released = {"release": name, "role": "champion", "was": "r2" if back else "r1", "because": "so it is", "candidate": "c1", **back}
        ws.append("release", [kind], {**released, "artifacts": {}}, at=NOW)


def test_each_kind_of_event_is_told_once_though_the_target_is_down_and_processes_are_killed(ws, receiver, monkeypatch):
    send, minute = Webhook.send, 0

    def killed(when):
        def attempt(self, message):
            if when == "after it was sent":
                send(self, message)
            raise SystemExit  # what the kill leaves: no word of how it ended

        return attempt

    every = ["promoted", "opened", "escalated", "resolved", "approval wanted", "rolled back"]
    for kind in every:
        event(ws, kind)
        receiver.answers = [503]
        deliver(ws, now=NOW + timedelta(minutes=minute))
        for when in ("before it was sent", "after it was sent"):
            minute += 60
            monkeypatch.setattr(Webhook, "send", killed(when))
            with pytest.raises(SystemExit):
                deliver(ws, now=NOW + timedelta(minutes=minute))
        monkeypatch.setattr(Webhook, "send", send)
        for _ in range(3):
            minute += 400
            deliver(ws, now=NOW + timedelta(minutes=minute))
    once = {headers["keepfit-delivery"]: json.loads(body)["alerts"] for headers, body in receiver.got}
    assert [alert["kind"] for alerts in once.values() for alert in alerts] == every
    assert len(receiver.got) == 2 * len(every), "once more where nobody knew that it had arrived, under the same id"
