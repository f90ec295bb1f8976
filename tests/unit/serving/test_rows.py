"""Rows as JSON brings them: whole and broken numbers, names of any kind, what counts of what stands twice."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepfit import digest
from keepfit.errors import BadRequest
from keepfit.schema import Column
from keepfit.serving.rows import Rows


@pytest.fixture
def release(trees):
    return trees.release


@pytest.fixture
def rows(release):
    return Rows(release)


def values(rows, asked):
    return [dict(zip(rows.names, msgspec.structs.astuple(row), strict=True)) for row in asked]


def test_a_whole_number_may_be_written_as_a_fraction_and_is_kept_whole(rows, row):
    (found,) = values(rows, rows.decode(json.dumps({"rows": [row | {"stock": 3.0, "order": 1001}]}).encode()).rows)
    assert (found["stock"], type(found["stock"])) == (3, int)
    assert type(found["price"]) is float


@pytest.mark.parametrize("number", ["9223372036854775808", "-9223372036854775809", "1e19", "123456789012345678901234567890", "1.5"])
def test_a_whole_number_beyond_64_bits_or_with_a_fraction_is_refused(rows, row, number):
    text = json.dumps({"rows": [row, row | {"order": "X"}]}).replace('"X"', number)
    with pytest.raises(BadRequest, match="64 bits") as caught:
        rows.decode(text.encode())
    assert caught.value.at == "rows[1].order"
    assert number not in str(caught.value)


def test_a_fraction_may_be_as_large_as_a_float_and_no_larger(rows, row):
    text = json.dumps({"rows": [row | {"price": "X"}]}).replace('"X"', "1" + "0" * 308)
    assert values(rows, rows.decode(text.encode()).rows)[0]["price"] == 1e308
    with pytest.raises(BadRequest) as caught:
        rows.decode(text.replace("0" * 308, "0" * 309).encode())
    assert caught.value.at == "rows[0].price"


def test_of_a_name_that_stands_twice_the_last_one_counts(rows, row):
    text = json.dumps({"rows": [row]}).replace('"stock": 3', '"stock": 3, "stock": 4')
    assert values(rows, rows.decode(text.encode()).rows)[0]["stock"] == 4
    text = json.dumps({"rows": [row]})[:-1] + ', "rows": []}'
    assert rows.decode(text.encode()).rows == []


@pytest.mark.parametrize("name", ["a.b", "with space", "class", "`tick`", "ünï", "", "rows[0].x", '"quoted"', "\n", "\x00", "long" * 100])
def test_a_column_may_have_any_name_and_a_fault_in_it_is_placed(release, row, name):
    column = Column(name, "number", "float", ("feature",), False)
    rows = Rows(replace(release, columns=(*release.columns, column), inputs=(*release.inputs, name)))
    whole = row | {name: 2.5}
    assert values(rows, rows.decode(json.dumps({"rows": [whole]}).encode()).rows)[0][name] == 2.5
    for wrong in (row, row | {name: "4711"}):
        with pytest.raises(BadRequest) as caught:
            rows.decode(json.dumps({"rows": [whole, wrong]}).encode())
        assert caught.value.at == f"rows[1].{name}"
        assert "4711" not in str(caught.value)


def test_what_another_release_takes_besides_may_stand_in_a_row_and_need_not(release, row):
    extra = Column("extra", "number", "int", ("feature",), False)
    other = replace(release, columns=(*release.columns[1:], replace(release.columns[0], dtype="text"), extra), inputs=("extra",))
    rows = Rows(release, [other])
    assert values(rows, rows.decode(json.dumps({"rows": [row | {"extra": 5}]}).encode()).rows)[0]["extra"] == 5
    (found,) = values(rows, rows.decode(json.dumps({"rows": [row]}).encode()).rows)
    assert found["extra"] is None
    with pytest.raises(BadRequest):  # where two releases differ, the champion's type counts
        rows.decode(json.dumps({"rows": [row | {release.columns[0].name: "text"}]}).encode())


def test_rows_of_another_form_may_hold_what_is_not_finite_as_missing(rows, row):
    (found,) = values(rows, rows.convert([row | {"size": math.nan, "price": -math.inf}]))
    assert (found["size"], found["price"]) == (None, None)
    with pytest.raises(BadRequest) as caught:
        rows.convert([row, row | {"price": "10.1"}])
    assert caught.value.at == "rows[1].price"


keys = st.lists(st.one_of(st.integers(-(2**63), 2**63 - 1), st.booleans(), st.text(alphabet=st.characters(exclude_categories=["Cs"]))))


@given(keys)
def test_a_key_of_texts_and_whole_numbers_has_its_canonical_text(key):
    assert msgspec.json.encode(key).decode() == digest.canonical(key)
