"""What tells rows apart: the text of a key is its canonical JSON, and a row's number follows from its values alone."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from keepfit import digest, record
from keepfit.loop.keys import numbers_of, row_keys, shares
from keepfit.schema import Schema

TYPES = {"i": pl.Int64, "s": pl.String, "t": pl.Datetime("us", "UTC"), "b": pl.Boolean, "f": pl.Float64}
KNOWN = Schema((), "y", None, tuple(TYPES))
VALUES = (
    st.integers(-(2**63), 2**63 - 1),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(["", '"', "\\", "\n", "\x7f", "\u2028"]),
    st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001 - the bounds take no zone
    st.booleans(),
    st.floats(),
)
ROWS = st.lists(st.tuples(*(st.none() | values for values in VALUES)), max_size=6)


def table(rows):
    return pl.DataFrame(rows, schema=TYPES, orient="row")


@settings(deadline=None, max_examples=60)
@given(ROWS)
def test_a_key_s_text_is_its_canonical_json(rows):
    finite = [tuple(None if isinstance(value, float) and not math.isfinite(value) else value for value in row) for row in rows]
    assert row_keys(table(finite), KNOWN) == [digest.canonical(record.plain(list(row))) for row in finite]
    assert len(row_keys(table(rows), KNOWN)) == len(rows)


@settings(deadline=None, max_examples=60)
@given(ROWS, ROWS)
def test_a_row_s_number_does_not_depend_on_other_rows(rows, more):
    together = numbers_of(table(rows + more))
    assert together[: len(rows)].tolist() == numbers_of(table(rows)).tolist()
    same = {}
    for number, row in zip(together.tolist(), table(rows + more).iter_rows(), strict=True):
        key = tuple("nan" if isinstance(value, float) and math.isnan(value) else value for value in row)
        assert same.setdefault(key, number) == number
    assert len(set(same.values())) == len(same)


#: Splits of projects that are years old rest on these.
NUMBERS = [3420512943129018009, 7626337388391677402, 2861222122619853026]


def test_numbers_are_the_same_for_ever():
    rows = [(1, "ü", datetime(2024, 1, 1, tzinfo=UTC), True, 0.5), (None, None, None, None, None), (-1, "", None, False, -0.0)]
    assert numbers_of(table(rows)).tolist() == NUMBERS


def test_shares_are_spread_evenly_whatever_the_key():
    for keys in (np.arange(20_000), np.arange(20_000) * 1_000_000, np.arange(20_000) / 7):
        found = shares(numbers_of(pl.DataFrame({"key": keys})))
        counts = np.histogram(found, 10, (0, 1))[0]
        assert ((counts - 2000) ** 2 / 2000).sum() < 28  # chi-squared with 9 degrees of freedom, one in a thousand
        assert abs(np.corrcoef(found[1:], found[:-1])[0, 1]) < 0.03
