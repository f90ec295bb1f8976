from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from keepfit.action import Attempt, attempts, cause, retry_after
from keepfit.decision import Decision, Decisions
from keepfit.incident import Incident, Race, State, next_action
from keepfit.instant import Duration
from keepfit.policy import Policy
from keepfit.stage import Canary
from keepfit.window import Interval

BEGIN = datetime(2024, 3, 4, tzinfo=UTC)
WEEK = timedelta(days=7)
NOW = BEGIN + 2 * WEEK
WINDOW, BEFORE = Interval(BEGIN + WEEK, NOW), Interval(BEGIN, BEGIN + WEEK)
#: A champion, a looked at window with labels, and a challenger that was fitted one window before.
STATE = State(champion="r1", watched=WINDOW, labels=5000, challenger="r2", fitted=BEFORE)
WON = replace(STATE, raced=Race(WINDOW, 3.0, "passed"))
CANARY = Canary("r2", 0, NOW - WEEK, timedelta(days=1), NOW + 3 * WEEK, NOW)
POLICY = Policy()
STAGED = Policy(stages=(0.05, 0.25))


def incident(kind="quality", *, breaks=False):
    return Incident(7, kind, "r1", (), "warning", 0.1, breaks, "it fell", BEGIN)


def attempt(action, status="failed", *, ended=NOW, policy=POLICY, token=1):
    named = cause(action, policy.digest)
    begun = NOW - timedelta(hours=1)
    return Attempt(
        action.kind, named, token, action.window, action.release, status, "KF204", "me", begun, begun, begun, (token, token), ended,
        incident=action.incident,
    )  # fmt: skip


def decided(says, about):
    return Decisions(newest={about: Decision(says, about, "person:ada", NOW, "so", 5)}, count=1, seq=5)


def due(state, policy=POLICY, now=NOW):
    return next_action(state, policy, now)


def test_the_race_goes_from_a_refit_over_a_comparison_to_a_promotion():
    assert due(replace(STATE, challenger=None)).kind == "refit"
    compare = due(STATE)
    assert (compare.kind, compare.release, compare.window) == ("compare", "r2", WINDOW)
    promote = due(WON)
    assert (promote.kind, promote.release) == ("promote", "r2")
    assert due(replace(STATE, fitted=WINDOW)).kind == "nothing"


def test_who_did_not_win_is_replaced_by_the_next():
    for lost in (Race(WINDOW, 1.9, "passed"), Race(WINDOW, 9.0, "undecided"), Race(WINDOW, 9.0, "failed"), Race(WINDOW)):
        assert due(replace(STATE, raced=lost)).kind == "refit"


def test_a_due_window_is_looked_at_first_and_even_while_the_project_is_frozen():
    frozen = Decisions(frozen=Decision("freeze", "", "person:ada", NOW, "holidays"))
    state = replace(WON, due=(BEFORE, WINDOW), decisions=frozen)
    assert (due(state).kind, due(state).window) == ("watch", BEFORE)
    rest = due(replace(state, due=(), incidents=(incident("errors", breaks=True),), previous="r0"))
    assert rest.kind == "nothing"
    assert "frozen by person:ada (holidays)" in rest.because


def test_a_champion_in_trouble_gives_way_to_who_is_ahead_at_all():
    ahead = replace(STATE, raced=Race(WINDOW, 0.5, "passed"))
    assert due(ahead).kind == "refit"
    assert due(replace(ahead, incidents=(incident(),))).kind == "promote"
    assert due(replace(ahead, incidents=(incident("calibration"),))).kind == "promote"
    assert due(replace(ahead, incidents=(incident(),)), Policy(on=("challenger",))).kind == "refit"
    undecided = replace(ahead, raced=Race(WINDOW, 0.5, "undecided"), incidents=(incident(),))
    assert due(undecided).kind == "refit", "not knowing is not passing"
    assert due(undecided, STAGED).kind == "advance", "into a stage it goes unless it was shown to be worse"
    assert due(replace(undecided, raced=Race(WINDOW, 0.5, "failed")), STAGED).kind == "refit"


def test_without_a_race_a_challenger_is_fitted_only_when_something_asks_for_it():
    policy = Policy(challenger="off", on=("quality", "schedule"), every=4)
    idle = replace(STATE, challenger=None)
    assert due(idle, policy).kind == "nothing"
    assert due(replace(idle, incidents=(incident(),)), policy).because == "the champion is worse than at its release"
    assert due(replace(idle, watches=4), policy).because == "the schedule says so"
    assert due(replace(WON, raced=Race(WINDOW, -1.0, "passed"), watches=4), policy).kind == "promote"


def test_nothing_is_learned_from_a_broken_feed_or_too_few_labels():
    garbage = due(replace(STATE, garbage="its data is broken: temp"))
    assert garbage.kind == "nothing"
    assert "temp" in garbage.because
    assert due(replace(STATE, labels=10)).kind == "nothing"
    assert due(replace(STATE, challenger=None, labels=10)).kind == "nothing"


@pytest.mark.parametrize("ago", [timedelta(days=6), timedelta(days=-6)])
def test_the_champion_does_not_change_within_the_cool_down_though_the_clock_be_set_back(ago):
    assert "again after 7d" in due(replace(WON, changed=NOW - ago)).because
    assert due(replace(WON, changed=NOW - ago)).kind == "nothing"
    assert due(replace(WON, changed=NOW - 2 * ago)).kind == "promote"


def test_a_person_is_asked_where_the_policy_says_so_and_a_veto_ends_it():
    asks = Policy(promote="approval")
    assert due(WON, asks).kind == "ask"
    assert due(replace(WON, decisions=decided("approve", "r2")), asks).kind == "promote"
    assert due(replace(WON, decisions=decided("approve", "r9")), asks).kind == "ask"
    for policy in (asks, POLICY):
        assert due(replace(WON, decisions=decided("veto", "r2")), policy).kind == "refit"


