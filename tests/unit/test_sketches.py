from __future__ import annotations

import json
import math
import statistics
import sys
from collections import Counter
from itertools import chain, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepfit import plugin
from keepfit.sketches.count import Count
from keepfit.sketches.distinct import Distinct
from keepfit.sketches.histogram import Histogram, edges_of
from keepfit.sketches.moments import Moments
from keepfit.sketches.names import KEPT, Names
from keepfit.sketches.quantiles import Quantiles

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
PARTS = st.lists(st.lists(NUMBERS, max_size=20), min_size=1, max_size=6)


def folded(sketch, states):
    together = states[0]
    for state in states[1:]:
        together = sketch.merge(together, state)
    return together


def ordered(numbers):
    return np.sort(np.asarray(numbers, dtype=np.float64))


def test_every_sketch_is_found_by_its_name():
    found = {name: plugin.find("sketches", name) for name in plugin.kinds("sketches")}
    assert set(found.values()) == {Count, Distinct, Histogram, Moments, Names, Quantiles}
    assert all(kind.name == name and kind.version == 1 for name, kind in found.items())


@given(PARTS)
def test_moments_of_parts_are_those_of_the_whole_up_to_rounding(parts):
    whole, merged = Moments().of(ordered([*chain(*parts)])), folded(Moments(), [Moments().of(ordered(part)) for part in parts])
    assert merged["rows"] == whole["rows"]
    assert (merged["least"], merged["most"]) == (whole["least"], whole["most"])
    if whole["rows"] == 0:
        assert merged["mean"] is merged["deviation"] is None
        return
    largest = max(abs(whole["least"]), abs(whole["most"]))
    for name in ("mean", "deviation"):
        assert math.isfinite(merged[name])
        assert abs(merged[name] / 2 - whole[name] / 2) <= max(1e-14 * largest, 1e-320)


@pytest.mark.parametrize("scale", [1.0, 1e-300, 1e300, sys.float_info.max, 5e-324])
def test_moments_neither_overflow_nor_vanish(scale):
    held = folded(Moments(), [Moments().of(np.array([-scale, scale])), Moments().of(np.array([scale, scale]))])
    assert held["mean"] == pytest.approx(scale / 2, rel=1e-12) if scale > 1e-310 else held["mean"] <= scale
    assert held["deviation"] == pytest.approx(scale * math.sqrt(0.75), rel=1e-12) if scale > 1e-310 else held["deviation"] <= scale


def test_moments_are_those_of_the_standard_library():
    numbers = np.random.default_rng(0).lognormal(3, 1, 1000)
    held = Moments().of(numbers)
    assert held["mean"] == pytest.approx(statistics.fmean(numbers), rel=1e-14)
    assert held["deviation"] == pytest.approx(statistics.pstdev(numbers), rel=1e-12)


@given(PARTS, st.lists(NUMBERS, max_size=8, unique=True))
def test_histograms_of_parts_on_the_same_edges_add_up_exactly(parts, edges):
    edges = sorted({edge + 0.0 for edge in edges})
    merged = folded(Histogram(), [Histogram().of(ordered(part), edges) for part in parts])
    assert merged == Histogram().of(ordered([*chain(*parts)]), edges)
    bounds = [-math.inf, *edges, math.inf]
    known = [sum(low <= number < high for part in parts for number in part) for low, high in pairwise(bounds)]
    assert merged["counts"] == known


@given(st.lists(NUMBERS, max_size=40), st.lists(NUMBERS, max_size=40))
def test_histograms_on_different_edges_meet_exactly_on_those_that_both_have(first, second):
    one, other = (Histogram().of(ordered(part), edges_of(ordered(part))) for part in (first, second))
    merged = Histogram().merge(one, other)
    assert set(merged["edges"]) == set(one["edges"]) & set(other["edges"])
    assert merged == Histogram().of(ordered([*first, *second]), merged["edges"])
    assert Histogram().merge(other, one) == merged


def test_edges_cut_the_body_in_twentieths_and_the_tails_off():
    numbers = np.arange(10_000, dtype=np.float64)
    held = Histogram().of(numbers, edges_of(numbers))
    assert held["counts"] == [0, 50, 450, *[500] * 18, 450, 50, 0]
    assert edges_of(np.array([])) == []
    assert Histogram().of(np.array([2.0, 2.0]), edges_of(np.array([2.0, 2.0])))["counts"] == [0, 2, 0]
    assert edges_of(np.array([sys.float_info.max])) == [sys.float_info.max]


def true_rank_error(numbers, held, shares):
    """How many rows the sketch's quantiles are off, over the shares."""
    whole = ordered(numbers)
    worst = 0
    for share, number in zip(shares, Quantiles().at(held, shares), strict=True):
        wanted = share * (whole.size - 1)
        low, high = np.searchsorted(whole, number, side="left"), np.searchsorted(whole, number, side="right") - 1
        worst = max(worst, low - wanted, wanted - high)
    return worst


SHARES = [0, 0.005, 0.01, *(step / 20 for step in range(1, 20)), 0.99, 0.995, 1]
SHAPES = {
    "normal": lambda draw, rows: draw.normal(size=rows),
    "in order": lambda draw, rows: np.arange(rows, dtype=float),
    "falling": lambda draw, rows: np.arange(rows, 0, -1, dtype=float),
    "few values": lambda draw, rows: draw.integers(0, 7, rows).astype(float),
    "a long tail": lambda draw, rows: draw.pareto(0.5, rows),
    "a saw": lambda draw, rows: (np.arange(rows) % 1009).astype(float),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("rows", "part"), [(200, 50), (5000, 5000), (100_000, 997), (100_000, 65_536), (300_000, 131_072)])
