"""Yes or no: the chance that a row has the value to find, and whether to act on it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from keepfit import errors
from keepfit.calibration import Calibration
from keepfit.later import numpy as np
from keepfit.measures import decisions, plausible, quality
from keepfit.measures.platt import platt
from keepfit.task import Metric, Outputs, Scored, Shown, Value

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from keepfit.measures.plausible import Told

__all__ = ["Binary"]

_SHARE, _POSITIVE, _ANY = (0.0, 1.0), (0.0, math.inf), (-math.inf, math.inf)


def _worth(scored: Scored) -> quality.Estimate:
    """What 1,000 decisions are worth against doing nothing, in the owner's unit."""
    value, positive, acted = scored.value or {}, scored.truth == 1, scored.decisions
    per_row = np.where(
        acted,
        np.where(positive, value.get("true_positive", 0.0), value.get("false_positive", 0.0)),
        np.where(positive, value.get("false_negative", 0.0), value.get("true_negative", 0.0)),
    )
    nothing = np.where(positive, value.get("false_negative", 0.0), value.get("true_negative", 0.0))
    return quality.mean_of(1000.0 * (per_row - nothing))


class Binary:
    """One of two values, scored with the probability of the one to find."""

    kind = "binary"
    family = "bernoulli"
    calibration_must_help = True
    selects = "log_loss"
    worth = ("true_positive", "false_positive", "true_negative", "false_negative")
    against = " against doing nothing"
    counted: Mapping[str, tuple[str, bool]] = {
        "true_positive": ("yes, and right", True),
        "false_positive": ("yes, and wrong", False),
        "false_negative": ("no, and missed", False),
        "true_negative": ("no, and right", True),
    }
    metrics: Mapping[str, Metric] = {
        "log_loss": Metric("lower", _POSITIVE, lambda s: quality.log_loss(s.truth, s.outputs["score"])),
        "roc_auc": Metric("higher", _SHARE, lambda s: quality.roc_auc(s.truth, s.outputs["score"])),
        "average_precision": Metric("higher", _SHARE, lambda s: quality.average_precision(s.truth, s.outputs["score"])),
        "brier": Metric("lower", _SHARE, lambda s: quality.brier(s.truth, s.outputs["score"])),
        "calibration_error": Metric("lower", _SHARE, lambda s: quality.calibration_error(s.truth, s.outputs["score"])),
        "accuracy": Metric("higher", _SHARE, lambda s: decisions.accuracy(s.truth, s.decisions)),
        "balanced_accuracy": Metric("higher", _SHARE, lambda s: decisions.balanced_accuracy(s.truth, s.decisions)),
        "precision": Metric("higher", _SHARE, lambda s: decisions.precision(s.truth, s.decisions)),
        "recall": Metric("higher", _SHARE, lambda s: decisions.recall(s.truth, s.decisions)),
        "f1": Metric("higher", _SHARE, lambda s: decisions.f1(s.truth, s.decisions)),
        "value": Metric("higher", _ANY, _worth),
    }

    def fields(self, classes: tuple[Any, ...]) -> tuple[str, ...]:
        return ("score",)

    def classes(self, target: pl.Series, positive: Any) -> tuple[Any, ...]:
        counted: dict[Any, int] = dict(target.drop_nulls().value_counts().rows())
        at = f"column {target.name}"
        if len(counted) < 2:
            fix = "take data in which both outcomes occur, or mend the target"
            raise errors.OneClass("the target has one value only: there is nothing to learn", at=at, fix=fix)
        if len(counted) > 2:
            fix = "make a column of true and false, or name another target"
            raise errors.BadTarget(f"the target has {len(counted)} values and the task is binary", at=at, fix=fix)
        if positive is None:
            rarer = min(counted, key=lambda value: (counted[value], str(value)))
            positive = True if isinstance(rarer, bool) else rarer
        if positive not in [value for value in counted if type(value) is type(positive)]:
            fix = f"the target's values are of type {type(next(iter(counted))).__name__}; write one of them"
            raise errors.BadTarget("problem.positive is not among the target's two values", at=at, fix=fix)
        return (*(value for value in counted if value != positive), positive)

    def truth(self, target: pl.Series, classes: tuple[Any, ...]) -> NDArray[np.float64]:
        known = (target == classes[-1]).cast(float)
        return np.array(known.fill_null(float("nan")).to_numpy(), dtype=np.float64)

    def constant(self, truth: NDArray[np.float64], classes: tuple[Any, ...]) -> Mapping[str, float]:
        return {"score": float(truth.mean())}

    def repeated(
        self, truth: NDArray[np.float64], last: NDArray[np.float64], now: NDArray[np.float64], classes: tuple[Any, ...]
    ) -> Outputs:
        """The rate after each last outcome, drawn to the overall rate as by one row more."""
        overall = float(truth.mean())
        rate = {one: (float(truth[last == one].sum()) + overall) / (int((last == one).sum()) + 1) for one in (0.0, 1.0)}
        return {"score": np.where(np.isnan(now), overall, np.where(now == 1.0, rate[1.0], rate[0.0]))}

    def under(self, outputs: Outputs, had: tuple[Any, ...], classes: tuple[Any, ...]) -> Outputs:
        return outputs

    def losses(self, truth: NDArray[np.float64], outputs: Outputs) -> NDArray[np.float64]:
        return quality.log_losses(truth, outputs["score"])

    def rates(self, scored: Scored) -> tuple[float, float]:
        return float(scored.outputs["score"].mean()), float(scored.truth.mean())

    def compares(self, expected: float, happened: float) -> tuple[str, str]:
        return "base rate", f"{happened:.1%} happened, {expected:.1%} was expected"

    def learn_calibration(self, truth: NDArray[np.float64], outputs: Outputs) -> Calibration | None:
        if not 0 < truth.sum() < truth.size:
            return None
        return Calibration(*platt(truth, outputs["score"]))

    def calibrate(self, outputs: Outputs, calibration: Calibration) -> Outputs:
        return {"score": calibration.many(outputs["score"])}

    def calibrate_row(self, outputs: Mapping[str, float], calibration: Calibration) -> Mapping[str, float]:
        return {"score": calibration.one(outputs["score"])}

    def plausible(self, told: Told, outputs: Outputs, asked: Outputs, *, draws: int, seed: int) -> NDArray[np.float64]:
        return plausible.outcomes(told, outputs["score"], asked["score"], draws, seed)

    def threshold(self, value: Value | None) -> float:
        """Acting pays from this probability on: worth of acting at least that of not acting.

        >>> Binary().threshold({"true_positive": 12, "false_positive": -3})
        0.2
        """
        if value is None or not any(value.values()):
            return 0.5
        right = value.get("true_positive", 0.0) - value.get("false_negative", 0.0)
        wrong = value.get("true_negative", 0.0) - value.get("false_positive", 0.0)
        if right + wrong > 0:
            return float(min(1.0, max(0.0, wrong / (right + wrong))))
        # Acting gains nothing from a surer yes: it pays always, or where it costs something, never.
        return 0.0 if wrong <= 0 else 1.0

    def best_threshold(self, truth: NDArray[np.float64], outputs: Outputs, value: Value | None) -> float:
        """Where rows left out were worth most, or what `value` implies when that is not clearly less."""
        implied = self.threshold(value)
        if value is None:
            return implied
        grid = np.unique(np.quantile(outputs["score"], np.linspace(0.0, 1.0, 201)))
        worth = {cut: _worth(Scored(truth, outputs, outputs["score"] >= cut, value)) for cut in (implied, *grid.tolist())}
        best = max(worth, key=lambda cut: worth[cut].value)
        ahead = worth[best].influence - worth[implied].influence
        error = float(ahead.std()) / math.sqrt(truth.size)
        return best if worth[best].value - worth[implied].value > 2 * error else implied

    def decide(self, outputs: Outputs, threshold: float) -> NDArray[np.bool_]:
        return np.asarray(outputs["score"] >= threshold)

    def answer(self, outputs: Mapping[str, float], classes: tuple[Any, ...], threshold: float) -> tuple[Any, Any]:
        acts = outputs["score"] >= threshold
        return classes[acts], acts

    def answers(self, outputs: Outputs, classes: tuple[Any, ...], threshold: float) -> tuple[pl.Series, pl.Series]:
        import polars as pl  # serving answers without it

        acts = self.decide(outputs, threshold)
        return pl.Series(classes).gather(pl.Series(acts.astype(np.uint32))), pl.Series(acts)

    def counts(self, scored: Scored) -> Mapping[str, int]:
        positive, acted = scored.truth == 1, scored.decisions
        return {
            "true_positive": int((positive & acted).sum()),
            "false_positive": int((~positive & acted).sum()),
            "true_negative": int((~positive & ~acted).sum()),
            "false_negative": int((positive & ~acted).sum()),
        }

    def says(self, counts: Mapping[str, int], values: Mapping[str, float]) -> str:
        rows = sum(counts.values())
        per = {name: 1000 * count / rows for name, count in counts.items()}
        says_yes = per["true_positive"] + per["false_positive"]
        return (
            f"Of 1,000 rows the model says yes to {says_yes:.0f}; {per['true_positive']:.0f} of those are right, "
            f"and it misses {per['false_negative']:.0f} others."
        )

    def shown(self, scored: Scored) -> Shown:
        score, positive = scored.outputs["score"], scored.truth == 1
        return Shown(
            said=score,
            happened=scored.truth,
            is_chance=True,
            said_as="chance that the model gave",
            happened_as="share that came true",
            parts={"rows that came true": score[positive], "rows that did not": score[~positive]},
            parts_as="chance that the model gave",
            right=positive == scored.decisions,
            score=score,
        )
