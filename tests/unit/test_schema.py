from __future__ import annotations

import pytest

from keepfit import schema
from keepfit.errors import Faults, UnknownColumn, UnknownKind, WrongValue
from keepfit.schema import Column, Declared, Schema
from keepfit.workspace import column_kinds

KINDS = column_kinds()
DTYPES = {"at": "instant", "seen": "instant", "n": "int", "x": "float", "small": "float32", "yes": "bool", "word": "text", "bad": "bool"}


def inferred(declared=None, *, key=("n",), time="at", target="bad"):
    nullable = {name: name == "x" for name in DTYPES}
    return schema.infer(DTYPES, nullable, KINDS, target=target, time=time, key=key, declared=declared or {})


def test_kinds_follow_from_the_stored_types():
    assert {column.name: column.kind for column in inferred().columns} == {
        "at": "moment", "seen": "moment",
        "n": "number", "x": "number", "small": "number", "yes": "boolean", "word": "category", "bad": "boolean",
    }  # fmt: skip


def test_features_are_what_is_known_before_the_decision_and_nobody_keeps_apart():
    declared = {"x": Declared(uses=("later",)), "word": Declared(uses=("protected",)), "yes": Declared(uses=("subject",))}
    known = inferred(declared)
    assert [column.name for column in known.features] == ["at", "small"]
    assert [column.name for column in inferred().features] == ["at", "x", "small", "yes", "word"]  # `seen` may lie after the decision
    assert [column.name for column in known.private] == ["yes", "word"]
    assert known["n"].uses == ("key",)
    assert known["bad"].uses == ("target",)
    assert known["x"].nullable


def test_a_dropped_column_is_named_and_left_out():
    known = inferred({"word": Declared(dropped=True)})
    assert known.dropped == ("word",)
    assert "word" not in [column.name for column in known.columns]


def test_everything_that_the_table_lacks_is_said_at_once():
    with pytest.raises(Faults) as caught:
        inferred({"wrod": Declared()}, key=("m",), time="when", target="worse")
    assert [type(fault) for fault in caught.value.faults] == [UnknownColumn] * 4
    assert [fault.at for fault in caught.value.faults] == [
        f"keepfit.toml: {place}" for place in ("problem.target", "problem.time", "problem.key", "columns.wrod")
    ]
    assert caught.value.faults[-1].fix == "did you mean 'word'?"


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("name", ["seen", "n", "x", "small", "yes", "word"])
def test_a_declared_kind_must_be_able_to_hold_the_column(kind, name):
    if DTYPES[name] in KINDS[kind].dtypes:
        assert inferred({name: Declared(kind)})[name].kind == kind
        return
    with pytest.raises(Faults) as caught:
        inferred({name: Declared(kind)})
    (fault,) = caught.value.faults
    assert isinstance(fault, WrongValue)
    assert fault.at == f"keepfit.toml: columns.{name}.kind"


def test_an_unknown_kind_is_said_with_a_near_match():
    with pytest.raises(Faults) as caught:
        inferred({"word": Declared("categroy")})
    assert [(type(fault), fault.fix) for fault in caught.value.faults] == [(UnknownKind, "did you mean 'category'?")]


def columns_of(**dtypes):
    return Schema(tuple(Column(name, "number", dtype, ("feature",), False) for name, dtype in dtypes.items()), "bad", None, ())


def test_columns_that_vanished_or_changed_their_type_stand_between_two_schemas():
    old = columns_of(a="int", b="float", c="text")
    assert schema.changes(old, columns_of(a="int", b="float", c="text", d="int")) == []
    assert [fault.at for fault in schema.changes(old, columns_of(a="float", c="text"))] == ["column a", "column b"]


def test_a_number_in_the_key_is_no_feature_until_the_owner_says_what_it_is():
    assert "n" not in [column.name for column in inferred({}).features]
    assert "n" in [column.name for column in inferred({"n": Declared(kind="category")}).features]