def test_quantiles_keep_the_bound_that_they_state(shape, rows, part):
    numbers = SHAPES[shape](np.random.default_rng(rows), rows)
    held = folded(Quantiles(), [Quantiles().of(ordered(numbers[begin : begin + part])) for begin in range(0, rows, part)])
    error = true_rank_error(numbers, held, SHARES)
    assert held["rows"] == rows == sum(len(level) << at for at, level in enumerate(held["levels"]))
    assert error <= held["error"] + 2 ** len(held["levels"])  # the answer itself is one of the numbers that are kept
    assert error <= 0.01 * rows
    assert max(map(len, held["levels"])) <= 256
    assert len(json.dumps(held)) < 60_000


def test_quantiles_of_few_numbers_are_exact():
    numbers = np.random.default_rng(1).normal(size=256)
    held = Quantiles().of(ordered(numbers))
    assert held["error"] == 0
    assert Quantiles().at(held, [0, 1]) == [numbers.min(), numbers.max()]
    assert true_rank_error(numbers, held, [step / 255 for step in range(256)]) < 1


@given(st.lists(st.lists(st.integers(0, 30).map(str), max_size=40), min_size=1, max_size=6))
def test_names_within_their_number_are_counted_exactly(parts):
    merged = folded(Names(), [Names().of(Counter(part).most_common(), once=sum(n == 1 for n in Counter(part).values())) for part in parts])
    known = Counter(name for part in parts for name in part)
    assert dict(zip(merged["names"], merged["counts"], strict=True)) == known
    assert merged["other"] == merged["error"] == 0
    assert set(merged["over"]) <= {0}
    if len(parts) > 1:
        assert merged["once"] == sum(rows == 1 for rows in known.values())


def test_names_beyond_their_number_lie_in_the_intervals_that_are_stated():
    draw = np.random.default_rng(3)
    known, states = Counter(), []
    for _ in range(12):
        part = Counter(np.minimum(draw.zipf(1.2, 20_000), 10**9).astype(str).tolist())
        known += part
        kept = sorted(part.items(), key=lambda pair: (-pair[1], pair[0]))
        left = kept[KEPT:]
        states.append(
            Names().of(kept[:KEPT], other=sum(rows for _, rows in left), error=left[0][1], once=sum(r == 1 for r in part.values()))
        )
    held = folded(Names(), states)
    assert len(held["names"]) == KEPT
    assert sum(held["counts"]) + held["other"] == sum(known.values())
    for name, rows, over in zip(held["names"], held["counts"], held["over"], strict=True):
        assert rows <= known[name] <= rows + over
    unnamed = max(rows for name, rows in known.items() if name not in set(held["names"]))
    assert unnamed <= held["error"] <= 0.01 * sum(known.values())
    assert held["names"][:20] == [name for name, _ in sorted(known.items(), key=lambda pair: (-pair[1], pair[0]))[:20]]
    assert held["once"] >= sum(rows == 1 for rows in known.values())


@pytest.mark.parametrize("count", [0, 1, 10, 100, 1000, 5000, 12_000, 20_000, 100_000, 1_000_000])
def test_distinct_values_are_estimated_within_five_percent(count):
    numbers = np.random.default_rng(count).permutation(count).astype(np.float64) * 0.37 - 5
    held = Distinct().of_numbers(numbers)
    assert abs(Distinct().estimate(held) - count) <= max(0.05 * count, 1)
    if count <= 100_000:
        texts = Distinct().of_texts([f"order {number}" for number in range(count)])
        assert abs(Distinct().estimate(texts) - count) <= max(0.05 * count, 1)


def test_the_estimate_is_not_off_to_one_side():
    off = []
    for seed in range(40):
        numbers = np.random.default_rng(seed).normal(size=15_000)
        off.append(Distinct().estimate(Distinct().of_numbers(numbers)) / 15_000 - 1)
    assert abs(statistics.fmean(off)) < 0.01
    assert 0.008 < statistics.pstdev(off) < 0.026


@given(st.lists(NUMBERS, max_size=60), st.lists(NUMBERS, max_size=60), st.integers(1, 3))
def test_distinct_of_parts_is_exactly_that_of_the_whole(first, second, times):
    one, other = (Distinct().of_numbers(np.asarray(part, dtype=np.float64)) for part in (first, second * times))
    whole = Distinct().of_numbers(np.asarray([*second, *first], dtype=np.float64))
    assert Distinct().merge(one, other) == whole == Distinct().merge(other, one)


def test_distinct_registers_are_the_same_on_every_machine():
    assert Distinct().of_texts(["Köln", ""])["registers"] == Distinct().of_texts(["", "Köln", "Köln"])["registers"]
    assert Distinct().estimate(Distinct().of_numbers(np.array([0.0, -0.0]))) == 1
    held = Distinct().of_numbers(np.array([1.0, 2.0, 3.0]))["registers"]
    assert {place: letter for place, letter in enumerate(held) if letter != "A"} == GOLDEN


#: From the finaliser of SplitMix64 on the bits of 1.0, 2.0 and 3.0, worked out with Python's whole numbers.
def _golden():
    found = {}
    for number in (1.0, 2.0, 3.0):
        z = (np.float64(number).view(np.uint64).item() + 0x9E3779B97F4A7C15) % 2**64
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        z ^= z >> 31
        rest = z % 2**52 | 1
        found[z >> 52] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[52 - (rest.bit_length() - 1)]
    return found


GOLDEN = _golden()
