"""What a few rows, drawn with known chances, say of all."""

from __future__ import annotations

import numpy as np
import pytest

from keepfit.measures.sampled import chances, difference, drawn

ROWS = 2000


def test_chances_add_up_and_none_is_beyond_one():
    draw = np.random.default_rng(1)
    for count in (1, 30, 900, ROWS, ROWS + 5):
        found = chances(draw.exponential(size=ROWS) ** 3, count)
        assert found.sum() == pytest.approx(min(count, ROWS))
        assert found.max() <= 1.0


def test_as_many_rows_are_drawn_as_were_asked_for_each_once_and_all_along_the_order():
    draw = np.random.default_rng(2)
    score = draw.random(ROWS)
    found = drawn(chances(np.ones(ROWS), 40), score, seed=3)
    assert len(set(found.tolist())) == 40
    assert np.bincount((score[found] * 4).astype(int), minlength=4).min() >= 9


def test_a_row_is_drawn_as_often_as_its_chance_says():
    sizes = np.array([1.0, 2.0, 3.0, 4.0])
    chance = chances(sizes, 2)
    times = np.zeros(4)
    for seed in range(2000):
        times[drawn(chance, np.arange(4.0), seed)] += 1
    assert times / 2000 == pytest.approx(chance, abs=0.04)


def test_the_mean_is_right_on_average_though_guesses_are_off_and_better_than_from_even_draws():
    draw = np.random.default_rng(4)
    score = 0.01 + 0.98 * draw.random(ROWS) ** 4
    truth = (draw.random(ROWS) < score).astype(float)
    losses = -np.log(np.where(truth == 1, score, 1 - score))
    guess = -1.2 * (score * np.log(score) + (1 - score) * np.log(1 - score))
    unsure = np.sqrt(score * (1 - score)) * np.abs(np.log(score / (1 - score)))
    unsure += 0.3 * unsure.mean()
    errors, even, inside = [], [], 0
    for seed in range(400):
        chance = chances(unsure, 150)
        at = drawn(chance, score, seed)
        value, low, high = difference(losses[at], guess[at], chance[at], guess)
        errors.append(value - losses.mean())
        inside += low <= losses.mean() <= high
        some = np.random.default_rng(seed).choice(ROWS, 150, replace=False)
        even.append(losses[some].mean() - losses.mean())
    assert abs(np.mean(errors)) < 4 * np.std(errors) / 20
    assert np.std(errors) < np.std(even)
    assert inside >= 0.9 * 400
