"""Do 95 % intervals hold what they promise: for every metric, every kind of row, in groups and in slices? Simulations that could say no.

The true value of a metric is that of a world of two million rows. `calibration_error` is left out: it is biased upwards in small
samples, as its docstring says, and its interval is around what was measured.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from keepfit.evaluation import Clusters, evaluate, evaluate_groups
from keepfit.schema import Column
from keepfit.slice import confirm, inside, suspect
from keepfit.task import Scored
from keepfit.tasks.binary import Binary
from keepfit.tasks.regression import Regression

BINARY, REGRESSION = Binary(), Regression()
VALUE = {"true_positive": 12.0, "false_positive": -3.0, "true_negative": 0.0, "false_negative": 0.0}
REPETITIONS = 600
#: Three standard errors of a coverage of 95 % over so many repetitions.
NOISE = 3 * np.sqrt(0.95 * 0.05 / REPETITIONS)
SHARED = 0.5  # standard deviation of what a day or a subject has in common


def sigmoid(value):
    return 1 / (1 + np.exp(-value))


def rows_of(rng, sizes, shared):
    """Scores, outcomes and what belongs together, of clusters of these sizes."""
    cluster = np.repeat(np.arange(sizes.size), sizes)
    x = rng.normal(0, 1, cluster.size) + shared * rng.normal(size=sizes.size)[cluster]
    chance = sigmoid(1.3 * x - 1 + shared * rng.normal(size=sizes.size)[cluster])
    return sigmoid(x - 0.8), (rng.random(cluster.size) < chance).astype(float), cluster


def scored(score, truth, threshold=0.35):
    return Scored(truth, {"score": score}, score >= threshold, VALUE)


def measured(unit, score, truth, cluster, name="c1"):
    return evaluate(name, BINARY, scored(score, truth), Clusters(unit, cluster, int(cluster.max()) + 1), rows="b3:r", threshold=0.35)


#: What rows there are: the unit, the sizes of the clusters, what they share, and the least coverage that is asked for.
WORLDS = {
    "a hundred rows that stand alone": ("key", lambda rng: np.ones(100, dtype=int), 0.0, 0.93),
    "a thousand rows that stand alone": ("key", lambda rng: np.ones(1000, dtype=int), 0.0, 0.94),
    "five days": ("day", lambda rng: rng.integers(60, 140, 5), SHARED, 0.92),
    "eight days of very uneven size": ("day", lambda rng: np.maximum(10, rng.lognormal(np.log(80), 1.0, 8).astype(int)), SHARED, 0.92),
    "thirty days": ("day", lambda rng: rng.integers(20, 80, 30), SHARED, 0.93),
    "four hundred subjects": ("subject", lambda rng: rng.integers(1, 6, 400), 1.0, 0.94),
}
METRICS = [name for name in BINARY.metrics if name != "calibration_error"]


@pytest.fixture(scope="module", params=WORLDS, ids=lambda name: name.replace(" ", "-"))
def covered(request):
    """For a world, how often the interval of each metric held its true value, where there was one, and how often it was there."""
    unit, sizes, shared, least = WORLDS[request.param]
    rng = np.random.default_rng(20240601)
    # A metric over days of uneven size is that over all rows of infinitely many such days.
    many = np.concatenate([sizes(rng) for _ in range(max(1, 2_000_000 // int(sizes(rng).sum())))])
    score, truth, _ = rows_of(rng, many, shared)
    true = {name: BINARY.metrics[name].measure(scored(score, truth)).value for name in METRICS}
    held, there = dict.fromkeys(METRICS, 0), dict.fromkeys(METRICS, 0)
    for _ in range(REPETITIONS):
        found = measured(unit, *rows_of(rng, sizes(rng), shared))
        for name in METRICS:
            if name in found.metrics and found[name].low is not None:
                there[name] += 1
                held[name] += found[name].low <= true[name] <= found[name].high
    return {name: held[name] / there[name] for name in METRICS}, {name: there[name] / REPETITIONS for name in METRICS}, least


@pytest.mark.parametrize("name", METRICS)
def test_an_interval_holds_the_true_value_as_often_as_it_says(covered, name):
    coverage, there, least = covered
    assert there[name] > 0.98
    # Ratios of few rows and curves near their ends are skewed; they may lose two points more.
    slack = 0.02 if name in {"f1", "average_precision", "precision", "balanced_accuracy"} else 0.0
    assert coverage[name] >= least - slack - NOISE, coverage


@pytest.mark.parametrize("name", ["log_loss", "roc_auc", "brier", "value"])
def test_an_interval_is_not_much_wider_than_it_need_be(covered, name):
    coverage, _, _ = covered
    assert coverage[name] <= 0.995, coverage


@pytest.mark.parametrize("world", ["a thousand rows that stand alone", "eight days of very uneven size", "four hundred subjects"])
def test_the_interval_of_a_paired_gain_holds_the_true_gain(world):
    unit, sizes, shared, least = WORLDS[world]
    rng = np.random.default_rng(7)
    many = np.concatenate([sizes(rng) for _ in range(max(1, 2_000_000 // int(sizes(rng).sum())))])

    def other(score):
        return sigmoid(0.6 * np.log(score / (1 - score)) - 0.4)

    score, truth, _ = rows_of(rng, many, shared)
    true = BINARY.losses(truth, {"score": other(score)}).mean() - BINARY.losses(truth, {"score": score}).mean()
    held = 0
    for _ in range(REPETITIONS):
        score, truth, cluster = rows_of(rng, sizes(rng), shared)
        gain = measured(unit, score, truth, cluster).gain_over(measured(unit, other(score), truth, cluster, "c2"), "log_loss")
        held += gain.low <= true <= gain.high
    assert held / REPETITIONS >= least - NOISE


def test_the_intervals_of_all_groups_hold_together():
    rng = np.random.default_rng(11)
    names, held = np.array(list("abcdefgh")), {"roc_auc": 0, "accuracy": 0}
    score, truth, _ = rows_of(rng, np.ones(2_000_000, dtype=int), 0.0)
    true = {name: BINARY.metrics[name].measure(scored(score, truth)).value for name in held}
    for _ in range(REPETITIONS):
        score, truth, cluster = rows_of(rng, np.ones(1200, dtype=int), 0.0)
        group = rng.choice(names, 1200)
        base, clusters = measured("key", score, truth, cluster), Clusters("key", cluster, 1200)
        found = evaluate_groups(base, BINARY, scored(score, truth), clusters, {"group": group.tolist()}).groups["group"]
        for name in held:
            held[name] += all(one.metrics[name].low <= true[name] <= one.metrics[name].high for one in found.values())
    for count in held.values():
        assert count / REPETITIONS >= 0.94 - NOISE, held


def test_magnitudes_have_intervals_that_hold_too():
    rng = np.random.default_rng(5)

    def drawn(rows):
        truth = rng.gamma(2.0, 2.0, rows)
        said = 0.6 * truth + rng.normal(2, 1.5, rows)
        return Scored(truth, {"prediction": said, "low": said - 4, "high": said + 4}, said, {"over": -1.0, "under": -2.0})

    true = {name: metric.measure(drawn(2_000_000)).value for name, metric in REGRESSION.metrics.items()}
    held = dict.fromkeys(true, 0)
    for _ in range(REPETITIONS):
        found = evaluate("c1", REGRESSION, drawn(400), Clusters("key", np.arange(400), 400), rows="b3:r", threshold=0.0)
        for name in true:
            held[name] += found[name].low <= true[name] <= found[name].high
    for name, count in held.items():
        # Most rows lie between their bounds and a few far outside: of so skewed a loss 400 rows promise a little too much.
        slack = 0.03 if name == "pinball" else 0.0
        assert count / REPETITIONS >= 0.94 - slack - NOISE, (name, held)


COLUMNS = [Column(name, "number", "float", ("feature",), False) for name in "abcd"]
COLUMNS += [Column(name, "category", "text", ("feature",), False) for name in "ef"]


def test_a_slice_that_is_found_on_some_rows_is_not_confirmed_on_others_when_there_is_none():
    rng = np.random.default_rng(3)
    wrong = looked = 0
    for _ in range(REPETITIONS // 2):
        frame = pl.DataFrame({name: rng.normal(size=3000) for name in "abcd"} | {name: rng.choice(list("xyz"), 3000) for name in "ef"})
        score = np.clip(rng.beta(2, 3, 3000), 0.01, 0.99)
        truth = (rng.random(3000) < score).astype(float)
        first, rest, alone = slice(0, 2000), slice(2000, 3000), Clusters("key", np.arange(2000) % 1000, 1000)
        suspects = suspect(frame[first], COLUMNS, BINARY.losses(truth[first], {"score": score[first]}), alone)
        looked += len(suspects)
        masks = {one: inside(frame[rest], one) for one in suspects}
        slices = confirm(BINARY, scored(score[rest], truth[rest]), Clusters("key", np.arange(1000), 1000), masks)
        wrong += any(one.behind.low > 0 for one in slices)
    assert looked > 100  # chance alone makes suspects
    assert wrong / (REPETITIONS // 2) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / (REPETITIONS // 2))
