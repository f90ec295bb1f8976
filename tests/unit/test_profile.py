from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from keepfit import record
from keepfit.errors import NewerFormat
from keepfit.profile import Profile, merge, profile, profile_file
from keepfit.schema import Column
from keepfit.sketches.distinct import Distinct
from keepfit.sketches.quantiles import Quantiles
from keepfit.workspace import column_kinds

KINDS = column_kinds()
COLUMNS = [
    Column("number", "number", "float", ("feature",), True),
    Column("whole", "number", "int", ("feature",), False),
    Column("yes", "boolean", "bool", ("feature",), True),
    Column("name", "category", "text", ("feature",), True),
    Column("order", "category", "text", ("feature",), True),
    Column("note", "text", "text", ("feature",), True),
    Column("at", "moment", "instant", ("time", "feature"), False),
]
BEGIN = datetime(2013, 1, 1, tzinfo=UTC)
WORDS = np.array(["late", "again", "lost", "bag", "the", "gate", "closed", "early", "rain"])


def table(rows, seed=0):
    """Rows in time order whose numbers wander, as a table of a business does."""
    draw = np.random.default_rng(seed)
    number = draw.normal(np.linspace(0, 3, rows), 1)
    frame = pl.DataFrame(
        {
            "number": np.where(draw.random(rows) < 0.1, np.nan, number),
            "whole": draw.integers(0, 50, rows),
            "yes": draw.random(rows) < 0.3,
            "name": draw.choice(["EWR", "JFK", "LGA"], rows, p=[0.5, 0.3, 0.2]),
            "order": [f"o{number}" for number in draw.integers(0, 10 * rows, rows)],
            "note": [" ".join(draw.choice(WORDS, count)) for count in draw.integers(3, 9, rows)],
            "at": [BEGIN + timedelta(minutes=7 * number) for number in range(rows)],
        },
        schema_overrides={"at": pl.Datetime("us", "UTC")},
    )
    return frame.with_columns(pl.when(pl.col("whole") > 2).then(pl.col(name)).alias(name) for name in ("yes", "name", "note"))


def close(first, second):
    """Whether moments agree up to rounding."""
    return {name: pytest.approx(value, rel=1e-9) for name, value in first.items()} == second


def test_a_profile_is_plain_data_that_reads_back():
    made = profile(table(3000), COLUMNS, KINDS)
    assert record.read(Profile, record.text(made)) == made
    assert {name: set(held) for name, held in made.columns.items()} == {
        "number": {"count", "moments", "quantiles", "histogram", "distinct"},
        "whole": {"count", "moments", "quantiles", "histogram", "distinct"},
        "yes": {"count", "names"},
        "name": {"count", "names", "distinct"},
        "order": {"count", "names", "distinct"},
        "note": {"count", "moments", "quantiles", "histogram", "distinct"},
        "at": {"count", "moments", "quantiles", "histogram"},
    }


@pytest.mark.parametrize("sizes", [[1000, 1000, 1000], [1, 2500, 499], [0, 3000]])
def test_parts_like_one_profile_merge_into_that_of_the_whole(sizes):
    frame = table(3000)
    whole, ends = profile(frame, COLUMNS, KINDS), np.cumsum([0, *sizes])
    parts = [profile(frame[begin:end], COLUMNS, KINDS, like=whole) for begin, end in pairwise(ends)]
    together = parts[0]
    for part in parts[1:]:
        together = merge(together, part)
    assert together.rows == 3000
    for name, held in whole.columns.items():
        for sketch, state in held.items():
            found = together.columns[name][sketch]
            if sketch == "moments":
                assert close(state, found), (name, sketch)
            elif sketch == "names":
                assert (found["names"], found["counts"], found["other"]) == (state["names"], state["counts"], state["other"])
            elif sketch != "quantiles":
                assert found == state, (name, sketch)
    shares = [0.01, 0.25, 0.5, 0.75, 0.99]
    numbers = np.sort(frame["number"].drop_nans().to_numpy())
    for share, number in zip(shares, Quantiles().at(together.columns["number"]["quantiles"], shares), strict=True):
        assert abs(np.searchsorted(numbers, number) / numbers.size - share) < 0.01


@pytest.mark.parametrize("row_group", [500, 3000])
def test_a_small_file_has_the_profile_of_its_frame(tmp_path, row_group):
    frame = table(3000)
    frame.write_parquet(tmp_path / "a.parquet", row_group_size=row_group)
    assert profile_file(tmp_path / "a.parquet", COLUMNS, KINDS) == profile(frame, COLUMNS, KINDS)


