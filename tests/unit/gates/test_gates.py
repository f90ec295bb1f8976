from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from keepfit import verdict
from keepfit.evaluation import Evaluation, Measured
from keepfit.gate import Outcome
from keepfit.gates.at_least import AtLeast
from keepfit.gates.at_most import AtMost
from keepfit.gates.no_worse_than_champion import NoWorseThanChampion
from keepfit.verdict import Verdict


def evaluation(name="c2", rows="b3:r", **metrics):
    """An evaluation on four rows in two clusters; a metric is (value, low, high) or (value, low, high, sums)."""
    measured = {
        metric: Measured(*given[:3], "higher" if metric == "roc_auc" else "lower", given[3] if len(given) > 3 else (0.0, 0.0))
        for metric, given in metrics.items()
    }
    return Evaluation(name, rows, 4, "day", 2, measured, {}, 0.5)


@pytest.mark.parametrize(
    ("low", "high", "says"),
    [
        (0.70, 0.80, "passed"),
        (0.65, 0.80, "passed"),  # the limit itself is on the right side
        (math.nextafter(0.65, 0), 0.80, "undecided"),
        (0.60, 0.65, "undecided"),
        (0.60, math.nextafter(0.65, 0), "failed"),
        (0.10, 0.20, "failed"),
        (None, None, "undecided"),  # of one cluster nothing is known
    ],
)
def test_at_least_looks_at_the_whole_interval(low, high, says):
    value = 0.7 if low is None else (low + high) / 2
    answer = AtLeast(metric="roc_auc", limit=0.65)(evaluation(roc_auc=(value, low, high)), None)
    assert answer.status == says, answer.because
    assert "roc_auc" in answer.because
    mirrored = AtMost(metric="log_loss", limit=-0.65)(
        evaluation(log_loss=(-value, None if high is None else -high, None if low is None else -low)), None
    )
    assert mirrored.status == says


@pytest.mark.parametrize(
    ("low", "high", "says"), [(0.01, 0.05, "passed"), (0.04, 0.06, "undecided"), (0.05, 0.06, "undecided"), (0.0501, 0.06, "failed")]
)
def test_at_most_looks_at_the_whole_interval(low, high, says):
    found = evaluation(calibration_error=((low + high) / 2, low, high))
    assert AtMost(metric="calibration_error", limit=0.05)(found, None).status == says


@pytest.mark.parametrize("gate", [AtLeast(metric="roc_auc", limit=0.5), AtMost(metric="roc_auc", limit=0.5)])
def test_what_cannot_be_measured_is_undecided(gate):
    assert gate(evaluation(), None).status == "undecided"
    assert gate(evaluation(), evaluation("c1", roc_auc=(0.4, 0.3, 0.5))).status == "undecided"


@pytest.mark.parametrize(
    ("theirs", "failing", "straddling"),
    [
        (0.07, "not_applicable", "not_applicable"),  # the champion is worse: the limit does not keep it
        (0.06, "not_applicable", "not_applicable"),  # as bad
        (0.055, "failed", "undecided"),  # the champion is better, though it breaks the limit too
        (0.01, "failed", "undecided"),
    ],
)
def test_an_absolute_limit_does_not_keep_a_champion_that_is_no_better(theirs, failing, straddling):
    gate = AtMost(metric="calibration_error", limit=0.05)
    champion = evaluation("c1", calibration_error=(theirs, theirs - 0.005, theirs + 0.005))
    assert gate(evaluation(calibration_error=(0.06, 0.055, 0.065)), champion).status == failing
    assert gate(evaluation(calibration_error=(0.06, 0.045, 0.075)), champion).status == straddling
    assert gate(evaluation(calibration_error=(0.02, 0.01, 0.03)), champion).status == "passed"
    # A first release has no such excuse.
    assert gate(evaluation(calibration_error=(0.06, 0.055, 0.065)), None).status == "failed"
    assert gate(evaluation(calibration_error=(0.06, 0.045, 0.075)), None).status == "undecided"


def test_the_excuse_states_both_values():
    gate = AtLeast(metric="roc_auc", limit=0.8)
    answer = gate(evaluation(roc_auc=(0.71, 0.70, 0.72)), evaluation("c1", roc_auc=(0.66, 0.65, 0.67)))
    assert answer.status == "not_applicable"
    assert "0.71" in answer.because
    assert "0.66" in answer.because


