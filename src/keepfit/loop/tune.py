"""Tune: what follows from rows left out of the folds: calibration, and the decision threshold."""

from __future__ import annotations

import math

from keepfit.calibration import Calibration
from keepfit.loop.recipe import Held
from keepfit.loop.rows import clusters
from keepfit.measures.interval import clustered
from keepfit.schema import Schema
from keepfit.task import Outputs, Task, Value

__all__ = ["apply", "calibrate", "threshold"]


def calibrate(task: Task, held: Held, known: Schema) -> Calibration | None:
    """A calibration, when it clearly helps on folds that it was not learned on; else none.

    Each fold is calibrated by what was learned on the others, and the gain in loss must lie above zero with its
    whole 95 % interval, whole days (or subjects) taken together. Bounds are moved without that: it is what makes
    them hold.
    """
    import numpy as np

    truth, outputs = held.rows.truth, held.outputs
    made = task.learn_calibration(truth, outputs)
    if made is None or not task.calibration_must_help:
        return made
    before = task.losses(truth, outputs)
    after = before.copy()
    for fold in np.unique(held.fold):
        rest = held.fold != fold
        of_rest = task.learn_calibration(truth[rest], {field: values[rest] for field, values in outputs.items()})
        if of_rest is None:
            return None
        here = {field: values[~rest] for field, values in outputs.items()}
        after[~rest] = task.losses(truth[~rest], task.calibrate(here, of_rest))
    gains = before - after
    gain = float(gains.mean())
    together = clusters(held.rows.frame, known, held.rows.subject)
    half = clustered(gains - gain, together.of_row, together.count)
    return made if math.isfinite(half) and gain - half > 0 else None


def threshold(task: Task, held: Held, calibration: Calibration | None, value: Value | None) -> float:
    """The least score that is decided for: where rows left out were worth most, else what `value` implies."""
    return task.best_threshold(held.rows.truth, apply(task, calibration, held.outputs), value)


def apply(task: Task, calibration: Calibration | None, outputs: Outputs) -> Outputs:
    """Outputs after calibration."""
    return outputs if calibration is None else task.calibrate(outputs, calibration)
