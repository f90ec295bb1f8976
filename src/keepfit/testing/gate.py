"""What every gate must do: the suite that those in this package pass, for the author of another to run.

Subclass it and give one fixture::

    from keepfit.testing.gate import GateConformance

    class TestMyGate(GateConformance):
        @pytest.fixture
        def gate(self):
            return MyGate(metric="roc_auc", limit=0.7)
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any, TypeAlias, get_args

import pytest
from pydantic import BaseModel, ValidationError

from keepfit import record
from keepfit.evaluation import Evaluation, Group, Measured, Rest, Serving, unmeasured
from keepfit.gate import Answer, Gate, Status, asked
from keepfit.metric import Gain, Unit
from keepfit.slice import Condition, Slice

__all__ = ["GateConformance", "evaluations"]

#: What it is, a candidate, and the champion beside it.
_Case: TypeAlias = tuple[str, Evaluation, Evaluation | None]
_STATUSES = get_args(Status)
#: The metrics of the three tasks of the package, and which way is better.
_METRICS: dict[str, tuple[float, Any]] = {
    "log_loss": (0.4, "lower"),
    "roc_auc": (0.72, "higher"),
    "average_precision": (0.4, "higher"),
    "brier": (0.15, "lower"),
    "calibration_error": (0.02, "lower"),
    "accuracy": (0.84, "higher"),
    "balanced_accuracy": (0.6, "higher"),
    "precision": (0.5, "higher"),
    "recall": (0.4, "higher"),
    "f1": (0.45, "higher"),
    "f1_macro": (0.6, "higher"),
    "rmse": (12.0, "lower"),
    "mae": (8.0, "lower"),
    "r2": (0.5, "higher"),
    "bias": (0.1, "lower"),
    "coverage": (0.9, "higher"),
    "pinball": (2.0, "lower"),
    "value": (500.0, "higher"),
}
_ROWS, _CLUSTERS = 2000, 20


def _metrics(shift: float, half: float | None, *, sums: float = 0.0) -> dict[str, Measured]:
    """Every metric, `shift` better than a typical one (in shares of it) and with an interval of half a width."""
    found = {}
    for name, (typical, better) in _METRICS.items():
        value = typical * (1 + shift if better == "higher" else 1 - shift)
        low, high = (None, None) if half is None else (value - half * typical, value + half * typical)
        spread = tuple(sums * typical * (-1) ** number for number in range(_CLUSTERS))
        found[name] = Measured(value, low, high, better, spread)
    return found


def _evaluation(name: str, shift: float, half: float | None, **more: Any) -> Evaluation:
    metrics = _metrics(shift, half, sums=30 * (half or 0.0))
    unit: Unit = more.pop("unit", "day")
    given = {"task": "binary", "selects": "log_loss"} | more
    return Evaluation(name, "b3:rows", _ROWS, unit, _CLUSTERS, metrics, {"right": _ROWS}, 0.5, **given)


def evaluations(by: str | None = None) -> Iterator[tuple[str, Evaluation]]:
    """Evaluations of every shape that a gate may be given, with a name for each.

    Parameters
    ----------
    by : a column for which groups are measured, one of them without any metric
    """
    groups = {
        by or "region": {
            "north": Group(900, _metrics(0.0, 0.05, sums=1.0), 18.0),
            "south": Group(40, _metrics(-0.1, 0.3, sums=1.0), 9.0),
            "west": Group(35, {}),
        }
    }
    more = {
        "groups": groups,
        "rest": {by or "region": Rest(2, 7)},
        "baselines": {"constant": _metrics(-0.2, 0.05, sums=0.5)},
        "serving": Serving(500_000, 2000, 20.0, 60.0, 50.0, 80.0),
    }
    for word, shift in (("typical", 0.0), ("good", 0.5), ("bad", -0.5)):
        for width, half in (("sure", 0.001), ("unsure", 0.6), ("of one day", None)):
            behind = Gain(0.1 - 0.2 * shift, 0.05 - 0.2 * shift, 0.15 - 0.2 * shift, "log_loss")
            slices = (Slice("region is south", "log_loss", 40, behind, (Condition("region", name="south"),)),)
            yield f"{word} and {width}", _evaluation("c2", shift, half, slices=slices, suspected=1, **more)
    yield "of which each row says the same", _evaluation("c2", 0.0, 0.0, **more)
    one = _evaluation("c2", 0.0, None, **more)
    alone = {name: replace(measured, sums=(0.0,)) for name, measured in one.metrics.items()}
    baselines = {
        name: {metric: replace(measured, sums=(0.0,)) for metric, measured in there.items()} for name, there in one.baselines.items()
    }
    yield "of a single day", replace(one, clusters=1, equal_clusters=1.0, metrics=alone, baselines=baselines, groups={})
    yield "that holds metrics only", _evaluation("c2", 0.0, 0.05)
    empty = Evaluation("c2", "b3:rows", 0, "key", 0, {}, {}, 0.5, left_out={"log_loss": "there are no rows"})
    yield "of no rows", empty


@cache
def _cases(by: str | None) -> tuple[_Case, ...]:
    """Candidates, each without a champion, beside one that could not be measured, and beside some that were."""
    found: list[_Case] = []
    others = {name: replace(one, candidate="c1") for name, one in evaluations(by)}
    for name, candidate in evaluations(by):
        found.append((f"candidate {name}, no champion", candidate, None))
        found.append((f"candidate {name}, champion not measured", candidate, unmeasured("c1", candidate, "too few rows")))
        chosen = ["typical and unsure", "good and sure", "bad and sure", "that holds metrics only"]
        if candidate.clusters == 1:
            chosen = ["of a single day"]
        found += [(f"candidate {name}, champion {other}", candidate, others[other]) for other in chosen]
    return tuple(found)


class GateConformance:
    """Holds a gate to what the verdict, the ledger and people count on. `gate` is a fixture that gives one."""

    @pytest.fixture
    def cases(self, gate: Gate) -> tuple[_Case, ...]:
        return _cases(asked(gate).by)

    def test_it_answers_whatever_it_is_given(self, gate: Gate, cases: tuple[_Case, ...]) -> None:
        for name, candidate, champion in cases:
            answer = gate(candidate, champion)
            assert isinstance(answer, Answer), name
            assert answer.status in _STATUSES, name

    def test_it_says_why_in_one_line_for_each_thing(self, gate: Gate, cases: tuple[_Case, ...]) -> None:
        for name, candidate, champion in cases:
            answer = gate(candidate, champion)
            assert answer.because, name
            for text in (answer.because, answer.change):
                assert "\n" not in text, name
                assert not {"nan", "inf", "None"} & set(text.replace("[", " ").replace(",", " ").split()), (name, text)

    def test_it_is_a_function_of_what_was_measured(self, gate: Gate, cases: tuple[_Case, ...]) -> None:
        first = [gate(candidate, champion) for _, candidate, champion in cases]
        assert [gate(candidate, champion) for _, candidate, champion in cases] == first, "it answers otherwise when it is asked again"
        for name, candidate in evaluations(asked(gate).by):
            before = record.text(candidate)
            gate(candidate, candidate)
            assert record.text(candidate) == before, f"candidate {name}: it changed what it was given"

    def test_not_knowing_is_not_passing(self, gate: Gate) -> None:
        empty = dict(evaluations(asked(gate).by))["of no rows"]
        for champion in (None, unmeasured("c1", empty, "too few rows")):
            assert gate(empty, champion).status in {"undecided", "not_applicable"}

    def test_its_options_are_refused_where_they_do_not_hold_and_do_not_change(self, gate: Gate) -> None:
        if not isinstance(gate, BaseModel):
            pytest.fail("a gate is a Strict class: its options are parsed from the project file")
        options = gate.model_dump()
        assert type(gate).model_validate(options) == gate
        with pytest.raises(ValidationError):
            type(gate).model_validate({**options, "unheard of": 1})
        with pytest.raises(ValidationError):
            gate.kind = "another"
        for name, value in options.items():
            if isinstance(value, float) and math.isfinite(value):
                with pytest.raises(ValidationError):
                    type(gate).model_validate({**options, name: "much"})

    def test_it_has_a_kind_of_its_own(self, gate: Gate) -> None:
        assert gate.kind
        assert type(gate).model_fields["kind"].default == gate.kind  # type: ignore[attr-defined]
