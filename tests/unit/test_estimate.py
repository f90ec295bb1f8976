from __future__ import annotations

import numpy as np
import pytest

from keepfit.estimate import Asked, Expected, Known, Track, estimate, past, tracked
from keepfit.measures.plausible import Told
from keepfit.task import Scored
from keepfit.tasks.binary import Binary
from keepfit.tasks.multiclass import Multiclass
from keepfit.tasks.regression import Regression

ROWS = 800


def scores(draw, rows=ROWS):
    return 1 / (1 + np.exp(-draw.normal(-1.0, 1.2, rows)))


def told(truths):
    """Blocks of known rows, oldest first."""
    sizes = [one.size for one in truths]
    truth = np.concatenate(truths) if truths else np.zeros(0)
    return Told(truth, np.ones(truth.size), np.repeat(np.arange(len(truths)), sizes), len(truths))


def binary_world(off, blocks=6, seed=1):
    """Known blocks in which the log odds lie `off` beside what the scores say, and the rows that follow, with their truth."""
    draw = np.random.default_rng(seed)
    said = [scores(draw) for _ in range(blocks + 1)]
    happened = [(draw.random(ROWS) < 1 / (1 + np.exp(-(np.log(one / (1 - one)) + off)))).astype(float) for one in said]
    known = Known(told(happened[:-1]), {"score": np.concatenate([np.zeros(0), *said[:-1]])})
    return known, said[-1], happened[-1]


def test_a_base_rate_that_moved_is_learned_from_the_labels_that_came():
    known, said, happened = binary_world(1.0)
    found = estimate(Binary(), known, Asked({"score": said}, 0.5), seed=3)
    assert found["happens"] == pytest.approx(happened.mean(), abs=0.04)
    assert abs(found["expected"] - happened.mean()) > 0.15
    scored = Scored(happened, {"score": said}, said >= 0.5, None)
    for name in ("log_loss", "roc_auc", "accuracy", "brier", "calibration_error", "precision", "recall", "f1"):
        measured = Binary.metrics[name].measure(scored).value
        assert found["metrics"][name].low <= measured <= found["metrics"][name].high, name


def test_without_a_label_the_model_s_own_word_counts_and_little_is_sure():
    known, said, _ = binary_world(0.0, blocks=0)
    none = estimate(Binary(), known, Asked({"score": said}, 0.5), seed=3)
    many = estimate(Binary(), binary_world(0.0, blocks=12)[0], Asked({"score": said}, 0.5), seed=3)
    assert none["happens"] == pytest.approx(said.mean(), abs=0.05)
    wide, narrow = (one["metrics"]["log_loss"] for one in (none, many))
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_what_decisions_are_worth_is_estimated_where_the_project_says_what_they_are():
    known, said, _ = binary_world(0.0)
    asked = Asked({"score": said}, 0.2, {"true_positive": 12.0, "false_positive": -3.0})
    assert "value" in estimate(Binary(), known, asked, seed=3)["metrics"]
    assert "value" not in estimate(Binary(), known, Asked({"score": said}, 0.2), seed=3)["metrics"]


def test_no_row_gives_no_metric():
    known, _, _ = binary_world(0.0)
    assert estimate(Binary(), known, Asked({"score": np.zeros(0)}, 0.5), seed=1) == {"metrics": {}, "expected": None, "happens": None}


def test_the_same_seed_gives_the_same_estimate():
    known, said, _ = binary_world(0.3)
    one, other = (estimate(Binary(), known, Asked({"score": said}, 0.5), seed=5) for _ in range(2))
    assert one == other


def test_weights_turn_to_the_rows_that_are_like_those_asked_about():
    """Half of the known rows come from where the score keeps its word, the others from where it does not."""
    draw = np.random.default_rng(2)
    said = np.full(4000, 0.3)
    here = np.arange(4000) % 2 == 0
    truth = (draw.random(4000) < np.where(here, 0.3, 0.7)).astype(float)
    plain = told([truth[:2000], truth[2000:]])
    weighted = Told(plain.truth, np.where(here, 0.02, 1.98), plain.block, plain.blocks)
    asked = Asked({"score": np.full(500, 0.3)}, 0.5)
    rates = [estimate(Binary(), Known(one, {"score": said}), asked, seed=1)["happens"] for one in (plain, weighted)]
    assert rates[0] == pytest.approx(0.5, abs=0.05)
    assert rates[1] == pytest.approx(0.7, abs=0.05)


