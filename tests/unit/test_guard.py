"""Guards: what makes rows suspicious, and what does not."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from keepfit import guard
from keepfit.profile import profile
from keepfit.schema import Column
from keepfit.task import Scored
from keepfit.tasks.binary import Binary
from keepfit.tasks.multiclass import Multiclass
from keepfit.tasks.regression import Regression
from keepfit.workspace import column_kinds

SHOPS = ["north", "south", "west"]


def answered(*, turned=0.0, rows=2000, only_in=None, sharp=4.0, seed=1):
    """What a model says, and what came about where a share of the labels was turned round; and each row's shop."""
    draw = np.random.default_rng(seed)
    score = 1 / (1 + np.exp(-sharp * draw.normal(size=rows)))
    truth = draw.random(rows) < score
    shop = draw.integers(0, 3, rows)
    hit = (draw.random(rows) < turned) & ((shop == only_in) if only_in is not None else True)
    outputs = {"score": score}
    return Binary().shown(Scored(np.where(hit, ~truth, truth).astype(float), outputs, score >= 0.5, None)), {"shop": shop}


def test_labels_that_contradict_most_confident_answers_are_suspicious():
    (doubt,) = guard.flips(*answered(turned=0.9))
    assert (doubt.guard, doubt.about) == ("flips", "")
    assert doubt.share > 0.8
    assert "contradict" in doubt.because


def test_labels_of_one_segment_that_were_turned_round_are_found_there():
    (doubt,) = guard.flips(*answered(turned=1.0, only_in=2))
    assert doubt.about == "shop"
    assert not any(name in doubt.because for name in SHOPS), "no value of a row"


@pytest.mark.parametrize("turned", [0.0, 0.2, 0.4])
def test_labels_that_are_only_noisier_than_before_are_drift_and_no_matter_of_a_guard(turned):
    assert not list(guard.flips(*answered(turned=turned)))


def test_a_model_without_confident_answers_says_nothing_about_labels():
    assert not list(guard.flips(*answered(turned=1.0, sharp=0.5)))


def test_sound_labels_are_refused_in_none_of_two_hundred_worlds():
    assert not any(list(guard.flips(*answered(turned=0.1, rows=400, seed=seed))) for seed in range(200))


def test_flips_are_found_for_classes_and_not_asked_of_magnitudes():
    draw = np.random.default_rng(3)
    truth = draw.integers(0, 3, 600).astype(float)
    sure = np.full((600, 3), 0.03)
    sure[np.arange(600), ((truth + 1) % 3).astype(int)] = 0.94
    outputs = {f"p{number}": sure[:, number] for number in range(3)}
    task = Multiclass()
    (doubt,) = guard.flips(task.shown(Scored(truth, outputs, task.decide(outputs, 0.0), None)), {})
    assert doubt.share == 1.0
    said = {"prediction": -truth, "low": -truth - 1, "high": -truth + 1}
    assert not list(guard.flips(Regression().shown(Scored(truth, said, said["prediction"], None)), {}))


def rows(count, *, different=None, seed=2):
    draw = np.random.default_rng(seed)
    frame = pl.DataFrame({"amount": draw.normal(size=count), "shop": draw.choice(SHOPS, count), "truth": draw.integers(0, 2, count)})
    return frame if different is None else frame.head(different).sample(count, with_replacement=True, seed=seed)


def test_new_rows_that_repeat_each_other_are_a_flood():
    (doubt,) = guard.flood(rows(400, different=20), rows(900))
    assert doubt.share > 0.9


def test_rows_that_always_repeated_each_other_are_none():
    few = ["shop", "truth"]
    assert not list(guard.flood(rows(400).select(few), rows(900).select(few)))
    assert not list(guard.flood(rows(400), rows(900)))
    assert not list(guard.flood(rows(50, different=2), rows(900))), "too few to tell"


@pytest.fixture
def gone():
    """What is found of a segment when so much of each shop is left."""
    columns = [Column("shop", "category", "text", ("feature",), True), Column("open", "boolean", "bool", ("feature",), True)]
    kinds = column_kinds()

    def ask(shops, opened=(True, False)):
        draw = np.random.default_rng(4)
        had = pl.DataFrame({"shop": draw.choice(SHOPS, 900), "open": draw.random(900) < 0.5})
        have = pl.DataFrame({"shop": draw.choice(shops, 600), "open": draw.choice(opened, 600)})
        reference = profile(had, columns, kinds)
        now = profile(have, columns, kinds, like=reference)
        return list(guard.vanished(reference, now, {column.name: column.kind for column in columns}, kinds))

    return ask


def test_a_segment_that_is_gone_is_suspicious_and_a_new_one_is_not(gone):
    (doubt,) = gone(["south", "west"])
    assert (doubt.guard, doubt.about) == ("vanished", "shop")
    assert 0.2 < doubt.share < 0.5
    assert "north" not in doubt.because
    assert not gone([*SHOPS, "east"])


def test_a_boolean_of_which_one_side_is_gone_is_suspicious_too(gone):
    (doubt,) = gone(SHOPS, opened=[True])
    assert doubt.about == "open"
