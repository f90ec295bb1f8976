"""Canonical JSON; the standard library is the independent source."""

from __future__ import annotations

import json
import random

import msgspec
import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from keepfit import digest

WORDS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)


def turned(value, rng):
    """The same value with the members of its objects in another order."""
    if isinstance(value, dict):
        names = list(value)
        rng.shuffle(names)
        return {name: turned(value[name], rng) for name in names}
    return [turned(item, rng) for item in value] if isinstance(value, list) else value


@given(VALUES, st.randoms(use_true_random=False))
def test_a_value_has_one_text_whatever_the_order_of_its_members(value, rng):
    text = digest.canonical(value)
    assert text == digest.canonical(turned(value, rng))
    assert text == json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    assert digest.of_value(value) == f"b3:{blake3(text.encode()).hexdigest()}"


@given(VALUES)
def test_a_text_reads_back_as_its_value_and_gives_the_same_text(value):
    text = digest.canonical(value)
    for read in (json.loads(text), msgspec.json.decode(text)):
        assert read == value
        assert digest.canonical(read) == text


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_what_json_cannot_hold_has_no_text(number):
    with pytest.raises(ValueError, match="JSON"):
        digest.canonical({"a": [number]})


@given(st.binary(max_size=5000))
def test_bytes_and_a_file_of_them_have_one_name(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / f"digest-{random.randrange(10**9)}"
    path.write_bytes(data)
    assert digest.of_file(path) == digest.of_bytes(data) == digest.of_bytes(memoryview(data))
    path.unlink()
