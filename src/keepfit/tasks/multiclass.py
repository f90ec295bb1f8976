"""One of several values: the chance of each, and the likeliest as the decision."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from keepfit import errors
from keepfit.calibration import Calibration
from keepfit.later import numpy as np
from keepfit.measures import classes as measures
from keepfit.measures import decisions, plausible, quality
from keepfit.measures.temperature import sharpened, temperature
from keepfit.task import Metric, Outputs, Scored, Shown, Value

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from keepfit.measures.plausible import Told

__all__ = ["MOST_CLASSES", "Multiclass"]

#: A target with more values than this is no choice among classes.
MOST_CLASSES = 200

_SHARE, _POSITIVE, _ANY = (0.0, 1.0), (0.0, math.inf), (-math.inf, math.inf)


def _chances(outputs: Outputs) -> NDArray[np.float64]:
    """The probability of each class, shape (rows, classes)."""
    return np.stack([outputs[f"p{number}"] for number in range(len(outputs))], axis=1)


def _worth(scored: Scored) -> quality.Estimate:
    """What 1,000 decisions are worth, in the owner's unit."""
    value = scored.value or {}
    return quality.mean_of(1000.0 * np.where(scored.truth == scored.decisions, value.get("right", 0.0), value.get("wrong", 0.0)))


