from __future__ import annotations

import math
from array import array
from datetime import UTC, datetime, timedelta
from zlib import crc32

import numpy as np
import polars as pl
import pytest

from keepfit import schema
from keepfit.column import look
from keepfit.columns.boolean import Boolean
from keepfit.columns.category import Category
from keepfit.columns.moment import Moment
from keepfit.columns.number import Number
from keepfit.columns.text import Text
from keepfit.schema import Column, Declared, Schema
from keepfit.workspace import column_kinds

KINDS = column_kinds()
NOTES = ["the parcel came late again", "left at the door of a neighbour", "asked for another size of shoe", "was torn when it came here"]


def kind_of(values, declared=None, before=None):
    seen = {"c": look(pl.Series("c", values, dtype=pl.String))}
    known = schema.infer(
        {"c": "text", "y": "bool"}, {"c": False, "y": False}, KINDS,
        target="y", time=None, key=(), declared={"c": Declared(kind=declared)}, seen=seen, before=before,
    )  # fmt: skip
    return known["c"].kind


def test_text_is_long_of_several_words_and_seldom_repeated():
    written = [f"{note}, said customer {number}" for number, note in enumerate(NOTES * 25)]
    assert kind_of(written) == "text"
    assert kind_of([*written, None, None]) == "text"
    assert kind_of(NOTES * 25) == "category"  # four names, however long
    assert kind_of([f"{number:08x}-0000-4000-8000-{number:012x}" for number in range(100)]) == "category"  # identifiers
    assert kind_of(["EWR", "JFK", None]) == "category"
    assert kind_of(["a b c d"] * 3) == "category"
    assert kind_of([]) == kind_of([None, None]) == "category"
    assert kind_of(["x"], declared="text") == "text"
    assert kind_of(written, declared="category") == "category"


def test_a_text_column_stays_what_it_was_while_its_table_grows():
    was = Schema((Column("c", "text", "text", ("feature",), False), Column("y", "boolean", "bool", ("target",), False)), "y", None, ())
    assert kind_of(NOTES * 25, before=was) == "text"
    assert kind_of(NOTES * 25, declared="category", before=was) == "category"
    changed = Schema((Column("c", "number", "int", ("feature",), False),), "y", None, ())
    assert kind_of(NOTES * 25, before=changed) == "category"


def test_looking_at_text_reads_ten_thousand_rows_at_most_from_all_over():
    values = pl.Series("c", ["a"] * 50_000 + [f"some other words {number}" for number in range(50_000)])
    seen = look(values)
    assert seen.distinct == pytest.approx(0.5, abs=0.01)
    assert seen.words == pytest.approx(2.5, abs=0.01)


def test_missing_truth_values_are_missing_for_trees_and_average_for_linear_models():
    values = pl.Series([True, True, True, False, None])
    trees, linear = Boolean().learn(values, "trees"), Boolean().learn(values, "linear")
    assert Boolean().matrix(trees, values)[:, 0].tolist()[:4] == [1.0, 1.0, 1.0, 0.0]
    assert math.isnan(Boolean().matrix(trees, values)[4, 0])
    assert Boolean().names("yes", linear) == ["yes", "yes is missing"]
    assert Boolean().matrix(linear, values)[4].tolist() == [0.75, 1.0]
    assert Boolean().names("yes", Boolean().learn(values.drop_nulls(), "linear")) == ["yes"]


def days(count, step=1.0):
    return pl.Series(
        [datetime(2013, 1, 1, 6, 30, tzinfo=UTC) + timedelta(days=step * day) for day in range(count)], dtype=pl.Datetime("us", "UTC")
    )


def test_the_place_in_the_year_is_learned_once_two_years_were_seen():
    assert Moment().learn(days(700), "trees") == {"style": "trees", "parts": ["weekday"]}  # always at half past six
    assert Moment().learn(days(700, 0.9), "trees")["parts"] == ["minute", "weekday"]
    assert Moment().learn(days(731), "trees")["parts"] == ["weekday", "day of year"]
    state = Moment().learn(days(800, 0.99), "linear")
    assert Moment().names("at", state)[-2:] == ["at year sine", "at year cosine"]
    assert len(Moment().names("at", state)) == 11


