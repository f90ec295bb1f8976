from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepfit.errors import BrokenChain, KeyConflict, NewerFormat
from keepfit.instant import show
from keepfit.ledger import GENESIS, Draft, Head, chain, entry_hash, hashed_text, place, read_entry

AT = datetime(2013, 3, 1, tzinfo=UTC)
WORDS = st.text(st.characters(exclude_categories=["Cs"]))
NAMES = WORDS.filter(lambda name: name.isprintable() and 0 < len(name) <= 500)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)
DRAFTS = st.builds(
    Draft, NAMES, NAMES, st.dictionaries(WORDS, VALUES, max_size=4), st.datetimes(timezones=st.just(UTC)), WORDS
)  # fmt: skip


@given(WORDS, st.lists(DRAFTS, max_size=4))
def test_a_text_is_the_canonical_json_of_the_entry_without_its_hash(project, drafts):
    prev = GENESIS
    for number, (draft, (entry, text)) in enumerate(zip(drafts, chain(project, Head(), drafts, AT), strict=True), start=1):
        form = {
            "version": 1,
            "project": project,
            "seq": number,
            "kind": draft.kind,
            "key": draft.key,
            "at": show(draft.at),
            "recorded_at": "2013-03-01T00:00:00Z",
            "actor": draft.actor,
            "body": draft.body,
            "prev": prev,
        }
        assert text == json.dumps(form, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        assert text == hashed_text(entry)
        assert read_entry(text, entry.hash) == entry
        prev = entry_hash(prev, text)
        assert entry.hash == prev


def test_an_entry_is_answered_as_it_will_be_read():
    draft = Draft("fit", "k", {"pair": (1, 2), "on": AT, "codes": {3: "three"}}, AT.astimezone(timezone(timedelta(hours=1))), "me")
    [(entry, text)] = chain("p", Head(), [draft], AT)
    assert entry == read_entry(text, entry.hash)
    assert entry.body == {"pair": [1, 2], "on": "2013-03-01T00:00:00Z", "codes": {"3": "three"}}
    assert entry.at.utcoffset() == timedelta()


def test_a_changed_body_of_the_caller_changes_no_entry():
    body = {"rows": 1}
    [(entry, _)] = chain("p", Head(), [Draft("fit", "k", body, AT, "me")], AT)
    body["rows"] = 2
    assert entry.body == {"rows": 1}


def test_a_draft_without_a_usable_name_or_time_is_refused():
    for kind, key in (("", "k"), ("fit", ""), ("fit", "a\nb"), ("x" * 501, "k")):
        with pytest.raises(ValueError, match="printable"):
            Draft(kind, key, {}, AT, "me")
    with pytest.raises(ValueError, match="offset"):
        Draft("fit", "k", {}, AT.replace(tzinfo=None), "me")


def test_place_answers_every_draft_and_stores_each_key_once():
    [(known, _)] = chain("p", Head(), [Draft("fit", "a", {}, AT, "me")], AT)
    drafts = [Draft("fit", key, {"number": number}, AT, "me") for number, key in enumerate("bab")]
    answers, new = place("p", Head(1, known.hash), drafts, {"a": known}, AT)
    assert answers == [new[0][0], known, new[0][0]]
    assert [(entry.seq, entry.key, entry.body) for entry, _ in new] == [(2, "b", {"number": 0})]
    with pytest.raises(KeyConflict, match="'verdict'"):
        place("p", Head(), [Draft("verdict", "a", {}, AT, "me"), Draft("fit", "a", {}, AT, "me")], {}, AT)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version":1}', '{"version":"1"}', "null"])
def test_a_text_that_is_no_entry_is_a_broken_chain(text):
    with pytest.raises(BrokenChain, match="ledger verify"):
        read_entry(text, "0" * 64)


def test_a_newer_entry_is_refused():
    with pytest.raises(NewerFormat, match="version 2"):
        read_entry('{"version":2}', "0" * 64)
