"""Of every task: what many rows are told is what each of them is told."""

from __future__ import annotations

import numpy as np
import pytest

from keepfit.tasks.binary import Binary
from keepfit.tasks.multiclass import Multiclass
from keepfit.tasks.regression import Regression

DRAW = np.random.default_rng(5)


def outputs_of(task, classes):
    if not classes:
        return {field: DRAW.normal(size=200) for field in task.fields(classes)}
    chances = DRAW.dirichlet(np.ones(len(classes)), size=200)
    chances[:20] = 1 / len(classes)  # ties go the same way too
    fields = task.fields(classes)
    return dict(zip(fields, chances.T[-len(fields) :], strict=True))


@pytest.mark.parametrize(
    ("task", "classes"),
    [
        (Binary(), (False, True)),
        (Binary(), ("no", "yes")),
        (Binary(), (0, 1)),
        (Multiclass(), ("a", "b", "ü")),
        (Multiclass(), (1, 2, 3, 4)),
        (Regression(), ()),
    ],
)
def test_many_answers_are_those_of_each_row(task, classes):
    outputs = outputs_of(task, classes)
    predictions, decisions = task.answers(outputs, classes, 0.5)
    each = [task.answer({field: float(values[row]) for field, values in outputs.items()}, classes, 0.5) for row in range(200)]
    assert list(zip(predictions.to_list(), decisions.to_list(), strict=True)) == each
    assert len(task.answers({field: values[:0] for field, values in outputs.items()}, classes, 0.5)[0]) == 0
