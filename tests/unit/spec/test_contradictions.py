from __future__ import annotations

import pytest

from keepfit.spec.contradictions import contradictions

GOOD = {"problem": {"target": "y", "time": "t", "key": ["a", "t"], "label_delay": "1d"}, "columns": {"a": {"kind": "category"}}}


def found(problem=None, **columns):
    values = {"problem": GOOD["problem"] | (problem or {}), "columns": GOOD["columns"] | columns}
    return [one.key for one in contradictions(values)]


def test_what_holds_together_is_no_contradiction():
    assert found() == []
    assert found(y={"kind": "category"}, late={"known": "later"}, who={"subject": True}, sex={"protected": True}) == []
    assert found({"time": None, "label_delay": "0s"}) == []


@pytest.mark.parametrize(
    ("problem", "columns", "key"),
    [
        ({"key": ["y"]}, {}, ("problem", "key")),
        ({"key": ["a", "a"]}, {}, ("problem", "key")),
        ({"time": "y"}, {}, ("problem", "time")),
        ({"time": None}, {}, ("problem", "label_delay")),
        ({}, {"y": {"ignore": True}}, ("columns", "y", "ignore")),
        ({}, {"t": {"known": "later"}}, ("columns", "t", "known")),
        ({"key": []}, {"t": {"personal": True}}, ("columns", "t", "personal")),
        ({}, {"a": {"subject": True}}, ("columns", "a", "subject")),
        ({}, {"a": {"known": "later"}}, ("columns", "a", "known")),
    ],
)
def test_settings_that_contradict_each_other_are_found_where_they_stand(problem, columns, key):
    assert key in found(problem, **columns)


@pytest.mark.parametrize("values", [{}, {"problem": 1}, {"problem": {"key": 3, "target": []}, "columns": {"a": 1, "b": {"ignore": "x"}}}])
def test_settings_that_are_wrong_in_other_ways_are_left_to_others(values):
    assert list(contradictions(values)) == []