def test_a_date_has_the_same_day_of_the_year_in_every_year():
    state = {"style": "trees", "parts": ["day of year"]}
    every = pl.datetime_range(datetime(1, 1, 1), datetime(9999, 12, 31), "1d", time_zone="UTC", eager=True)  # noqa: DTZ001
    place = Moment().matrix(state, every)[:, 0]
    leap = every.dt.is_leap_year().to_numpy()
    ordinal, month = every.dt.ordinal_day().to_numpy(), every.dt.month().to_numpy()
    assert (place == np.where(~leap & (month > 2), ordinal, ordinal - 1)).all()


def test_cycles_meet_at_their_ends():
    state = {"style": "linear", "parts": ["minute", "day of year"]}
    ends = pl.Series([datetime(2013, 12, 31, 23, 59, tzinfo=UTC), datetime(2014, 1, 1, tzinfo=UTC)], dtype=pl.Datetime("us", "UTC"))
    late, early = Moment().matrix(state, ends)
    assert np.abs(late - early).max() < 0.02


def test_a_state_that_names_no_parts_has_the_minute_and_the_weekday():
    assert Moment().names("at", {"style": "trees"}) == ["at minute of day", "at weekday"]
    buffer = array("d", [0.0, 0.0])
    Moment().writer({"style": "trees"}, "instant", 0)("2013-03-01T05:15Z", buffer, [])
    assert buffer.tolist() == [315.0, 4.0]


def test_instants_of_any_stored_unit_and_zone_are_read_alike():
    micro = days(10, 0.3)
    nano = micro.dt.cast_time_unit("ns").dt.convert_time_zone("America/New_York")
    state = Moment().learn(micro, "trees")
    assert (Moment().matrix(state, micro) == Moment().matrix(state, nano)).all()


def test_the_most_frequent_categories_get_codes_and_ties_go_by_the_alphabet():
    draw = np.random.default_rng(0)
    frequent = [f"name {number:04}" for number in range(1500) for _ in range(10 + (number < 200))]
    rare = [f"rare {number}" for number in range(500)]
    values = pl.Series(draw.permutation([*frequent, *rare]).tolist())
    kept = Category().learn(values, "trees")["kept"]
    assert kept == [f"name {number:04}" for number in range(1000)]
    assert len(Category().learn(values, "linear")["kept"]) == 60
    assert Category().learn(pl.Series(rare), "trees") is None


def test_a_column_of_a_million_names_is_learned_and_profiled_within_bounds():
    values = pl.Series(range(300_000)).cast(pl.String)
    assert Category().learn(values, "trees") is None
    held = Category().sketch(values, None)
    assert len(held["names"]["names"]) == 1000
    assert (held["names"]["other"], held["names"]["error"], held["names"]["once"]) == (299_000, 1, 300_000)


def encoded(values, style="trees"):
    series = pl.Series(values, dtype=pl.String)
    return Text().matrix(Text().learn(pl.concat([series, pl.Series(["x", "y"])]), style), series)


def test_text_is_counted_in_lower_case_and_without_what_lies_between_words():
    one, other, third = encoded(["Late, again!", "late   AGAIN", "again late"])
    assert one.tolist() == other.tolist()
    assert one.sum() == 2 + 1 + 4 + 5  # words, one pair, runs of three letters
    assert one.tolist() != third.tolist()  # pairs of words keep their order


def test_texts_that_share_words_are_nearer_than_others():
    first, second, far = encoded(["the bag was lost at the gate", "my bag was lost", "excellent coffee, thank you"], "linear")
    assert np.linalg.norm(first) == pytest.approx(1)
    assert first @ second > 2 * (first @ far)


def test_missing_and_empty_texts_are_told_apart_for_trees():
    missing, empty = encoded([None, ""])
    assert np.isnan(missing).all()
    assert not empty.any()
    assert not encoded([None, ""], "linear").any()


def test_a_hash_is_the_same_on_every_machine():
    [row] = encoded(["Straße"])
    grams = ["<st", "str", "tra", "raß", "aße", "ße>"]
    places = {crc32("straße".encode()) % 32, *(32 + crc32(gram.encode()) % 32 for gram in grams)}
    assert set(np.flatnonzero(row).tolist()) == places


def test_numbers_claim_no_truth_values_and_still_hold_them():
    assert not Number().claims("bool")
    assert "bool" in Number().dtypes
    assert Number().matrix({"style": "trees"}, pl.Series([True, False, None]))[:2, 0].tolist() == [1.0, 0.0]
