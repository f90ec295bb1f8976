from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from keepfit.errors import BadArgument, BadTarget, OneClass, Undecided, UnknownColumn
from keepfit.loop.draft import text_of
from keepfit.proposal import Answers, propose
from keepfit.spec.project import ProjectSpec
from keepfit.survey import survey
from keepfit.table import dtype_of, normal
from keepfit.workspace import column_kinds

ROWS = 300
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)


def suggested(table, said=None, **later):
    frame = normal(pl.DataFrame(table), "UTC")
    seen = survey(frame, {name: dtype_of(dtype) for name, dtype in frame.schema.items()}, column_kinds())
    return propose(frame, seen, said or Answers(), source="data/my table.csv", later=later)


@pytest.fixture
def orders():
    """Orders of customers: ids, people, two times, a target that the newest do not have yet."""
    draw = np.random.default_rng(1)
    hours = np.sort(draw.integers(0, 24 * 200, ROWS))
    ordered = [BEGIN + timedelta(hours=int(hour)) for hour in hours]
    returned = [bool(draw.random() < 0.2) if when < BEGIN + timedelta(days=190) else None for when in ordered]
    return {
        "order_id": [f"o{number}" for number in range(ROWS)],
        "customer.id": [f"c{number % 60}" for number in range(ROWS)],
        "contact": [f"p{number % 60}@example.org" for number in range(ROWS)],
        "Gender": ["f", "m", "x"] * (ROWS // 3),
        "ordered": ordered,
        "delivered": [when + timedelta(days=2) for when in ordered],
        "shop_no": draw.integers(1, 9, ROWS),
        "amount": draw.normal(50, 9, ROWS),
        "returned late": returned,
    }


def test_a_table_of_orders_is_understood(orders):
    found = suggested(orders)
    assert (found.target, found.task, found.positive, found.time) == ("returned late", "binary", True, "ordered")
    assert found.key == ("order_id",)
    assert found.name == "my-table"
    assert str(found.label_delay) == "14d"
    assert found.settings == {
        "customer.id": {"subject": True},
        "contact": {"personal": True},
        "Gender": {"protected": True},
        "delivered": {"known": "later"},
        "shop_no": {"kind": "category"},
    }
    assert found.others == ()
    assert set(found.reasons) >= {f"columns.{name}" for name in found.settings}


def test_what_the_owner_said_is_taken_and_the_rest_follows_from_it(orders):
    said = Answers(target="amount", time="", key=("shop_no", "order_id"), name="x", value=(-2.0, -1.0))
    found = suggested(orders, said)
    assert (found.target, found.task, found.positive, found.time, found.key) == (
        "amount",
        "regression",
        None,
        None,
        ("shop_no", "order_id"),
    )
    assert found.value == {"over": -2.0, "under": -1.0}
    assert found.gates["steady"]["metric"] == "rmse"
    assert 0.01 < found.gates["steady"]["margin"] < 1


def test_columns_that_look_known_only_later_are_left_out_with_the_reason(orders):
    found = suggested(orders, amount="alone it ranks the target perfectly")
    assert found.settings["amount"] == {"known": "later"}
    assert found.reasons["columns.amount"] == "alone it ranks the target perfectly"


@pytest.mark.parametrize(
    ("said", "error", "says"),
    [
        (Answers(target="amuont"), UnknownColumn, "did you mean 'amount'?"),
        (Answers(target="ordered"), BadTarget, "holds times"),
        (Answers(target="contact"), BadTarget, "60 different texts"),
        (Answers(positive="maybe"), BadArgument, "no value 'maybe'"),
        (Answers(time="amount"), BadArgument, "does not hold times"),
        (Answers(label_delay="two days"), BadArgument, "is not a duration"),
        (Answers(key=("order", "shop_no")), UnknownColumn, "no column 'order'"),
        (Answers(value=(1.0,)), BadArgument, "--value 12,-3"),
    ],
)
def test_what_the_owner_said_and_cannot_be_is_refused_with_a_remedy(orders, said, error, says):
    with pytest.raises(error, match=says):
        suggested(orders, said)


def test_a_target_that_cannot_be_learned_is_refused():
    with pytest.raises(OneClass):
        suggested({"a": range(9), "b": [1] * 9}, Answers(target="b"))
    with pytest.raises(BadTarget, match="empty in every row"):
        suggested({"a": range(9), "b": [None] * 9}, Answers(target="b"))
    with pytest.raises(Undecided):
        suggested({"when": [BEGIN + timedelta(days=day) for day in range(9)]})


@pytest.mark.parametrize(
    ("values", "task", "positive"),
    [
        ([0, 1], "binary", 1),
        ([0.0, 1.0], "binary", 1.0),
        (["no", "Yes"], "binary", "Yes"),
        ([True, False], "binary", True),
        ([1, 2, 2, 2], "binary", 1),
        (["a", "b", "c"], "multiclass", None),
        ([1, 2, 3], "multiclass", None),
        ([float(value) + 0.5 for value in range(30)], "regression", None),
        (list(range(30)), "regression", None),
    ],
)
def test_the_task_follows_from_the_target(values, task, positive):
    found = suggested({"x": np.arange(120) / 7, "outcome": (values * 120)[:120]})
    assert (found.target, found.task) == ("outcome", task)
    assert type(found.positive) is type(positive)
    assert found.positive == positive


def test_where_neither_name_nor_place_speaks_for_a_column_the_others_are_named():
    flags = np.random.default_rng(2).random((3, 60)) < 0.5
    found = suggested({"a": flags[0], "b": flags[1], "c": flags[2], "d": np.arange(60) / 3})
    assert {found.target, *found.others} >= {"a", "b", "c"}


def test_a_number_of_the_row_is_no_feature_and_no_target():
    found = suggested({"rownames": range(1, 61), "x": np.arange(60) % 7 / 2, "y": [0, 1] * 30})
    assert found.key == ("rownames",)
    timed = suggested(
        {"index": range(60), "shop": ["a", "b"] * 30, "day": [BEGIN + timedelta(days=n // 2) for n in range(60)], "y": [0, 1] * 30}
    )
    assert timed.key == ("shop", "day")
    assert timed.settings == {"index": {"ignore": True}}


def test_times_that_are_text_and_columns_that_never_change_are_noted():
    found = suggested({"day": ["01/02/2024", "03/02/2024"] * 30, "same": [1] * 60, "age": [3, 4] * 30, "late": [True, False] * 30})
    notes = "\n".join(found.notes)
    assert "day holds dates as text" in notes
    assert "the same in every row: same" in notes
    assert "age" in notes


def test_the_written_file_holds_whatever_the_columns_are_called():
    names = ['a.b "c" [d]', "e\nf = 1", "g#h", "ü ß", "", "'", "\\", "true"]
    table = {name: [f"t{number % 30}@example.org" for number in range(90)] for name in names}
    found = suggested(table | {"x\ty": np.arange(90) / 7, "late\n[model]": [True, False, False] * 30})
    said = tomllib.loads(text_of(found, timezone=False))
    spec = ProjectSpec.model_validate(said)
    assert spec.problem.target == "late\n[model]"
    assert {name for name, column in spec.columns.items() if column.personal} == set(names)