def test_an_undecided_limit_says_how_many_rows_would_settle_it():
    gate = AtLeast(metric="roc_auc", limit=0.7)
    answer = gate(evaluation(roc_auc=(0.72, 0.68, 0.76)), None)
    assert answer.because == "roc_auc 0.72 [0.68, 0.76], at least 0.7; only 2 days behind it"
    assert answer.change == "the interval straddles the limit: about 20 more rows (4 now) would settle it"
    answer = gate(evaluation(roc_auc=(0.68, 0.64, 0.72)), None)
    assert answer.change.endswith("about 20 more rows (4 now) would settle it, against it as it stands")
    assert gate(evaluation(roc_auc=(0.7, 0.68, 0.72)), None).change == "the value is the limit itself: no number of rows settles that"


def test_a_failed_limit_says_by_how_much():
    answer = AtLeast(metric="roc_auc", limit=0.7)(evaluation(roc_auc=(0.6, 0.58, 0.62)), None)
    assert answer.change == "even the good end of the interval misses the limit by 0.08"


#: Sums of +d and -d over two clusters of four rows give a half width of t(1) * sqrt(2 d^2 / 2) / 4.
HALF = 12.706204736432095 / 4


@pytest.mark.parametrize(
    ("gain", "spread", "margin", "says"),
    [
        (0.001, 0.0, 0.0, "passed"),
        (-0.005, 0.0, 0.01, "passed"),
        (-0.02, 0.0, 0.01, "failed"),
        (0.0, 0.001, 0.01, "passed"),
        (0.0, 0.01, 0.01, "undecided"),
        (-0.02, 0.001, 0.01, "failed"),
        (-0.02, 0.01, 0.01, "undecided"),
        (1.0, 0.01, 0.0, "passed"),
    ],
)
def test_no_worse_than_champion_asks_that_the_whole_gain_lies_above_the_margin(gain, spread, margin, says):
    ours = evaluation(log_loss=(0.5 - gain, 0.4, 0.6, (spread, -spread)))
    theirs = evaluation("c1", log_loss=(0.5, 0.4, 0.6, (0.0, 0.0)))
    answer = NoWorseThanChampion(metric="log_loss", margin=margin)(ours, theirs)
    assert answer.status == says, answer.because
    low, high = gain - HALF * spread, gain + HALF * spread
    assert f"[{low:+.4f}, {high:+.4f}]" in answer.because


def test_without_a_champion_there_is_nothing_to_compare():
    gate = NoWorseThanChampion(metric="log_loss", margin=0.0)
    assert gate(evaluation(log_loss=(0.5, 0.4, 0.6)), None).status == "not_applicable"
    assert gate(evaluation(), evaluation("c1", log_loss=(0.5, 0.4, 0.6))).status == "undecided"
    assert gate(evaluation(log_loss=(0.5, 0.4, 0.6)), evaluation("c1")).status == "undecided"


@pytest.mark.parametrize("options", [{"margin": -0.1}, {}, {"margin": "0.1"}, {"margin": 0.1, "more": 1}])
def test_options_that_do_not_hold_are_refused(options):
    with pytest.raises(ValidationError):
        NoWorseThanChampion(metric="log_loss", **options)


@pytest.mark.parametrize(
    ("statuses", "status", "code"),
    [
        ([], "passed", 0),
        (["passed", "not_applicable"], "passed", 0),
        (["not_applicable"], "passed", 0),
        (["passed", "undecided"], "undecided", 2),
        (["undecided", "failed", "passed"], "failed", 1),
        (["failed"], "failed", 1),
    ],
)
def test_a_verdict_s_exit_code_is_its_worst_outcome(statuses, status, code):
    found = Verdict("c1", None, "b3:r", tuple(Outcome(str(n), "at_least", one, "") for n, one in enumerate(statuses)))
    assert (found.status, found.exit_code) == (status, code)


def test_every_gate_is_asked_under_its_own_name():
    gates = {"good": AtLeast(metric="roc_auc", limit=0.65), "steady": NoWorseThanChampion(metric="log_loss", margin=0.01)}
    ours = evaluation(roc_auc=(0.7, 0.69, 0.71), log_loss=(0.5, 0.4, 0.6))
    found = verdict.judge(gates, ours, None)
    assert [(one.gate, one.kind, one.status) for one in found.outcomes] == [
        ("good", "at_least", "passed"),
        ("steady", "no_worse_than_champion", "not_applicable"),
    ]
    assert (found.candidate, found.champion, found.rows) == ("c2", None, "b3:r")
    assert verdict.judge(gates, ours, evaluation("c1", log_loss=(0.5, 0.4, 0.6))).champion == "c1"
