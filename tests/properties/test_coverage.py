"""Do 95 % intervals hold what they promise when the rows of a day belong together? A simulation that could say no.

Every day has an effect of its own on the inputs and on the outcomes, and days differ in size. The true
values are those of a world with infinitely many days, from quadrature. An interval that took rows as
independent is held against the same data: it must fail, or the simulation would prove nothing.
"""

from __future__ import annotations

import numpy as np
import pytest

from keepfit.evaluation import Clusters, evaluate
from keepfit.measures import quality
from keepfit.task import Scored
from keepfit.tasks.binary import Binary

TASK = Binary()
REPETITIONS = 500
OF_INPUTS, OF_OUTCOMES = 0.6, 0.6  # standard deviations of what a day has in common
CHOSEN = ("log_loss", "roc_auc")


def sigmoid(value):
    return 1 / (1 + np.exp(-value))


def good(x):
    return sigmoid(x - 1)


def flat(x):
    """A model that makes too little of what it sees."""
    return sigmoid(0.5 * x - 0.9)


def odd(x):
    """A model that sees something else, with another order of the rows."""
    return sigmoid(0.8 * x - 1 + 0.5 * np.sin(3 * x))


def true_values(model):
    """Log loss and area under the curve over infinitely many days."""
    x = np.linspace(-8, 8, 4001) * np.hypot(1, OF_INPUTS) / 1.2
    weight = np.exp(-((x / np.hypot(1, OF_INPUTS)) ** 2) / 2)
    weight /= weight.sum()
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    chance = (sigmoid(x[:, None] - 1 + OF_OUTCOMES * nodes) * weights).sum(axis=1) / weights.sum()
    score = model(x)
    loss = -(chance * np.log(score) + (1 - chance) * np.log(1 - score))
    order = np.argsort(score, kind="stable")
    positive, negative = (weight * chance)[order], (weight * (1 - chance))[order]
    below = np.cumsum(negative) - negative / 2
    return {"log_loss": (weight * loss).sum(), "roc_auc": (positive * below).sum() / positive.sum() / negative.sum()}


def a_world(rng, days):
    """Inputs, outcomes and days of rows."""
    size = np.maximum(5, rng.lognormal(np.log(60), 0.5, days).astype(int))
    day = np.repeat(np.arange(days), size)
    x = rng.normal(0, OF_INPUTS, days)[day] + rng.normal(0, 1, day.size)
    truth = rng.random(day.size) < sigmoid(x - 1 + rng.normal(0, OF_OUTCOMES, days)[day])
    return x, truth.astype(float), day


def measured(name, score, truth, of_row, count):
    scored = Scored(truth, {"score": score}, score >= 0.5, None)
    return evaluate(name, Chosen(), scored, Clusters("day", of_row, count), rows="b3:r", threshold=0.5)


class Chosen(Binary):
    """The binary task with the metrics that are looked at here."""

    metrics = {name: TASK.metrics[name] for name in CHOSEN}  # noqa: RUF012


@pytest.fixture(scope="module", params=[30, 60])
def covered(request):
    """How often each interval held the true value, over seeded repetitions."""
    days, rng = request.param, np.random.default_rng(20240301 + request.param)
    truths = {model: true_values(model) for model in (good, flat, odd)}
    held = dict.fromkeys([*CHOSEN, *(f"alone {name}" for name in CHOSEN), *(f"gain {name}" for name in CHOSEN), "alone gain log_loss"], 0)
    for _ in range(REPETITIONS):
        x, truth, day = a_world(rng, days)
        ours, flats, odds = (measured(model.__name__, model(x), truth, day, days) for model in (good, flat, odd))
        alone, alone_flat = (measured(model.__name__, model(x), truth, np.arange(x.size), x.size) for model in (good, flat))
        for name in CHOSEN:
            for prefix, found in (("", ours), ("alone ", alone)):
                held[prefix + name] += found[name].low <= truths[good][name] <= found[name].high
        for label, name, a, b, other in (
            ("gain log_loss", "log_loss", ours, flats, flat),
            ("gain roc_auc", "roc_auc", ours, odds, odd),
            ("alone gain log_loss", "log_loss", alone, alone_flat, flat),
        ):
            sign = 1 if name == "roc_auc" else -1
            gain = a.gain_over(b, name)
            held[label] += gain.low <= sign * (truths[good][name] - truths[other][name]) <= gain.high
    return {name: count / REPETITIONS for name, count in held.items()}


def test_the_quadrature_agrees_with_a_large_sample():
    rng = np.random.default_rng(1)
    x, truth, _ = a_world(rng, 20_000)
    for model in (good, odd):
        found = true_values(model)
        assert quality.log_loss(truth, model(x)).value == pytest.approx(found["log_loss"], abs=0.004)
        assert quality.roc_auc(truth, model(x)).value == pytest.approx(found["roc_auc"], abs=0.003)


@pytest.mark.parametrize("name", CHOSEN)
def test_an_interval_over_days_holds_the_true_value_as_often_as_it_says(covered, name):
    assert 0.91 <= covered[name] <= 0.98, covered


@pytest.mark.parametrize("name", CHOSEN)
def test_the_interval_of_a_paired_gain_holds_the_true_gain_as_often_as_it_says(covered, name):
    assert 0.91 <= covered[f"gain {name}"] <= 0.98, covered


def test_an_interval_that_takes_rows_as_independent_would_fail_on_the_same_data(covered):
    assert covered["alone log_loss"] < 0.8, covered
    assert covered["alone roc_auc"] < 0.88, covered
    assert covered["alone gain log_loss"] < 0.88, covered
