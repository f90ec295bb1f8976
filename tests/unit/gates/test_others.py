from __future__ import annotations

import pytest
from pydantic import ValidationError

from keepfit.evaluation import Serving, unmeasured
from keepfit.gates.better_than_baseline import BetterThanBaseline
from keepfit.gates.better_than_champion import BetterThanChampion
from keepfit.gates.latency import Latency
from keepfit.gates.no_worse_than_champion import NoWorseThanChampion
from keepfit.gates.size import Size
from keepfit.gates.worst_slice import WorstSlice


def loss(value, *sums):
    return (value, value - 0.1, value + 0.1, sums or (0.0, 0.0))


@pytest.mark.parametrize(
    ("gain", "spread", "margin", "status"),
    [
        (0.02, 0.0, 0.0, "passed"),
        (0.02, 0.0, 0.03, "failed"),
        (0.0, 0.0, 0.0, "failed"),  # the same answers are no better
        (0.02, 2.0, 0.0, "undecided"),
        (-0.02, 0.0, 0.0, "failed"),
    ],
)
def test_better_than_champion_asks_for_a_gain_that_is_surely_above_its_margin(evaluation, gain, spread, margin, status):
    ours, theirs = evaluation(log_loss=loss(0.5 - gain, spread, -spread)), evaluation("c1", log_loss=loss(0.5))
    gate = BetterThanChampion(metric="log_loss", margin=margin)
    assert gate(ours, theirs).status == status
    assert gate(ours, None).status == "not_applicable"


@pytest.mark.parametrize("gate", [BetterThanChampion(metric="log_loss"), NoWorseThanChampion(metric="log_loss", margin=0.1)])
def test_too_few_common_rows_are_undecided_and_say_how_few(evaluation, gate):
    ours = evaluation(log_loss=loss(0.4))
    answer = gate(ours, unmeasured("c1", ours, "43 of the 400 test rows are new to the champion too, and 100 are needed"))
    assert answer.status == "undecided"
    assert answer.because == "43 of the 400 test rows are new to the champion too, and 100 are needed (c1)"
    assert answer.change == "take newer rows"


def beside(evaluation, mine, constant, last, **more):
    baselines = {"constant": {"log_loss": loss(*constant)}, "last_label": {"log_loss": loss(*last)}}
    return evaluation(baselines=baselines, log_loss=loss(*mine), **more)


def test_a_model_must_beat_every_baseline(evaluation):
    gate = BetterThanBaseline()
    answer = gate(beside(evaluation, (0.4,), (0.5,), (0.45,)), None)
    assert answer.status == "passed"
    assert answer.because == "log_loss: gain +0.0500 [+0.0500, +0.0500] over the last known label, the least of 2"
    answer = gate(beside(evaluation, (0.4,), (0.5,), (0.35,)), None)
    assert answer.status == "failed"
    assert answer.change == "even the good end of the gain over the last known label misses it by 0.05"
    answer = gate(beside(evaluation, (0.4, 5.0, -5.0), (0.5,), (0.45,)), None)
    assert answer.status == "undecided"
    assert "more rows (400 now) would settle it" in answer.change
    assert gate(evaluation(log_loss=loss(0.4)), None).status == "undecided"
    assert BetterThanBaseline(metric="roc_auc")(beside(evaluation, (0.4,), (0.5,), (0.45,)), None).status == "undecided"


@pytest.mark.parametrize(("theirs", "status"), [(0.41, "not_applicable"), (0.4, "not_applicable"), (0.39, "failed")])
def test_a_baseline_does_not_keep_a_champion_that_is_no_better(evaluation, theirs, status):
    ours = beside(evaluation, (0.4,), (0.5,), (0.35,))
    answer = BetterThanBaseline()(ours, beside(evaluation, (theirs,), (0.5,), (0.35,), name="c1"))
    assert answer.status == status


def test_a_slice_that_is_surely_far_behind_fails(evaluation):
    gate = WorstSlice(limit=0.1)
    behind = {"gate is B": (0.3, 0.2, 0.4), "visib is missing": (0.05, 0.0, 0.09)}
    answer = gate(evaluation(behind=behind, suspected=2), None)
    assert answer.status == "failed"
    assert "gate is B" in answer.because
    assert "visib" not in answer.because
    assert gate(evaluation(behind={"a": (0.05, 0.0, 0.09)}, suspected=1), None).status == "passed"
    assert gate(evaluation(behind={"a": (0.05, 0.0, 0.2)}, suspected=1), None).status == "undecided"


