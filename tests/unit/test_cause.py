from __future__ import annotations

from keepfit.cause import Cause, differences
from keepfit.instant import Duration


def test_equal_causes_have_one_key_whatever_the_order_of_their_inputs():
    assert Cause("fit", {"a": 1, "b": Duration.parse("48h")}).key == Cause("fit", {"b": Duration.parse("2d"), "a": 1}).key
    assert Cause("fit", {"a": 1}).key != Cause("refit", {"a": 1}).key
    assert Cause("fit", {"a": 1}).key != Cause("fit", {"a": 2}).key


def test_differences_say_what_is_and_what_was_in_words():
    before = Cause("fit", {"data": "b3:1", "a": 1, "b": "x", "c": ["p"], "d": {"deep": 1}, "gone": 2, "same": 3, "long": "y" * 99})
    now = Cause("fit", {"data": "b3:2", "a": 1.5, "b": None, "c": ["p", "q"], "d": {"deep": 2}, "new": True, "same": 3, "long": "z"})
    assert differences(before, now) == (
        "data changed",
        "a is 1.5 and was 1",
        "b is not set and was x",
        "c is [p, q] and was [p]",
        "d changed",
        "new is true and was not set",
        "long changed",
        "gone is not set and was 2",
    )
    assert differences(now, now) == ()
