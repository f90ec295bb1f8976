"""The gates that come with the package pass the suite for all."""

from __future__ import annotations

import pytest

from keepfit import plugin
from keepfit.gates.at_least import AtLeast
from keepfit.gates.at_most import AtMost
from keepfit.gates.better_than_baseline import BetterThanBaseline
from keepfit.gates.better_than_champion import BetterThanChampion
from keepfit.gates.latency import Latency
from keepfit.gates.no_worse_than_champion import NoWorseThanChampion
from keepfit.gates.size import Size
from keepfit.gates.worst_slice import WorstSlice
from keepfit.testing.gate import GateConformance, evaluations

GATES = [
    AtLeast(metric="roc_auc", limit=0.7),
    AtLeast(metric="roc_auc", limit=0.7, by="region"),
    AtLeast(metric="roc_auc", limit=0.7, by="region", small="pass_over"),
    AtMost(metric="log_loss", limit=0.42),
    AtMost(metric="log_loss", limit=0.42, by="region"),
    BetterThanBaseline(),
    BetterThanBaseline(metric="accuracy", margin=0.01),
    BetterThanChampion(metric="log_loss"),
    BetterThanChampion(metric="log_loss", by="region"),
    Latency(limit="1ms"),
    NoWorseThanChampion(metric="log_loss", margin=0.01),
    NoWorseThanChampion(metric="log_loss", margin=0.01, by="region", small="pass_over"),
    Size(limit="1MB"),
    WorstSlice(limit=0.1),
]


class TestGates(GateConformance):
    @pytest.fixture(params=GATES, ids=lambda gate: f"{gate.kind} {getattr(gate, 'by', '')}")
    def gate(self, request):
        return request.param


def test_every_gate_that_is_installed_passes_the_suite():
    assert {gate.kind for gate in GATES} == set(plugin.kinds("gates"))


def test_every_status_that_a_gate_has_comes_about_in_the_suite():
    """The suite's evaluations reach each answer of each gate, or it would show little."""
    for gate in (AtLeast(metric="roc_auc", limit=0.7), BetterThanChampion(metric="log_loss"), WorstSlice(limit=0.1)):
        by = getattr(gate, "by", None)
        champions = [None, *(one for _, one in evaluations(by))]
        said = {gate(candidate, champion).status for _, candidate in evaluations(by) for champion in champions}
        assert {"failed", "undecided", "not_applicable"} <= said, gate.kind
