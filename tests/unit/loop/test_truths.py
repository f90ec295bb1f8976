"""What is said of labels that are uneven, late, or at odds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from keepfit.loop.take import take
from keepfit.loop.truths import told_about
from keepfit.measures.evenly import chance_of_even

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
ROWS = 400


@pytest.fixture
def ws(project):
    made = project()
    take(made, now=BEGIN + timedelta(days=20))
    return made


@pytest.fixture
def schema(ws):
    return take(ws, now=BEGIN + timedelta(days=20)).schema


def answers(labelled):
    """Answers, half of them yes, of which those that `labelled` names by number have a label."""
    score = [number / ROWS for number in range(ROWS)]
    return pl.DataFrame(
        {
            "id": [f"p{number}" for number in range(ROWS)],
            "at": [BEGIN] * ROWS,
            "time": [BEGIN + timedelta(minutes=number) for number in range(ROWS)],
            "key": [f"[{number}]" for number in range(ROWS)],
            "decision": ["true" if one >= 0.5 else "false" for one in score],
            "input.amount": [1.0] * ROWS,
            "output.score": score,
            "label": ["true" if labelled(number) else None for number in range(ROWS)],
        },
        schema_overrides={"at": pl.Datetime("us", "UTC"), "time": pl.Datetime("us", "UTC")},
    )


def truths(numbers, *, after=timedelta(hours=1), values=("true",), supersedes=None):
    told = [(number, value) for number in numbers for value in values]
    return pl.DataFrame(
        {
            "prediction": [None for _ in told],
            "key": [f"[{number}]" for number, _ in told],
            "name": ["bad"] * len(told),
            "supersedes": [supersedes] * len(told),
            "value": [value for _, value in told],
            "received_at": [BEGIN + timedelta(minutes=number) + after for number, _ in told],
        },
        schema={
            "prediction": pl.String,
            "key": pl.String,
            "name": pl.String,
            "supersedes": pl.String,
            "value": pl.String,
            "received_at": pl.Datetime("us", "UTC"),
        },
    )


def test_labels_that_came_for_every_answer_in_time_need_no_word(ws, schema):
    assert told_about(ws, answers(lambda _: True), truths(range(ROWS)), schema) == ()


def test_labels_that_came_for_every_third_answer_whatever_it_was_need_no_word(ws, schema):
    known = [number for number in range(ROWS) if number % 3 == 0]
    assert told_about(ws, answers(lambda number: number % 3 == 0), truths(known), schema) == ()


def test_no_label_at_all_is_not_uneven(ws, schema):
    assert told_about(ws, answers(lambda _: False), truths([]), schema) == ()


def test_labels_that_came_for_what_was_decided_alone_are_said_to(ws, schema):
    notes = told_about(ws, answers(lambda number: number >= ROWS // 2), truths(range(ROWS // 2, ROWS)), schema)
    assert notes[0].startswith("labels came for 100% of the answers with decision true and for 0% of those with false")
    assert "score in the highest fifth and for 0%" in notes[1]


def test_labels_that_came_for_one_group_more_often_are_said_to(ws, schema, monkeypatch):
    from keepfit.loop import truths as module

    monkeypatch.setattr(module, "apart", lambda ws, ids, names: pl.DataFrame({"gender": ["fm"[number % 2] for number in range(ROWS)]}))
    kept = [number for number in range(ROWS) if number % 2 or number % 10 == 0]
    (note,) = told_about(ws, answers(lambda number: number in set(kept)), truths(kept), schema)
    assert "100% of the answers with gender m and for 20% of those with f" in note


def test_labels_at_odds_are_counted_and_corrections_are_not(ws, schema):
    both = truths([3, 7], values=("true", "false"))
    assert "2 answers have labels that contradict one another" in told_about(ws, answers(lambda _: True), both, schema)[0]
    assert told_about(ws, answers(lambda _: True), truths([3], values=("true", "false"), supersedes="other"), schema) == ()


def test_labels_that_came_later_than_the_project_says_are_told_with_how_long_they_took(ws, schema):
    late = pl.concat([truths(range(200)), truths(range(200, ROWS), after=timedelta(days=4))])
    (note,) = told_about(ws, answers(lambda _: True), late, schema)
    assert note == '50% of the labels came later than label_delay = "1d": half took up to 4.0 days, 95 of 100 up to 4.0 days' or (
        note.startswith('50% of the labels came later than label_delay = "1d": half took up to 1.0 hours')
    )


def test_shares_that_are_even_by_chance_are_even_and_too_few_rows_tell_nothing():
    assert chance_of_even([3, 0], [4, 4]) == 1.0
    assert chance_of_even([0, 0], [50, 50]) == chance_of_even([], []) == 1.0
    assert 0.01 < chance_of_even([45, 55], [100, 100]) < 0.5
