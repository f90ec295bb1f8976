"""Which rows develop a candidate and which test it, where there is no time."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from keepfit.loop.fit import places
from keepfit.loop.rows import known_rows
from keepfit.loop.take import take
from keepfit.workspace import Workspace

NOW = datetime(2024, 1, 1, tzinfo=UTC)
PROJECT = """
[problem]
name = "visits"
target = "bad"
key = ["visit"]

[data]
source = "visits.parquet"
"""
SUBJECT = "\n[columns]\nperson = { subject = true }\n"


@pytest.fixture
def split_of(tmp_path):
    """The rows of a table of visits with their places."""

    def make(visits, text=PROJECT):
        (tmp_path / "keepfit.toml").write_text(text)
        visits.write_parquet(tmp_path / "visits.parquet")
        ws = Workspace(tmp_path)
        taken = take(ws, now=NOW)
        rows = known_rows(ws, [taken], taken.schema, (False, True))
        return rows, places(ws, rows, taken.schema)

    return make


def visits(count):
    draw = np.random.default_rng(3)
    person = [f"p{number}" if number < 150 else None for number in draw.integers(0, 160, count)]
    return pl.DataFrame({"visit": range(count), "person": person, "x": draw.normal(size=count), "bad": draw.random(count) < 0.4})


def test_rows_of_one_subject_stay_together_and_stay_where_they_are(split_of):
    rows, spots = split_of(visits(2000), PROJECT + SUBJECT)
    assert spots.split.by == "subject"
    assert spots.test.mean() == pytest.approx(0.2, abs=0.1)
    parts = np.where(spots.test, -1, 0)
    for number in range(spots.folds):
        _, check = spots.fold(number)
        parts = np.where(check, number + 1, parts)
    assert set(parts.tolist()) == {-1, 1, 2, 3}
    of_subject = {}
    for subject, part in zip(rows.subject.tolist(), parts.tolist(), strict=True):
        of_subject.setdefault(subject, set()).add(part)
    assert all(len(found) == 1 for found in of_subject.values())
    assert len(of_subject) > 150  # those without a subject stand alone
    more, later = split_of(visits(3000), PROJECT + SUBJECT)
    placed = dict(zip(rows.subject.tolist(), spots.test.tolist(), strict=True))
    assert all(placed.get(subject, test) == test for subject, test in zip(more.subject.tolist(), later.test.tolist(), strict=True))


def test_without_time_and_subject_a_row_s_place_follows_from_its_key(split_of):
    rows, spots = split_of(visits(1000))
    assert spots.split.by == "key"
    mixed, again = split_of(visits(1000).sample(fraction=1.0, shuffle=True, seed=1))
    assert dict(zip(rows.frame["visit"], spots.test.tolist(), strict=True)) == dict(
        zip(mixed.frame["visit"], again.test.tolist(), strict=True)
    )


def test_a_table_without_key_that_holds_what_is_no_number_is_split(split_of):
    odd = visits(1000).with_columns(x=pl.when(pl.col("visit") % 3 == 0).then(float("nan")).otherwise(float("inf")))
    _, spots = split_of(odd.drop("visit").with_row_index("n"), PROJECT.replace('key = ["visit"]', ""))
    assert 0.1 < spots.test.mean() < 0.3
