from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from keepfit.incident import Policy, State, next_action
from keepfit.instant import Duration
from keepfit.window import Interval

BEGIN = datetime(2013, 3, 4, tzinfo=UTC)
WEEK = timedelta(days=7)
WINDOWS = st.integers(0, 6).map(lambda week: Interval(BEGIN + week * WEEK, BEGIN + (week + 1) * WEEK))
INSTANTS = st.datetimes(datetime(2013, 2, 1), datetime(2013, 6, 1), timezones=st.just(UTC))  # noqa: DTZ001
NAMES = st.none() | st.sampled_from(["r1", "r2"])
STATES = st.builds(
    State,
    now=INSTANTS,
    champion=NAMES,
    champion_since=st.none() | INSTANTS,
    promoted_at=st.none() | INSTANTS,
    due=st.lists(WINDOWS, max_size=3).map(lambda due: tuple(sorted(due, key=lambda window: window.begin))),
    watched=st.none() | WINDOWS,
    labels=st.integers(0, 2000),
    challenger=NAMES,
    compared=st.none() | WINDOWS,
    won=st.booleans(),
    fitted_for=st.none() | WINDOWS,
)
POLICIES = st.builds(
    Policy,
    challenger=st.sampled_from(["window", "off"]),
    cooldown=st.sampled_from(["0s", "7d", "30d"]).map(Duration.parse),
    minimum_labels=st.integers(1, 2000),
    promote=st.sampled_from(["auto", "approval"]),
)


@given(STATES, POLICIES)
def test_there_is_always_an_answer_with_a_reason(state, policy):
    action = next_action(state, policy)
    assert action.kind in {"nothing", "watch", "refit", "compare", "promote", "ask"}
    assert action.because
    assert action == next_action(state, policy)
    if action.kind in {"compare", "promote"}:
        assert action.release == state.challenger is not None
        assert action.window == state.watched is not None
    if action.kind in {"watch", "refit"}:
        assert action.window is not None


@given(STATES, POLICIES)
def test_nothing_is_promoted_without_a_win_in_the_newest_window(state, policy):
    if next_action(state, policy).kind in {"promote", "ask"}:
        assert state.won
        assert state.challenger
        assert state.compared.begin >= state.watched.begin
        assert next_action(replace(state, won=False), policy).kind not in {"promote", "ask"}
        assert next_action(replace(state, compared=None), policy).kind not in {"promote", "ask"}


@given(STATES, POLICIES)
def test_nothing_is_promoted_inside_the_cooldown(state, policy):
    assume(state.promoted_at is not None)
    if state.promoted_at <= state.now < state.promoted_at + policy.cooldown.delta:
        assert next_action(state, policy).kind not in {"promote", "ask"}


@given(STATES, POLICIES)
def test_a_person_is_asked_where_the_policy_says_so(state, policy):
    asked = next_action(state, replace(policy, promote="approval"))
    assert asked.kind != "promote"
    by_itself = next_action(state, replace(policy, promote="auto"))
    assert by_itself.kind != "ask"
    assert (asked.kind == "ask") == (by_itself.kind == "promote")


@given(STATES, POLICIES)
def test_a_due_window_is_looked_at_first_the_oldest_before_the_others(state, policy):
    action = next_action(state, policy)
    if state.champion and state.due:
        assert (action.kind, action.window) == ("watch", state.due[0])
    else:
        assert action.kind != "watch"


@given(STATES, POLICIES)
def test_nothing_is_fitted_or_raced_without_labels_or_where_it_is_off(state, policy):
    kind = next_action(state, policy).kind
    if state.labels < policy.minimum_labels or policy.challenger == "off" or state.champion is None:
        assert kind not in {"refit", "compare"}
    if policy.challenger == "off" or state.champion is None:
        assert kind in {"nothing", "watch"}


@given(STATES, POLICIES, st.booleans())
def test_doing_what_is_due_comes_to_rest(state, policy, wins):
    """Each action changes what the ledger says as the loop does; within a few steps nothing is due."""
    for _ in range(len(state.due) + 5):
        action = next_action(state, policy)
        if action.kind in {"nothing", "ask"}:
            return
        if action.kind == "watch":
            state = replace(state, due=state.due[1:], watched=action.window)
        elif action.kind == "compare":
            state = replace(state, compared=action.window, won=wins)
        elif action.kind == "refit":
            state = replace(state, fitted_for=action.window, challenger="r3", compared=None, won=False)
        else:
            state = replace(state, champion=action.release, challenger=None, promoted_at=state.now, compared=None, won=False)
    raise AssertionError(f"still not at rest: {next_action(state, policy)}")
