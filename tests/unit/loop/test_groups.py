from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from keepfit import errors
from keepfit.loop import groups
from keepfit.loop.take import take
from keepfit.workspace import Workspace


def named(values):
    return groups.names(pl.Series(values)).to_list()


def test_groups_are_named_as_the_values_are():
    assert named(["f", None, "m"]) == ["f", None, "m"]
    assert named([True, False, None]) == ["true", "false", None]
    assert named([1, 2, 2, None]) == ["1", "2", "2", None]
    assert named([1.0, 2.5, float("nan")]) == ["1", "2.5", None]


def test_numbers_of_many_values_are_cut_at_round_bounds():
    ages = [18 + number % 62 for number in range(620)]
    found = named([*ages, None])
    assert found[-1] is None
    assert set(found[:-1]) == {"below 30", "30 to below 42", "42 to below 55", "55 to below 67", "67 and above"}
    for age, name in zip(ages, found, strict=False):
        low, high = bounds(name)
        assert low <= age < high, (age, name)
    shares = [found.count(name) / len(ages) for name in set(found[:-1])]
    assert all(0.1 < share < 0.3 for share in shares)


def bounds(name):
    words = name.split()
    if words[0] == "below":
        return float("-inf"), float(words[1])
    return float(words[0]), float("inf") if words[-1] == "above" else float(words[-1])


@pytest.mark.parametrize("values", [[7.0] * 50, [0.0] * 40 + [float(n) for n in range(20)], [1e-9 * n for n in range(40)]])
def test_numbers_that_hardly_vary_still_make_groups(values):
    found = named(values)
    assert None not in found
    for value, name in zip(values, found, strict=True):
        if not name[0].isdigit() and not name.startswith("below"):
            continue
        if " " in name:
            low, high = bounds(name)
            assert low <= value < high


BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
GATE = '\n[gates]\nfair = { kind = "at_least", metric = "roc_auc", limit = 0.6, by = "%s" }\n'


def line_of(ws):
    return next(number for number, line in enumerate((ws.folder / "keepfit.toml").read_text().splitlines(), 1) if line.startswith("fair"))


def with_gate(project, gate):
    path = project().folder / "keepfit.toml"
    path.write_text(path.read_text() + gate)
    return Workspace(path.parent)


@pytest.mark.parametrize(
    ("column", "code", "says"),
    [
        ("gendr", "KF104", "no column 'gendr'"),
        ("email", "KF230", "is dropped"),
        ("notes", "KF230", "is dropped"),
        ("member", "KF230", "names subjects"),
        ("refund", "KF230", "known only after"),
        ("bad", "KF230", "known only after"),
        ("at", "KF230", "holds times"),
    ],
)
def test_a_gate_by_a_column_that_makes_no_groups_is_a_fault_with_its_place(project, column, code, says):
    ws = with_gate(project, GATE % column)
    with pytest.raises(errors.Faults) as found:
        groups.check_columns(ws, take(ws, now=BEGIN.replace(month=3)).schema)
    (fault,) = found.value.faults
    assert (fault.code, fault.at) == (code, f"keepfit.toml: line {line_of(ws)}: gates.fair.by")
    assert says in fault.message


@pytest.mark.parametrize("column", ["gender", "town", "amount"])
def test_private_columns_that_are_kept_make_groups(project, column):
    ws = with_gate(project, GATE % column)
    known = take(ws, now=BEGIN.replace(month=3)).schema
    groups.check_columns(ws, known)
    assert groups.columns(ws, known, full=False) == [column]
    assert groups.columns(ws, known, full=True) == list(dict.fromkeys([column, "gender"]))
