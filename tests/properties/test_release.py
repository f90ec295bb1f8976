from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from keepfit.ledger import GENESIS, Entry
from keepfit.release import Roles, roles

BEGIN = datetime(2013, 3, 1, tzinfo=UTC)
EVENTS = st.tuples(st.sampled_from(["r1", "r2", "r3", "r4"]), st.sampled_from(["champion", "shadow", "none"]))


def possible(history):
    """The loop never lets the champion wait in the shadow."""
    champion, kept = None, []
    for name, role in history:
        if (name, role) != (champion, "shadow"):
            kept.append((name, role))
            champion = name if role == "champion" else champion
    return kept


HISTORIES = st.lists(EVENTS, max_size=20).map(possible)


def entries(history):
    for seq, (name, role) in enumerate(history, 1):
        at = BEGIN + timedelta(hours=seq)
        yield Entry("p", seq, "release", str(seq), at, at, "tester", {"release": name, "role": role}, GENESIS, GENESIS)


@given(HISTORIES)
def test_the_champion_is_the_release_that_last_got_the_role(history):
    now = roles(entries(history))
    crowned = [(seq, name) for seq, (name, role) in enumerate(history, 1) if role == "champion"]
    if not crowned:
        assert (now.champion, now.previous, now.since, now.seq) == (None, None, None, 0)
        return
    seq, name = crowned[-1]
    assert (now.champion, now.seq, now.since) == (name, seq, BEGIN + timedelta(hours=seq))
    assert now.previous == (crowned[-2][1] if len(crowned) > 1 else None)


@given(HISTORIES)
def test_no_release_holds_two_roles_and_the_shadow_got_it_last(history):
    now = roles(entries(history))
    assert now.shadow is None or now.shadow != now.champion
    if now.shadow:
        assert [role for name, role in history if name == now.shadow][-1] == "shadow"
        assert [name for name, role in history if role == "shadow"][-1] == now.shadow


@given(HISTORIES)
def test_roles_follow_from_the_entries_in_any_portions(history):
    assert roles(entries(history)) == roles(iter(list(entries(history))))
    assert roles([]) == Roles()