def test_a_large_file_read_in_parts_has_the_counts_and_moments_of_its_frame(tmp_path, monkeypatch):
    monkeypatch.setattr("keepfit.profile._FIRST_LOOK", 4000)
    monkeypatch.setattr("keepfit.profile._BATCH", 1500)
    frame = table(20_000)
    frame.write_parquet(tmp_path / "a.parquet", row_group_size=1500)
    read, whole = profile_file(tmp_path / "a.parquet", COLUMNS, KINDS), profile(frame, COLUMNS, KINDS)
    assert (read.rows, read.columns.keys()) == (whole.rows, whole.columns.keys())
    for name, held in whole.columns.items():
        found = read.columns[name]
        assert found["count"] == held["count"]
        assert "moments" not in held or close(held["moments"], found["moments"])
        if "distinct" in held:
            assert found["distinct"] == held["distinct"]
    for name in ("number", "whole", "note"):
        found, numbers = read.columns[name], frame[name] if name != "note" else frame[name].str.len_chars()
        values = np.sort(numbers.drop_nulls().cast(float).drop_nans().to_numpy())
        edges = found["histogram"]["edges"]
        assert (
            found["histogram"]["counts"] == np.diff([0, *np.searchsorted(values, edges), values.size]).tolist()
        )  # exact, whatever the edges
        assert max(found["histogram"]["counts"]) < 0.2 * values.size  # and the edges are of the whole, not of its beginning
    assert read.columns["name"]["names"] == whole.columns["name"]["names"]
    assert abs(Distinct().estimate(read.columns["order"]["distinct"]) / frame["order"].n_unique() - 1) < 0.05


def test_files_are_read_as_one_table(tmp_path):
    frame = table(2000)
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    for path, part in zip(paths, (frame[:700], frame[700:]), strict=True):
        part.write_parquet(path)
    assert profile_file(paths, COLUMNS, KINDS) == profile(frame, COLUMNS, KINDS)
    reference = profile(frame[:700], COLUMNS, KINDS)
    for name in ("number", "name", "note"):
        read, held = (
            made.columns[name]
            for made in (profile_file(paths, COLUMNS, KINDS, like=reference), profile(frame, COLUMNS, KINDS, like=reference))
        )
        assert read == held


def test_an_empty_file_and_an_empty_frame_have_a_profile(tmp_path):
    frame = table(10)[:0]
    frame.write_parquet(tmp_path / "a.parquet")
    made = profile_file(tmp_path / "a.parquet", COLUMNS, KINDS)
    assert made == profile(frame, COLUMNS, KINDS)
    full = profile(table(50), COLUMNS, KINDS)
    assert merge(full, profile(frame, COLUMNS, KINDS, like=full)) == full


def test_only_columns_that_both_hold_are_merged_and_compared():
    frame = table(100)
    first, second = profile(frame, COLUMNS[:3], KINDS), profile(frame, COLUMNS[1:5], KINDS)
    assert list(merge(first, second).columns) == ["whole", "yes"]
    assert list(profile(frame, COLUMNS, KINDS, like=first).columns) == ["number", "whole", "yes"]


def test_a_profile_does_not_grow_with_the_rows():
    sizes = [len(record.text(profile(table(rows), COLUMNS, KINDS))) for rows in (20_000, 40_000)]
    assert sizes[1] < 1.2 * sizes[0] < 200_000


def test_a_sketch_of_a_newer_version_is_refused_when_it_is_merged():
    made = profile(table(10), COLUMNS[:1], KINDS)
    newer = replace(made, columns={"number": {**made.columns["number"], "count": {"version": 2}}})
    with pytest.raises(NewerFormat, match="'count' is of version 2"):
        merge(made, newer)


def test_a_profile_of_the_first_version_compares_with_one_of_today():
    frame = table(1000)
    in_bins = np.histogram(frame["whole"], [0, 10, 25, 99])[0].tolist()
    by_name = [int((frame["name"] == name).sum()) for name in ("EWR", "JFK", "LGA")]
    first = {
        "record": "profile",
        "version": 1,
        "rows": 1000,
        "columns": {
            "whole": {"rows": 1000, "missing": 0, "mean": 25.0, "edges": [10.0, 25.0], "counts": in_bins},
            "name": {"rows": 1000, "missing": frame["name"].null_count(), "names": ["EWR", "JFK"],
                     "counts": by_name[:2], "other": by_name[2]},
            "at": {"rows": 1000, "missing": 0, "counts": np.bincount(frame["at"].dt.hour(), minlength=24).tolist()},
        },
    }  # fmt: skip
    reference = record.read(Profile, json.dumps(first))
    current = profile(frame, COLUMNS, KINDS, like=reference)
    counts = {column.name: KINDS[column.kind].beside(held, current.columns[column.name])
              for column in COLUMNS if (held := reference.columns.get(column.name))}  # fmt: skip
    assert counts.keys() == {"whole", "name", "at"}
    assert all(first == second for first, second in counts.values())
    assert merge(reference, current).columns["name"]["count"]["rows"] == 2000
