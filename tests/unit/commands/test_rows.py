"""Rows as people write them on a command line."""

from __future__ import annotations

import pytest

from keepfit import errors
from keepfit.commands.rows import Written, typed, written

ROWS = [{"a": 1, "b": "x"}, {"a": 2, "b": None}]


def test_pairs_are_one_row_of_texts():
    assert written(["a=1", "b=x=y", "c="]) == Written([{"a": "1", "b": "x=y", "c": ""}], texts=True)


@pytest.mark.parametrize(
    "text",
    [
        '[{"a": 1, "b": "x"}, {"a": 2, "b": null}]',
        '{"a": 1, "b": "x"}\n\n{"a": 2, "b": null}\n',
        ' {"rows": [{"a": 1, "b": "x"}, {"a": 2, "b": null}]}',
    ],
)
def test_json_comes_as_a_list_in_lines_or_as_a_request(text, tmp_path):
    assert written([], read=lambda: text) == written(["-"], read=lambda: text) == Written(ROWS, texts=False)
    (tmp_path / "rows").write_text(text)
    assert written([str(tmp_path / "rows")]).rows == ROWS


def test_one_object_is_one_row_and_a_request_may_bring_ids():
    assert written([], read=lambda: '{"a": 1}').rows == [{"a": 1}]
    whole = written([], read=lambda: '{"rows": [{"a": 1}], "ids": ["x"], "subjects": ["anna"]}')
    assert (whole.ids, whole.subjects) == (["x"], ["anna"])


def test_csv_has_texts_and_a_mark_of_byte_order_is_no_part_of_a_name(tmp_path):
    (tmp_path / "rows.csv").write_bytes('\ufeffa,b\r\n1,"x, y"\r\n,\r\n'.encode())
    assert written([str(tmp_path / "rows.csv")]) == Written([{"a": "1", "b": "x, y"}, {"a": "", "b": ""}], texts=True)


def test_texts_become_what_their_columns_hold_and_others_stay():
    kinds = {"whole": "int", "part": "float32", "yes": "bool", "word": "text", "at": "instant", "who": "int"}
    columns = [{"name": name, "dtype": dtype, "uses": ["subject"] if name == "who" else []} for name, dtype in kinds.items()]
    row = {"whole": "07", "part": "1e3", "yes": "TRUE", "word": "12", "at": "2024-03-01T00:00Z", "who": "12", "other": "1"}
    assert typed([row], columns) == [{**row, "whole": 7, "part": 1000.0, "yes": True}]
    assert typed([{"whole": "1.5", "yes": "ja", "part": "x", "word": ""}], columns) == [
        {"whole": "1.5", "yes": "ja", "part": "x", "word": None}
    ]


@pytest.mark.parametrize(
    "arguments",
    [["a=1", "rows.csv"], ["rows.csv", "more.csv"], ["nothing-here.csv"], ["rows.parquet"]],
)
def test_arguments_that_are_no_rows_are_refused(arguments):
    with pytest.raises(errors.BadArgument) as raised:
        written(arguments)
    assert raised.value.fix


@pytest.mark.parametrize("text", ["", "a,b\n", "a,b\n1\n", "a,b\n1,2,3\n", "[]", "[1]", '{"a": 1', '{"a": 1}\n{"a": \n', '{"rows": []}'])
def test_text_that_holds_no_rows_is_refused(text):
    with pytest.raises(errors.BadArgument):
        written([], read=lambda: text)
