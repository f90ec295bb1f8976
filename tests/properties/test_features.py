"""One plan, two executions: what a table gives and what a request gives are equal to the last bit."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import msgspec
import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from keepfit import features
from keepfit.errors import BadRequest, TooFewRows
from keepfit.profile import profile
from keepfit.record import text
from keepfit.request import as_request
from keepfit.schema import Column
from keepfit.workspace import column_kinds

KINDS = column_kinds()
TYPES = {
    "int": pl.Int64,
    "float": pl.Float64,
    "float32": pl.Float32,
    "bool": pl.Boolean,
    "text": pl.String,
    "instant": pl.Datetime("us", "UTC"),
}
HELD = {
    "int": st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 3),
    "float": st.floats() | st.sampled_from([0.0, -0.0, 0.1, 5e-324, sys.float_info.max, -sys.float_info.max, 1e16]),
    "float32": st.floats(width=32) | st.sampled_from([0.1, -0.0, 1e38, -1e38, 1e-45]),
    "bool": st.booleans(),
    "text": st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
    | st.sampled_from(["", " ", "0", "true", "é", "e\u0301", "\0", "a" * 300]),
    "instant": st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999_999), timezones=st.just(UTC))  # noqa: DTZ001
    | st.sampled_from([datetime(1970, 1, 1, tzinfo=UTC), datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC)]),
}
COMBINATIONS = [(kind, dtype) for kind, behaviour in sorted(KINDS.items()) for dtype in sorted(behaviour.dtypes)]
STYLES = ["trees", "linear"]
ENOUGH = 10  # a category needs this many rows for a code of its own


@st.composite
def tables(draw):
    """A column for each of some combinations, with training rows and later rows that hold seen and unseen values."""
    chosen = draw(st.lists(st.sampled_from(COMBINATIONS), min_size=1, max_size=4))
    columns, training, later = [], {}, {}
    for number, (kind, dtype) in enumerate(chosen):
        name = f"{kind} {number}"
        columns.append(Column(name, kind, dtype, ("feature",), True))
        seen = draw(st.lists(st.none() | HELD[dtype], min_size=3, max_size=6))
        training[name] = (seen * 6)[:6] * ENOUGH
        later[name] = draw(st.lists(st.none() | HELD[dtype] | st.sampled_from(seen), min_size=4, max_size=4))
    types = {column.name: TYPES[column.dtype] for column in columns}
    return columns, pl.DataFrame(training, schema=types), pl.DataFrame(later, schema=types)


def learned(columns, training, style):
    try:
        return features.learn(training, columns, style, KINDS)
    except TooFewRows:
        assume(False)


def assert_same_bits(row, buffer):
    ours, theirs = np.asarray(row), np.frombuffer(buffer)
    same = (ours.view(np.int64) == theirs.view(np.int64)) | (np.isnan(ours) & np.isnan(theirs))
    assert same.all(), (ours, theirs)


@pytest.mark.parametrize("style", STYLES)
@given(tables())
def test_a_table_and_a_request_are_encoded_alike_to_the_last_bit(style, given_tables):
    columns, training, later = given_tables
    plan = learned(columns, training, style)
    buffer, write = features.row_writer(plan, KINDS)
    for frame in (training.head(6), later):
        encoded = features.matrix(plan, frame, KINDS)
        assert encoded.shape == (frame.height, len(plan.names))
        for number, row in enumerate(frame.iter_rows(named=True)):
            request = as_request(row)
            write(request)
            assert_same_bits(encoded[number], buffer)
            write(msgspec.json.decode(msgspec.json.encode(request)))
            assert_same_bits(encoded[number], buffer)
            write({name: value for name, value in request.items() if value is not None})
            assert_same_bits(encoded[number], buffer)


@given(tables())
def test_a_linear_encoding_is_finite_and_a_tree_s_has_no_infinity(given_tables):
    columns, training, later = given_tables
    assert np.isfinite(features.matrix(learned(columns, training, "linear"), later, KINDS)).all()
    assert not np.isinf(features.matrix(learned(columns, training, "trees"), later, KINDS)).any()


@pytest.mark.parametrize("style", STYLES)
@given(tables())
def test_a_plan_and_a_profile_are_plain_data_that_reads_back_equal(style, given_tables):
    columns, training, later = given_tables
    plan = learned(columns, training, style)
    assert (
        features.matrix(msgspec.convert(msgspec.to_builtins(plan), features.Plan), later, KINDS).tobytes()
        == features.matrix(plan, later, KINDS).tobytes()
    )
    text(plan)
    reference = profile(training, columns, KINDS)
    current = profile(later, columns, KINDS, like=reference)
    text(reference)
    text(current)
    for column in columns:
        first, second = dict(reference.columns[column.name]), dict(current.columns[column.name])
        for before, after in ((first, first), (first, second)):
            bins = KINDS[column.kind].beside(before, after)
            assert len(bins[0]) == len(bins[1])
            assert sum(bins[1]) == after["count"]["rows"] - after["count"]["missing"]


@given(st.lists(st.tuples(*(st.none() | HELD[dtype] for dtype in TYPES)), max_size=5))
def test_a_request_holds_what_json_can_carry(rows):
    frame = pl.DataFrame(rows, schema=TYPES, orient="row")
    for row in frame.iter_rows(named=True):
        request = as_request(row)
        assert msgspec.json.decode(msgspec.json.encode(request)) == request


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["1", "1.5", "true", "null", "2013-03-01"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
ONE_OF_EACH = [Column(f"{kind} {dtype}", kind, dtype, ("feature",), True) for kind, dtype in COMBINATIONS]
TWO = {
    "int": [1, 2],
    "float": [1.5, 2.5],
    "float32": [1.5, 2.5],
    "bool": [True, False],
    "text": ["a", "b"],
    "instant": [datetime(2013, 3, 1, tzinfo=UTC), datetime(2013, 3, 2, tzinfo=UTC)],
}
TRAINING = pl.DataFrame(
    {column.name: TWO[column.dtype] * 10 for column in ONE_OF_EACH}, schema={column.name: TYPES[column.dtype] for column in ONE_OF_EACH}
)


@pytest.mark.parametrize("style", STYLES)
@given(st.sampled_from([column.name for column in ONE_OF_EACH]), JSON)
def test_a_value_of_the_wrong_type_is_a_bad_request_and_nothing_else(style, name, value):
    _, write = features.row_writer(learned(ONE_OF_EACH, TRAINING, style), KINDS)
    try:
        write({name: value})
    except BadRequest as error:
        assert error.at == name
        assert name in error.message
        assert len(error.message) < 120  # it says what is expected and never shows the value


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((f"number {dtype}", value) for dtype in ("int", "float", "float32", "bool") for value in ("1", "1.5", "true", "", [1], {"a": 1})),
        *((f"{kind} text", value) for kind in ("category", "text") for value in (1, 1.5, True, ["a"], {})),
        *(("category int", value) for value in ("1", 1.5, float("nan"), float("inf"), True, [1])),
        *((f"{kind} bool", value) for kind in ("boolean", "category") for value in ("true", 1, 1.0, [True])),
        *(("moment instant", value) for value in ("2013-03-01T00:00", "yesterday", "", 1.5, True, "0001-01-01T00:00+23:00", [], "2013")),
    ],
)
def test_numbers_as_text_and_other_wrong_types_are_bad_requests(style, name, value):
    _, write = features.row_writer(learned(ONE_OF_EACH, TRAINING, style), KINDS)
    with pytest.raises(BadRequest):
        write({name: value})


def test_what_training_did_not_see_is_warned_of_once_for_each_column():
    _, write = features.row_writer(learned(ONE_OF_EACH, TRAINING, "trees"), KINDS)
    whole = as_request(TRAINING.row(0, named=True))
    assert write(whole) == []
    assert write(whole | {"category text": "c", "category int": 7}) == [
        "'category int' is a category that training did not see, or rarely",
        "'category text' is a category that training did not see, or rarely",
    ]
    assert write({}) == []


def test_a_column_in_which_nothing_varies_is_left_out():
    constant = {name: [values[0]] * len(values) for name, values in TRAINING.to_dict(as_series=False).items()}
    with pytest.raises(TooFewRows):
        features.learn(pl.DataFrame(constant, schema=TRAINING.schema), ONE_OF_EACH, "trees", KINDS)
    empty = pl.DataFrame({name: [None] * 20 for name in TRAINING.columns}, schema=TRAINING.schema)
    with pytest.raises(TooFewRows):
        features.learn(empty, ONE_OF_EACH, "linear", KINDS)
