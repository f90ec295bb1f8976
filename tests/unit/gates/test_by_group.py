from __future__ import annotations

import pytest

from keepfit.evaluation import Rest
from keepfit.gates.at_least import AtLeast
from keepfit.gates.at_most import AtMost
from keepfit.gates.better_than_champion import BetterThanChampion
from keepfit.gates.no_worse_than_champion import NoWorseThanChampion

FAIR = AtLeast(metric="roc_auc", limit=0.65, by="gender")


def auc(**groups):
    return {"gender": {name: {"roc_auc": given} for name, given in groups.items()}}


def test_every_group_must_pass(evaluation):
    answer = FAIR(evaluation(groups=auc(f=(0.7, 0.68, 0.72), m=(0.8, 0.78, 0.82))), None)
    assert answer.status == "passed"
    assert answer.because == "roc_auc where gender is f: 0.7 [0.68, 0.72], at least 0.65 in each of 2 groups"


def test_one_group_that_fails_is_named_with_its_distance(evaluation):
    answer = FAIR(evaluation(groups=auc(f=(0.6, 0.58, 0.62), m=(0.66, 0.64, 0.68), x=(0.8, 0.78, 0.82))), None)
    assert answer.status == "failed"
    assert answer.because == "roc_auc where gender is f: 0.6 [0.58, 0.62], at least 0.65"
    assert answer.change == "where gender is f: even the good end of the interval misses the limit by 0.03"


def test_one_group_that_straddles_leaves_it_undecided_and_says_how_many_of_its_rows_would_settle_it(evaluation):
    answer = FAIR(evaluation(groups=auc(f=(0.67, 0.63, 0.71), m=(0.8, 0.78, 0.82))), None)
    assert answer.status == "undecided"
    assert "f: the interval straddles the limit: about 300 more rows (100 now)" in answer.change


@pytest.mark.parametrize(
    ("theirs", "status"),
    [
        ({"f": (0.59, 0.5, 0.7), "m": (0.9, 0.8, 1.0)}, "not_applicable"),  # no better in the only group that fails
        ({"f": (0.6, 0.5, 0.7), "m": (0.9, 0.8, 1.0)}, "not_applicable"),
        ({"f": (0.61, 0.5, 0.7), "m": (0.5, 0.4, 0.6)}, "failed"),  # better in it
        ({"m": (0.5, 0.4, 0.6)}, "failed"),  # nobody knows
    ],
)
def test_a_limit_by_groups_does_not_keep_a_champion_that_is_no_better_in_the_groups_that_break_it(evaluation, theirs, status):
    ours = evaluation(groups=auc(f=(0.6, 0.58, 0.62), m=(0.8, 0.78, 0.82)))
    answer = FAIR(ours, evaluation("c1", groups=auc(**theirs)))
    assert answer.status == status
    if status == "not_applicable":
        assert "gender is f" in answer.because
        assert f"the champion has {theirs['f'][0]}" in answer.because


def test_a_group_with_few_rows_or_no_positive_leaves_it_undecided_unless_it_is_passed_over(evaluation):
    good = auc(f=(0.7, 0.68, 0.72))
    good["gender"]["m"] = {}
    found = evaluation(groups=good, rest={"gender": Rest(2, 17)})
    answer = FAIR(found, None)
    assert answer.status == "undecided"
    assert "roc_auc cannot be measured where gender is m (100 rows)" in answer.because
    assert "2 groups of 'gender' with 17 rows together could not be measured" in answer.because
    assert 'small = "pass_over"' in answer.change
    answer = FAIR.model_copy(update={"small": "pass_over"})(found, None)
    assert answer.status == "passed"
    assert "passed over" in answer.because


def test_a_group_that_fails_is_not_hidden_by_one_that_could_not_be_measured(evaluation):
    found = evaluation(groups=auc(f=(0.6, 0.58, 0.62)), rest={"gender": Rest(1, 3)})
    assert FAIR(found, None).status == "failed"


def test_without_groups_nobody_can_tell(evaluation):
    for gate in (FAIR, AtMost(metric="log_loss", limit=1.0, by="gender")):
        assert gate(evaluation(), None).status == "undecided"
        assert gate(evaluation(groups={"gender": {}}), None).status == "undecided"
    theirs = evaluation("c1", log_loss=(0.5, 0.4, 0.6))
    ours = evaluation(log_loss=(0.5, 0.4, 0.6))
    assert NoWorseThanChampion(metric="log_loss", margin=0.1, by="gender")(ours, theirs).status == "undecided"


def losses(**groups):
    return {"gender": {name: {"log_loss": given} for name, given in groups.items()}}


@pytest.mark.parametrize(
    ("gate", "f", "m", "status"),
    [
        (NoWorseThanChampion, 0.0, 0.02, "passed"),
        (NoWorseThanChampion, -0.02, 0.02, "failed"),
        (BetterThanChampion, 0.02, 0.03, "passed"),
        (BetterThanChampion, 0.005, 0.03, "failed"),
    ],
)
def test_no_group_may_lose_though_all_together_gain(evaluation, gate, f, m, status):
    whole = {"log_loss": (0.4, 0.3, 0.5)}
    ours = evaluation(groups=losses(f=(0.5 - f, 0.4, 0.6), m=(0.5 - m, 0.4, 0.6)), **whole)
    theirs = evaluation("c1", groups=losses(f=(0.5, 0.4, 0.6), m=(0.5, 0.4, 0.6)), log_loss=(0.5, 0.4, 0.6))
    answer = gate(metric="log_loss", margin=0.01, by="gender")(ours, theirs)
    assert answer.status == status, answer.because
    assert "where gender is f" in answer.because


def test_the_gains_of_groups_hold_together(evaluation):
    ours = evaluation(groups=losses(f=(0.4, 0.3, 0.5, (1.0, -1.0)), m=(0.4, 0.3, 0.5, (1.0, -1.0))), log_loss=(0.4, 0.3, 0.5))
    theirs = evaluation("c1", groups=losses(f=(0.5, 0.4, 0.6), m=(0.5, 0.4, 0.6)), log_loss=(0.5, 0.4, 0.6, (0.0, 0.0)))
    gains = ours.gains_by_group(theirs, "log_loss", "gender")
    # Student's quantile with one degree at 97.5 % (two-sided), not at 95 %.
    assert gains["f"].high - gains["f"].value == pytest.approx(25.4517 / 100, rel=1e-5)
