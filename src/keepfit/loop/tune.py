"""Tune: what follows from rows left out of the folds: calibration, and the decision threshold."""

from __future__ import annotations

import math

from keepfit.calibration import Calibration
from keepfit.loop.recipe import Held
from keepfit.loop.rows import clusters
from keepfit.measures.interval import clustered
from keepfit.measures.platt import platt
from keepfit.measures.quality import mean_of
from keepfit.schema import Schema
from keepfit.task import Outputs, Task, Value

__all__ = ["apply", "calibrate", "threshold"]


def calibrate(task: Task, held: Held, known: Schema) -> Calibration | None:
    """A calibration, when it clearly helps on folds that it was not learned on; else none.

    Each fold is calibrated by a line learned on the others, and the gain in loss must lie above zero with its
    whole 95 % interval, whole days (or groups) taken together.
    """
    import numpy as np

    if task.calibrates is None:
        return None
    score, truth = held.outputs[task.calibrates], held.rows.truth
    after = score.copy()
    for fold in np.unique(held.fold):
        rest = held.fold != fold
        if not 0 < truth[rest].sum() < rest.sum():
            return None
        after[~rest] = Calibration(*platt(truth[rest], score[rest])).many(score[~rest])
    before, changed = (task.losses(truth, {**held.outputs, task.calibrates: values}) for values in (score, after))
    gain = mean_of(before - changed)
    together = clusters(held.rows.frame, known, held.rows.subject)
    half = clustered(gain.influence, together.of_row, together.count)
    return Calibration(*platt(truth, score)) if math.isfinite(half) and gain.value - half > 0 else None


def threshold(task: Task, held: Held, calibration: Calibration | None, value: Value | None) -> float:
    """The least score that is decided for: where rows left out were worth most, else what `value` implies."""
    return task.best_threshold(held.rows.truth, apply(task, calibration, held.outputs), value)


def apply(task: Task, calibration: Calibration | None, outputs: Outputs) -> Outputs:
    """Outputs after calibration."""
    if calibration is None or task.calibrates is None:
        return outputs
    return {**outputs, task.calibrates: calibration.many(outputs[task.calibrates])}