def test_a_broken_champion_is_rolled_back_once_for_each_incident_before_anything_else():
    state = replace(WON, previous="r0", incidents=(incident("errors", breaks=True),), canary=CANARY, garbage="broken")
    action = due(state, STAGED)
    assert (action.kind, action.release, action.incident) == ("rollback", "r0", 7)
    assert "incident 7, errors: it fell" in action.because
    done = replace(state, attempts=(attempt(action, "done", policy=STAGED),))
    assert due(done, STAGED).kind != "rollback"
    assert due(replace(state, previous=None), STAGED).kind != "rollback"
    assert due(replace(state, incidents=(incident("errors"),)), STAGED).kind != "rollback"


def test_a_challenger_goes_through_its_stages_and_stays_until_each_ends():
    advance = due(WON, STAGED)
    assert (advance.kind, advance.stage) == ("advance", 0)
    state = replace(STATE, challenger=None, canary=CANARY)
    assert due(state, STAGED).kind == "nothing", "nothing new to look at"
    test = due(replace(state, canary=replace(CANARY, tested=NOW - timedelta(days=2))), STAGED)
    assert (test.kind, test.window) == ("test", Interval(NOW - WEEK, NOW))
    assert due(replace(state, canary=replace(CANARY, says="failed")), STAGED).kind == "drop"
    passed = due(replace(state, canary=replace(CANARY, says="passed")), STAGED)
    assert (passed.kind, passed.stage) == ("advance", 1)
    last = replace(state, canary=replace(CANARY, stage=1, says="passed"))
    assert due(last, STAGED).kind == "promote"
    assert due(replace(last, changed=NOW - timedelta(days=1)), STAGED).kind == "nothing"


def test_a_stage_is_left_at_once_for_a_veto_or_for_answers_that_break():
    state = replace(STATE, challenger=None, canary=replace(CANARY, says="passed"))
    assert due(replace(state, decisions=decided("veto", "r2")), STAGED).kind == "drop"
    broken = due(replace(state, canary=replace(CANARY, trouble="its own errors broke")), STAGED)
    assert (broken.kind, broken.because) == ("drop", "its own errors broke")


def test_a_stage_that_shows_nothing_in_its_time_is_lost_unless_the_champion_is_in_trouble():
    state = replace(STATE, challenger=None, canary=replace(CANARY, ends=NOW))
    assert due(state, STAGED).kind == "drop"
    assert due(replace(state, incidents=(incident(),)), STAGED).kind == "advance"


def test_a_failed_action_waits_longer_each_time_and_is_then_given_up():
    action = due(STATE)
    one = replace(STATE, attempts=(attempt(action),))
    assert "tried again at 2024-03-18 00:10" in due(one).because
    assert due(one, now=NOW + timedelta(minutes=10)).kind == "compare"
    two = replace(STATE, attempts=(attempt(action), attempt(action, token=2)))
    assert due(two, now=NOW + timedelta(minutes=39)).kind == "nothing"
    assert due(two, now=NOW + timedelta(minutes=40)).kind == "compare"
    three = replace(STATE, attempts=tuple(attempt(action, token=token) for token in (1, 2, 3)))
    assert due(three, now=NOW + timedelta(days=1)).kind == "refit", "the race cannot be run, so the next challenger comes"
    assert due(three, Policy(minimum_labels=2), NOW + timedelta(days=1)).kind == "compare", "under another policy it is another cause"


def test_a_process_that_was_killed_is_made_up_for_at_once():
    action = due(STATE)
    assert retry_after([attempt(action, "abandoned")]) is None
    assert due(replace(STATE, attempts=(attempt(action, "abandoned"),))).kind == "compare"
    assert due(replace(STATE, attempts=(attempt(action, "abandoned"), attempt(action, "abandoned", token=2)))).kind == "nothing"


def test_refitting_stops_after_failures_in_a_row_until_a_person_approves():
    state = replace(STATE, challenger=None)
    action, other = due(state), replace(due(state), window=BEFORE)
    failed = replace(state, attempts=(attempt(other), attempt(other, token=2), attempt(action, token=3)))
    stopped = due(failed, now=NOW + timedelta(days=30))
    assert stopped.kind == "nothing"
    assert "keepfit approve refit" in stopped.because
    assert due(replace(failed, decisions=decided("approve", "refit")), now=NOW + timedelta(days=30)).kind == "refit"
    mended = replace(failed, attempts=(*failed.attempts[:2], attempt(other, "done", token=3)))
    assert due(mended, now=NOW + timedelta(days=30)).kind == "refit"


def test_refits_stay_within_their_time_and_do_not_start_beside_another():
    state = replace(STATE, challenger=None)
    policy = Policy(compute=Duration.parse("2h"))
    assert due(replace(state, spent=timedelta(hours=1)), policy).kind == "refit"
    assert "all that they may" in due(replace(state, spent=timedelta(hours=2)), policy).because
    busy = attempt(due(state), "started")
    assert "another loop is at work" in due(replace(state, busy=busy)).because
    broken = replace(state, busy=busy, previous="r0", incidents=(incident("errors", breaks=True),))
    assert due(broken).kind == "rollback", "what is urgent does not wait for a refit elsewhere"


def test_without_a_champion_there_is_nothing_to_do_and_it_is_said_what_brings_one():
    assert "keepfit promote" in due(replace(WON, champion=None)).because


def test_attempts_without_an_end_are_under_way():
    assert attempts([]) == []