def test_slices_that_nobody_looked_for_or_could_measure_are_undecided_and_none_suspected_is_passed(evaluation):
    gate = WorstSlice(limit=0.1)
    assert gate(evaluation(suspected=0), None).status == "passed"
    assert gate(evaluation(), None).status == "undecided"
    answer = gate(evaluation(suspected=3), None)
    assert (answer.status, "3 of 3 suspected slices" in answer.because) == ("undecided", True)
    answer = gate(evaluation(behind={"a": (0.05, 0.0, 0.09)}, suspected=2), None)
    assert (answer.status, "1 of 2 suspected slices" in answer.because) == ("undecided", True)


def test_a_slice_does_not_keep_a_champion_that_is_no_less_behind_in_it(evaluation):
    ours = evaluation(behind={"a": (0.3, 0.2, 0.4), "b": (0.05, 0.0, 0.09)}, suspected=2)
    gate = WorstSlice(limit=0.1)
    assert gate(ours, evaluation("c1", behind={"a": (0.35, 0.2, 0.5)}, suspected=2)).status == "not_applicable"
    assert gate(ours, evaluation("c1", behind={"a": (0.25, 0.2, 0.5)}, suspected=2)).status == "failed"


def timed(slow, low, high, size=1000, rows=2000):
    return Serving(size, rows, slow / 2, slow, low, high)


@pytest.mark.parametrize(
    ("limit", "serving", "status"),
    [
        ("2ms", timed(1500, 1400, 1600), "passed"),
        ("1ms", timed(1500, 1400, 1600), "failed"),
        ("1500ms", timed(1500, 1400, 1600), "passed"),
        ("2ms", timed(1500, 1400, 2600), "undecided"),
        ("2ms", timed(1500, 1400, None, rows=50), "undecided"),
        ("1ms", timed(1500, 1400, None, rows=50), "failed"),
        ("2ms", None, "undecided"),
    ],
)
def test_the_slowest_of_a_hundred_answers_is_held_against_a_limit_with_its_interval(evaluation, limit, serving, status):
    answer = Latency(limit=limit)(evaluation(serving=serving), None)
    assert answer.status == status, answer.because


def test_latency_speaks_in_milliseconds_and_does_not_keep_a_slower_champion(evaluation):
    gate, ours = Latency(limit="1ms"), evaluation(serving=timed(1500, 1400, 1600))
    answer = gate(ours, None)
    assert answer.because == "99 of 100 answers take 1.5 ms [1.4 ms, 1.6 ms], at most 1 ms"
    assert answer.change == "even the good end of the interval misses the limit by 0.4 ms"
    assert gate(ours, evaluation("c1", serving=timed(1600, 1500, 1700))).status == "not_applicable"
    assert gate(ours, evaluation("c1", serving=timed(1450, 1300, 1500))).status == "failed"


@pytest.mark.parametrize(
    ("limit", "size", "status"),
    [("20MB", 20_000_000, "passed"), (20_000_000, 20_000_001, "failed"), ("512KiB", 524_289, "failed"), ("1.5 kB", 1500, "passed")],
)
def test_a_model_s_files_are_held_against_a_limit(evaluation, limit, size, status):
    assert Size(limit=limit)(evaluation(serving=timed(1, 1, 1, size)), None).status == status


def test_size_says_how_much_is_too_much_and_does_not_keep_a_larger_champion(evaluation):
    gate, ours = Size(limit="1MB"), evaluation(serving=timed(1, 1, 1, 1_250_000))
    answer = gate(ours, None)
    assert answer.because == "the model has 1.25 MB, at most 1 MB"
    assert answer.change.startswith("it is 250 kB too large")
    assert gate(ours, evaluation("c1", serving=timed(1, 1, 1, 1_250_000))).status == "not_applicable"
    assert gate(ours, evaluation("c1", serving=timed(1, 1, 1, 1_249_999))).status == "failed"
    assert gate(evaluation(), None).status == "undecided"


@pytest.mark.parametrize("limit", ["large", "20 XB", "-3MB", -1, 1.5, None])
def test_a_size_that_is_none_is_refused(limit):
    with pytest.raises(ValidationError):
        Size(limit=limit)
