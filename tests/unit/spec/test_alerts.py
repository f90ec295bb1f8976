from __future__ import annotations

import pytest

from keepfit.errors import Faults
from keepfit.spec.load import load

PROJECT = '[problem]\nname = "p"\ntarget = "bad"\n[data]\nsource = "rows.csv"\n[alerts]\n'


@pytest.fixture
def faults(tmp_path):
    """The codes and places of what a `[alerts]` section is refused for."""

    def read(text):
        (tmp_path / "keepfit.toml").write_text(PROJECT + text)
        try:
            load(tmp_path, environ={})
        except Faults as found:
            return [(fault.code, fault.at.split(": ")[-1]) for fault in found.faults]
        return []

    return read


@pytest.mark.parametrize(
    "text",
    [
        'to = ["slack://${SLACK}", "mailto://me:${PASSWORD}@example.org"]\nquiet = "22:00-07:00"\ndigest = "1d"',
        'to = ["https://example.org/hook"]\nsecret = "${SECRET}"',
        'to = ["json://127.0.0.1:9000/hook", "syslog://"]',
        'to = ["${WHEREVER}"]',
        "",
    ],
)
def test_targets_that_hold_no_secret_are_taken(faults, text):
    assert faults(text) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('to = ["slack://T1/T2/T3"]', [("KF123", "alerts.to")]),
        ('to = ["https://me:secret@example.org/hook"]\nsecret = "${S}"', [("KF123", "alerts.to")]),
        ('to = ["https://example.org/hook"]\nsecret = "cobalt"', [("KF123", "alerts.secret")]),
        ('to = ["https://example.org/hook"]', [("KF122", "alerts.to")]),
        ('quiet = "22:00-07:00"', [("KF122", "alerts.quiet")]),
        ('to = ["syslog://"]\nquiet = "at night"', [("KF110", "alerts.quiet")]),
    ],
)
def test_a_literal_secret_and_what_cannot_hold_together_is_refused(faults, text, found):
    assert faults(text) == found
