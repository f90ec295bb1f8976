from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from keepfit.metric import Gain
from keepfit.replay import Figure, Rehearsal, Stretch, days_to_recover, false_alarms, recommended, spells

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
WEEK = timedelta(days=7)


def week(number):
    return BEGIN + number * WEEK


def strip(said):
    """Windows, of which those at a `-` are clearly behind the yardstick and those at a `?` have no rows enough."""
    gains = {"-": Gain(0.1, 0.05, 0.15), "+": Gain(0.0, -0.05, 0.05), "?": None}
    return [Stretch(week(at), week(at + 1), 100, None, gains[one]) for at, one in enumerate(said)]


@pytest.mark.parametrize(
    ("frozen", "found"),
    [
        ("+++", []),
        ("+--+", [(1, 3)]),
        ("-+-++-", [(0, 3), (5, 6)]),
        ("?-?-?", [(1, 4)]),
    ],
)
def test_a_change_is_a_run_of_windows_in_which_the_first_model_is_clearly_behind(frozen, found):
    assert spells(strip(frozen)) == [(week(begin), week(end)) for begin, end in found]


def test_recovery_counts_from_the_change_to_the_first_window_that_is_not_behind():
    changed = spells(strip("+----+--"))
    assert days_to_recover(strip("+--+++++"), changed) == ([14.0], 0)


def test_a_policy_that_recovers_after_the_change_ended_waited_until_then():
    assert days_to_recover(strip("+---+"), [(week(1), week(3))]) == ([21.0], 0)


def test_a_change_that_is_never_made_up_for_is_counted():
    assert days_to_recover(strip("+----"), [(week(1), week(5))]) == ([], 1)


def test_an_incident_is_a_false_alarm_where_no_window_of_its_time_is_behind():
    windows = strip("++-+")
    opened = [("quality", week(0), week(2)), ("drift", week(1), week(3)), ("calibration", week(3), None)]
    assert [one.false for one in false_alarms(windows, opened)] == [True, False, True]


def rehearsal(name, gain, short=None, promotions=0, **more):
    one = Rehearsal(
        name,
        {},
        1000,
        Figure(0.4 - (gain.value if gain else 0), None, None),
        gain,
        short,
        promotions,
        promotions,
        0.0,
        0,
        (),
        None,
        0,
        None,
        (),
    )
    return replace(one, **more)


NEVER = rehearsal("never", None, Gain(0.1, 0.08, 0.12))
BEST = rehearsal("best", Gain(0.1, 0.08, 0.12), None, 9)


def test_the_cheapest_policy_that_is_not_clearly_behind_is_recommended():
    near = rehearsal("near", Gain(0.095, 0.07, 0.12), Gain(0.005, 0.001, 0.009), 3)
    far = rehearsal("far", Gain(0.05, 0.03, 0.07), Gain(0.05, 0.03, 0.07), 1)
    name, because = recommended([NEVER, far, BEST, near], "log_loss")
    assert name == "near"
    assert because == "it is not clearly behind best, the best in log loss, with 95 % of the gain, and needs 3 promotions in place of 9"


def test_never_refitting_is_recommended_where_no_gain_is_clear():
    unclear = rehearsal("some", Gain(0.01, -0.01, 0.03), None, 4)
    name, because = recommended([rehearsal("never", None, Gain(0.01, -0.01, 0.03)), unclear], "log_loss")
    assert name == "never"
    assert "is not clear" in because


def test_never_refitting_is_recommended_where_nothing_is_better():
    worse = rehearsal("some", Gain(-0.01, -0.02, -0.005), Gain(0.01, 0.005, 0.02), 4)
    assert recommended([rehearsal("never", None), worse], "log_loss") == (
        "never",
        "no other policy was better in log loss than never refitting",
    )


def test_a_yardstick_is_never_recommended():
    free = rehearsal("fresh", Gain(0.2, 0.1, 0.3), is_yardstick=True)
    assert recommended([NEVER, BEST, free], "log_loss")[0] == "best"
