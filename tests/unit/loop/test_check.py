"""Every take is checked against what was taken before, and what does not fit is data."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from keepfit import errors
from keepfit.inspection import Inspection
from keepfit.loop.check import check
from keepfit.loop.take import take

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
NOW = BEGIN + timedelta(days=30)
ORDER = pl.col("order")


@pytest.fixture
def checked(project, project_text):
    """The workspace of a project with further lines in `[checks]` and `[columns]`."""

    def make(frame, checks="", columns="", **changes):
        text = project_text.replace("[columns]", f"[checks]\n{checks}\n\n[columns]\n{columns}")
        for old, new in changes.items():
            text = text.replace(old, new)
        return project(frame, text)

    return make


def said(inspection):
    return [(one.check, one.column, one.policy, one.count, one.rows) for one in inspection.violations]


def rows_of(ws, taken):
    return ws.tables.read(taken.snapshot, list(taken.schema.columns))


def test_a_clean_table_is_said_to_be_clean(project):
    ws = project()
    taken = take(ws, now=NOW)
    assert taken.inspection == Inspection(40, 0, (), (), taken.inspection.suspicions)
    assert ws.artifacts.get_record(Inspection, taken.entry.body["artifacts"]["inspection"]) == taken.inspection
    assert take(ws, now=NOW).inspection == taken.inspection


def test_rows_that_break_a_rule_are_named_by_their_number_in_the_source(checked, orders):
    turned = orders.reverse()
    ws = checked(turned, columns="amount = { min = 1, max = 15 }")
    taken = take(ws, now=NOW)
    ((check_, column, policy, count, rows),) = said(taken.inspection)
    assert (check_, column, policy, count) == ("range", "amount", "warn", 9)
    assert [turned["order"][row - 1] for row in rows] == [39, 38, 37, 36, 34, 33, 32, 31, 1]
    assert taken.snapshot.rows == 40
    assert taken.entry.body["violations"] == [{"check": "range", "policy": "warn", "rows": 9}]


def test_quarantined_rows_are_left_out_and_kept_aside_every_time(checked, orders):
    ws = checked(orders, 'range = "quarantine"', "amount = { max = 15 }")
    taken = take(ws, now=NOW)
    assert (taken.snapshot.rows, taken.inspection.aside) == (32, 8)
    assert rows_of(ws, taken)["amount"].max() <= 15
    noted = taken.entry.body["aside"]
    (path,) = (ws.home / "tables" / "quarantine").glob("*.parquet")
    assert path.stat().st_mode & 0o777 == 0o600
    aside = pl.read_parquet(path)
    assert (noted["rows"], aside.height) == (8, 8)
    assert aside["keepfit row"].to_list() == [32, 33, 34, 35, 37, 38, 39, 40]
    assert "email" not in aside.columns
    assert not set(aside["member"]) & set(orders["member"])
    (path,) = (ws.home / "tables" / "violations").glob("*.parquet")
    assert pl.read_parquet(path).rows()[0][:2] == ("range", "amount")
    (ws.home / "cache.sqlite").unlink()
    assert take(ws, now=NOW).snapshot == taken.snapshot
    assert ws.ledger.head().seq == 1


@pytest.mark.parametrize(
    ("policy", "change", "error"),
    [
        ('range = "refuse"', {"amount": pl.when(ORDER == 3).then(99.0).otherwise("amount")}, errors.SchemaBroken),
        ('missing = "refuse"', {"town": pl.when(ORDER == 3).then(None).otherwise("town")}, errors.SchemaBroken),
        ('values = "refuse"', {"gender": pl.when(ORDER == 3).then(pl.lit("x")).otherwise("gender")}, errors.SchemaBroken),
        ("", {"order": pl.when(ORDER == 3).then(7).otherwise("order")}, errors.RepeatedKey),
        ("", {"order": pl.when(ORDER == 3).then(None).otherwise("order")}, errors.RepeatedKey),
        ("", {"at": pl.when(ORDER == 3).then(None).otherwise("at")}, errors.BadTime),
    ],
)
def test_what_is_refused_leaves_no_trace_and_names_the_rows(checked, orders, policy, change, error):
    text = {"gender = { protected = true }": 'gender = { protected = true, values = ["f", "m"] }'}
    text |= {"keep = true }": "keep = true, missing = 0 }"}
    ws = checked(orders.with_columns(**change), policy, "amount = { max = 50 }", **text)
    with pytest.raises(error) as caught:
        take(ws, now=NOW)
    assert "row 4" in str(caught.value) or "rows 4, 8" in str(caught.value)
    assert "99" not in str(caught.value)
    assert ws.ledger.head().seq == 0
    assert not list((ws.home / "tables").rglob("*.parquet"))


def test_several_refusals_are_said_together(checked, orders):
    broken = orders.with_columns(at=pl.when(ORDER == 3).then(None).otherwise("at"), order=pl.when(ORDER == 5).then(6).otherwise("order"))
    with pytest.raises(errors.Faults) as caught:
        take(checked(broken), now=NOW)
    assert {type(fault) for fault in caught.value.faults} == {errors.BadTime, errors.RepeatedKey}


def test_of_rows_with_one_key_the_first_stays_where_the_others_are_quarantined(checked, orders):
    again = orders.head(2).with_columns(amount=pl.lit(1.25))
    ws = checked(pl.concat([orders, again]), 'key = "quarantine"\ntime = "quarantine"')
    taken = take(ws, now=NOW)
    assert taken.snapshot.rows == 40
    assert 1.25 not in rows_of(ws, taken)["amount"].to_list()
    assert said(taken.inspection) == [("key", "order", "quarantine", 4, (1, 2, 41, 42))]


def test_every_row_left_out_is_no_table(checked, orders):
    with pytest.raises(errors.EmptyTable, match="every row of the table was left out"):
        take(checked(orders, 'range = "quarantine"', "order = { max = -1 }"), now=NOW)


def test_numbers_as_text_are_numbers_where_the_owner_says_so(checked, orders):
    text = orders.with_columns(amount=pl.when(ORDER == 3).then(pl.lit("n/a")).otherwise(pl.col("amount").cast(pl.String)))
    with pytest.raises(errors.SchemaBroken, match="'amount': 1 value not to be read as numbers: row 4") as caught:
        take(checked(text, columns='amount = { kind = "number" }'), now=NOW)
    assert "n/a" not in str(caught.value)
    taken = take(checked(text, 'kind = "warn"', 'amount = { kind = "number" }'), now=NOW)
    assert taken.schema["amount"].dtype == "float"
    assert said(taken.inspection) == [("kind", "amount", "warn", 1, (4,))]


def test_a_column_stays_what_it_was_when_one_value_turns_the_file_to_text(project, project_text, orders, tmp_path):
    ws = project(text=project_text.replace("orders.parquet", "orders.csv"))
    csv = orders.with_columns(pl.col("at").dt.strftime("%Y-%m-%d %H:%M"))
    csv.write_csv(tmp_path / "orders.csv")
    first = take(ws, now=NOW)
    assert first.schema["amount"].dtype == "float"
    grown = csv.with_columns(pl.col("amount").cast(pl.String)).with_columns(
        amount=pl.when(ORDER == 3).then(pl.lit("1,5")).otherwise("amount")
    )
    grown.write_csv(tmp_path / "orders.csv")
    with pytest.raises(errors.SchemaBroken, match="1 value not to be read as numbers: row 4"):
        take(ws, now=NOW)
    assert ws.ledger.head().seq == 1


def test_what_changed_since_the_last_snapshot_is_said(project, orders):
    take(project(), now=NOW)
    taken = take(project(orders.with_columns(weight=pl.lit(2.5), order=ORDER)), now=NOW)
    assert taken.inspection.changes == ("new column 'weight' (number, float)",)


def test_a_column_that_is_gone_may_be_let_go(project, project_text, orders):
    take(project(), now=NOW)
    less = orders.drop("amount")
    with pytest.raises(errors.Faults, match="let it go"):
        take(project(less), now=NOW)
    text = project_text + "amount = { ignore = true }\n"
    for _ in range(2):
        taken = take(project(less, text), now=NOW)
        assert "amount" not in [column.name for column in taken.schema.columns]
    with pytest.raises(errors.Faults):
        take(project(less, project_text + "amonut = { ignore = true }\n"), now=NOW)


def test_rows_that_came_late_or_are_gone_are_said(project, orders):
    take(project(orders.filter(ORDER != 5)), now=BEGIN + timedelta(days=5))
    late = take(project(), now=BEGIN + timedelta(days=6))
    assert [(one.check, one.because) for one in late.inspection.violations] == [
        ("order", "1 row came late: before the newest time that was taken last")
    ]
    gone = take(project(orders.filter(ORDER > 2)), now=BEGIN + timedelta(days=7))
    assert [(one.check, one.count) for one in gone.inspection.violations] == [("order", 3)]


def test_an_ignored_column_may_hold_anything(project, project_text, orders):
    odd = orders.with_columns(notes=pl.concat_list("order", "order"))
    assert take(project(odd), now=NOW).snapshot.rows == 40
    with pytest.raises(errors.UnreadableTable, match="'notes' holds List"):
        take(project(odd, project_text.replace("notes = { ignore = true }\n", "")), now=NOW)


def test_a_check_writes_nothing(project):
    ws = project()
    ws.prepare()
    before = {path: path.stat().st_mtime_ns for path in ws.home.rglob("*")}
    check(ws, now=NOW)
    after = {path for path in ws.home.rglob("*") if "ledger" not in path.name}
    assert after <= set(before)