def test_classes_whose_shares_moved_are_expected_as_they_are_now():
    draw = np.random.default_rng(4)
    chances = draw.dirichlet([2.0, 2.0, 2.0], 3000)
    tilted = chances * np.array([1.0, 1.0, 3.0])
    tilted /= tilted.sum(axis=1, keepdims=True)
    truth = (draw.random(3000)[:, None] > np.cumsum(tilted, axis=1)[:, :-1]).sum(axis=1).astype(float)
    fields = {f"p{number}": chances[:, number] for number in range(3)}
    known = Known(
        told([truth[:500], truth[500:1000], truth[1000:1500], truth[1500:2000]]), {name: one[:2000] for name, one in fields.items()}
    )
    asked = {name: one[2000:] for name, one in fields.items()}
    found = estimate(Multiclass(), known, Asked(asked, 0.0), seed=1)["metrics"]
    scored = Scored(truth[2000:], asked, Multiclass().decide(asked, 0.0), None)
    for name in ("log_loss", "accuracy", "roc_auc", "brier"):
        assert found[name].low <= Multiclass.metrics[name].measure(scored).value <= found[name].high, name


def test_magnitudes_that_are_off_and_scattered_wider_are_expected_to_be():
    draw = np.random.default_rng(6)
    said = draw.normal(50.0, 10.0, 3000)
    truth = said + 4.0 + 6.0 * draw.standard_normal(3000)
    outputs = {"prediction": said, "low": said - 3.0, "high": said + 3.0}
    known = Known(told([truth[:800], truth[800:1600], truth[1600:2400]]), {name: one[:2400] for name, one in outputs.items()})
    asked = {name: one[2400:] for name, one in outputs.items()}
    found = estimate(Regression(), known, Asked(asked, 0.0), seed=1)
    scored = Scored(truth[2400:], asked, asked["prediction"], None)
    for name in ("rmse", "mae", "bias", "r2"):
        assert found["metrics"][name].low <= Regression.metrics[name].measure(scored).value <= found["metrics"][name].high, name
    assert found["happens"] - found["expected"] == pytest.approx(4.0, abs=1.0)
    assert found["metrics"]["coverage"].value == pytest.approx(0.31, abs=0.05)


def test_magnitudes_without_a_label_keep_to_their_bounds():
    said = np.linspace(0.0, 100.0, 400)
    none = Told(np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.int64), 0)
    empty = {field: np.zeros(0) for field in ("prediction", "low", "high")}
    asked = Asked({"prediction": said, "low": said - 8.0, "high": said + 8.0}, 0.0)
    found = estimate(Regression(), Known(none, empty), asked, seed=1)["metrics"]
    assert found["coverage"].value == pytest.approx(0.9, abs=0.03)


def test_estimates_that_were_further_off_than_they_said_are_widened_from_then_on():
    off = tracked([(Expected(0.5, 0.48, 0.52, "lower"), 0.58)] * 8)
    assert off.inside == 0
    assert off.off == pytest.approx(0.08)
    assert off.above == pytest.approx(-0.08)
    assert off.stretch > 4
    known, said, _ = binary_world(0.0)
    plain, wide = (
        estimate(Binary(), known, Asked({"score": said}, 0.5), seed=3, past=track)["metrics"]["log_loss"]
        for track in (None, {"log_loss": off})
    )
    assert wide.high - wide.low == pytest.approx(off.stretch * (plain.high - plain.low))


def test_estimates_that_kept_their_word_are_left_as_they_are():
    assert tracked([(Expected(0.5, 0.4, 0.6, "lower"), 0.52)] * 20) == Track(20, 0.02, -0.02, 20)
    assert past([]) == {}