class Multiclass:
    """One of several values, each with its probability: the field `p0` is that of the first class, and so on in order."""

    kind = "multiclass"
    family = "categorical"
    calibration_must_help = True
    selects = "log_loss"
    worth = ("right", "wrong")
    against = ""
    counted: Mapping[str, tuple[str, bool]] = {"right": ("right value named", True), "wrong": ("wrong value named", False)}
    metrics: Mapping[str, Metric] = {
        "log_loss": Metric("lower", _POSITIVE, lambda s: quality.mean_of(measures.log_losses(s.truth, _chances(s.outputs)))),
        "accuracy": Metric("higher", _SHARE, lambda s: decisions.accuracy(s.truth, s.decisions)),
        "balanced_accuracy": Metric("higher", _SHARE, lambda s: decisions.balanced_accuracy(s.truth, s.decisions)),
        "f1_macro": Metric("higher", _SHARE, lambda s: decisions.f1_macro(s.truth, s.decisions)),
        "roc_auc": Metric("higher", _SHARE, lambda s: measures.roc_auc(s.truth, _chances(s.outputs))),
        "brier": Metric("lower", (0.0, 2.0), lambda s: measures.brier(s.truth, _chances(s.outputs))),
        "calibration_error": Metric("lower", _SHARE, lambda s: measures.calibration_error(s.truth, _chances(s.outputs))),
        "value": Metric("higher", _ANY, _worth),
    }

    def fields(self, classes: tuple[Any, ...]) -> tuple[str, ...]:
        return tuple(f"p{number}" for number in range(len(classes)))

    def classes(self, target: pl.Series, positive: Any) -> tuple[Any, ...]:
        known = target.drop_nulls()
        at = f"column {target.name}"
        if target.dtype.is_temporal() or (target.dtype.is_float() and bool((known != known.round(0)).any())):
            raise errors.BadTarget("the target holds magnitudes or times and the task is multiclass", at=at, fix='task = "regression"')
        found = known.unique().sort().to_list()
        if len(found) < 2:
            fix = "take data in which several values occur, or mend the target"
            raise errors.OneClass("the target has one value only: there is nothing to learn", at=at, fix=fix)
        if len(found) > MOST_CLASSES:
            fix = f'put rare values together until at most {MOST_CLASSES} are left, or write task = "regression"'
            raise errors.BadTarget(f"the target has {len(found):,} values, which is too many for classes", at=at, fix=fix)
        return tuple(found)

    def truth(self, target: pl.Series, classes: tuple[Any, ...]) -> NDArray[np.float64]:
        number = {value: float(place) for place, value in enumerate(classes)}
        return np.array([number.get(value, math.nan) for value in target.to_list()], dtype=np.float64)

    def constant(self, truth: NDArray[np.float64], classes: tuple[Any, ...]) -> Mapping[str, float]:
        shares = self._shares(truth, len(classes))
        return dict(zip(self.fields(classes), shares.tolist(), strict=True))

    def repeated(
        self, truth: NDArray[np.float64], last: NDArray[np.float64], now: NDArray[np.float64], classes: tuple[Any, ...]
    ) -> Outputs:
        """The shares after each last class, drawn to the overall shares as by one row more."""
        overall = self._shares(truth, len(classes))
        after = [np.bincount(truth[last == one].astype(np.int64), minlength=len(classes)) + overall for one in range(len(classes))]
        table = np.stack([*(counts / counts.sum() for counts in after), overall])
        chances = table[np.where(np.isnan(now), len(classes), now).astype(np.int64)]
        return {field: chances[:, number] for number, field in enumerate(self.fields(classes))}

    def under(self, outputs: Outputs, had: tuple[Any, ...], classes: tuple[Any, ...]) -> Outputs:
        if had == classes:
            return outputs
        of = {value: outputs[field] for value, field in zip(had, self.fields(had), strict=True)}
        none = np.zeros(outputs["p0"].shape)
        return {field: of.get(value, none) for value, field in zip(classes, self.fields(classes), strict=True)}

    def losses(self, truth: NDArray[np.float64], outputs: Outputs) -> NDArray[np.float64]:
        return measures.log_losses(truth, _chances(outputs))

    def rates(self, scored: Scored) -> tuple[float, float]:
        """Of the class for which the two part most."""
        expected = _chances(scored.outputs).mean(axis=0)
        happened = np.bincount(scored.truth.astype(np.int64), minlength=expected.size) / scored.truth.size
        apart = int(np.abs(expected - happened).argmax())
        return float(expected[apart]), float(happened[apart])

    def compares(self, expected: float, happened: float) -> tuple[str, str]:
        return "shares", f"of the class that is furthest off, {happened:.1%} happened, {expected:.1%} was expected"

    def learn_calibration(self, truth: NDArray[np.float64], outputs: Outputs) -> Calibration | None:
        return Calibration(slope=temperature(truth, _chances(outputs))) if truth.size else None

    def calibrate(self, outputs: Outputs, calibration: Calibration) -> Outputs:
        chances = sharpened(_chances(outputs), calibration.slope)
        return {field: chances[:, number] for number, field in enumerate(outputs)}

    def calibrate_row(self, outputs: Mapping[str, float], calibration: Calibration) -> Mapping[str, float]:
        return calibration.power(outputs)

    def plausible(self, told: Told, outputs: Outputs, asked: Outputs, *, draws: int, seed: int) -> NDArray[np.float64]:
        return plausible.classes(told, _chances(outputs), _chances(asked), draws, seed)

    def threshold(self, value: Value | None) -> float:
        return 0.0

    def best_threshold(self, truth: NDArray[np.float64], outputs: Outputs, value: Value | None) -> float:
        return 0.0

    def decide(self, outputs: Outputs, threshold: float) -> NDArray[Any]:
        return np.asarray(_chances(outputs).argmax(axis=1))

    def answer(self, outputs: Mapping[str, float], classes: tuple[Any, ...], threshold: float) -> tuple[Any, Any]:
        likeliest = max(range(len(classes)), key=lambda number: outputs[f"p{number}"])
        return classes[likeliest], classes[likeliest]

    def answers(self, outputs: Outputs, classes: tuple[Any, ...], threshold: float) -> tuple[pl.Series, pl.Series]:
        import polars as pl  # serving answers without it

        likeliest = pl.Series(classes).gather(pl.Series(self.decide(outputs, threshold).astype(np.uint32)))
        return likeliest, likeliest

    def counts(self, scored: Scored) -> Mapping[str, int]:
        right = int((scored.truth == scored.decisions).sum())
        return {"right": right, "wrong": scored.truth.size - right}

    def says(self, counts: Mapping[str, int], values: Mapping[str, float]) -> str:
        return f"Of 1,000 rows the model names the right value for {1000 * counts['right'] / sum(counts.values()):.0f}."

    def shown(self, scored: Scored) -> Shown:
        chances = _chances(scored.outputs)
        surest, right = chances.max(axis=1), scored.truth == scored.decisions
        taken = np.zeros((chances.shape[1], chances.shape[1]), dtype=np.int64)
        np.add.at(taken, (scored.truth.astype(np.int64), scored.decisions.astype(np.int64)), 1)
        return Shown(
            said=surest,
            happened=right.astype(np.float64),
            is_chance=True,
            said_as="chance of the value that was named",
            happened_as="share named rightly",
            parts={"rows named rightly": surest[right], "rows named wrongly": surest[~right]},
            parts_as="chance of the value that was named",
            right=right,
            taken=taken,
        )

    def _shares(self, truth: NDArray[np.float64], count: int) -> NDArray[np.float64]:
        return np.asarray(np.bincount(truth.astype(np.int64), minlength=count) / truth.size)
