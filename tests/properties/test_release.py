from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from keepfit.ledger import GENESIS, Entry
from keepfit.release import Roles, roles

BEGIN = datetime(2013, 3, 1, tzinfo=UTC)
HISTORIES = st.lists(
    st.tuples(st.sampled_from(["r1", "r2", "r3", "r4"]), st.sampled_from(["champion", "canary", "shadow", "none"])), max_size=20
)


def entries(history):
    for seq, (name, role) in enumerate(history, 1):
        at = BEGIN + timedelta(hours=seq)
        yield Entry("p", seq, "release", str(seq), at, at, "tester", {"release": name, "role": role, "share": seq / 100}, GENESIS, GENESIS)


@given(HISTORIES)
def test_each_role_is_held_by_the_release_that_got_it_last_and_got_no_other_since(history):
    now = roles(entries(history))
    for role, holder in (("champion", now.champion), ("canary", now.canary), ("shadow", now.shadow)):
        got = [seq for seq, (_, given_) in enumerate(history) if given_ == role]
        name = history[got[-1]][0] if got else None
        kept = name is not None and all(other != name or given_ == role for other, given_ in history[got[-1] :])
        assert holder == (name if kept else None)


@given(HISTORIES)
def test_no_release_holds_two_roles(history):
    now = roles(entries(history))
    held = [name for name in (now.champion, now.canary, now.shadow) if name]
    assert len(held) == len(set(held))
    assert 0 < now.share < 1 if now.canary else now.share == 0


@given(HISTORIES)
def test_the_previous_champion_is_the_last_one_that_is_not_champion_now(history):
    now = roles(entries(history))
    champions = [name for name, role in history if role == "champion" and name != now.champion]
    assert now.previous == (champions[-1] if champions else None)


@given(HISTORIES)
def test_roles_follow_from_the_entries_in_any_portions(history):
    assert roles(entries(history)) == roles(iter(list(entries(history))))
    assert roles([]) == Roles()


def test_a_champion_that_lost_its_role_can_be_gone_back_to():
    now = roles(entries([("r1", "champion"), ("r2", "champion"), ("r2", "none")]))
    assert (now.champion, now.previous, now.since, now.seq) == (None, "r2", None, 3)
