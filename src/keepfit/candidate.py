"""A candidate: a fitted model with its lineage, not yet judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal

from keepfit.calibration import Calibration
from keepfit.evaluation import Serving

__all__ = ["Candidate"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """What was fitted, from what, and how.

    `id` names it to people. `classes` are the target's values, the one to find last. `snapshots`, `schema`,
    `split` and `profile` are digests, `files` those of the model's files. Every row it learned from lies before
    `fitted_before`, so rows from then on are new to it; None where the problem has no time. `tried` is the
    best value of every estimator on the folds, of the metric that `selects`, after `trials` recipes; `constant` is that
    of an answer that needs no model.
    `difference` is how far the serving predictor's outputs lay from the model's, and `serving` what its answers cost.
    """

    record: ClassVar[str] = "candidate"
    version: ClassVar[int] = 1

    id: str
    estimator: str
    parameters: Mapping[str, Any]
    seed: int
    snapshots: tuple[str, ...]
    schema: str
    split: str | None
    classes: tuple[bool | int | float | str, ...]
    threshold: float
    calibration: Calibration | None
    final_fit: Literal["development", "all"]
    fitted_rows: int
    fitted_before: datetime | None
    tried: Mapping[str, float]
    trials: int
    predictor: str
    difference: float
    files: Mapping[str, str]
    profile: str
    versions: Mapping[str, str]
    serving: Serving | None = None
    selects: str = "log_loss"
    constant: float | None = None
