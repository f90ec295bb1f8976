from __future__ import annotations

import polars as pl
import pytest

from keepfit.loop import groups


def named(values):
    return groups.names(pl.Series(values)).to_list()


def test_groups_are_named_as_the_values_are():
    assert named(["f", None, "m"]) == ["f", None, "m"]
    assert named([True, False, None]) == ["true", "false", None]
    assert named([1, 2, 2, None]) == ["1", "2", "2", None]


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
