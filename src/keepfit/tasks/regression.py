"""A magnitude: its expected value, and bounds between which it lies in nine of ten cases."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from keepfit import errors
from keepfit.calibration import Calibration
from keepfit.later import numpy as np
from keepfit.measures import magnitudes, plausible, quality
from keepfit.task import Metric, Outputs, Scored, Shown, Value

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from keepfit.measures.plausible import Told

__all__ = ["Regression"]

_SHARE, _POSITIVE, _ANY = (0.0, 1.0), (0.0, math.inf), (-math.inf, math.inf)
#: The quantiles that bound nine of ten.
_BOUNDS = (0.05, 0.95)


def _worth(scored: Scored) -> quality.Estimate:
    """What 1,000 predictions are worth: so much for every unit too high, so much for every unit too low."""
    value, error = scored.value or {}, scored.decisions - scored.truth
    return quality.mean_of(1000.0 * np.where(error > 0, value.get("over", 0.0) * error, -value.get("under", 0.0) * error))


class Regression:
    """A magnitude, predicted by its mean; `low` and `high` are its 5 % and 95 % quantiles."""

    kind = "regression"
    family = "gaussian"
    calibration_must_help = False
    selects = "rmse"
    worth = ("over", "under")
    against = ""
    counted: Mapping[str, tuple[str, bool]] = {"inside": ("between its bounds", True), "outside": ("outside its bounds", False)}
    metrics: Mapping[str, Metric] = {
        "rmse": Metric("lower", _POSITIVE, lambda s: magnitudes.rmse(s.truth, s.outputs["prediction"])),
        "mae": Metric("lower", _POSITIVE, lambda s: magnitudes.mae(s.truth, s.outputs["prediction"])),
        "r2": Metric("higher", (-math.inf, 1.0), lambda s: magnitudes.r2(s.truth, s.outputs["prediction"])),
        "bias": Metric("lower", _POSITIVE, lambda s: magnitudes.bias(s.truth, s.outputs["prediction"])),
        "coverage": Metric("higher", _SHARE, lambda s: magnitudes.coverage(s.truth, s.outputs["low"], s.outputs["high"])),
        "pinball": Metric("lower", _POSITIVE, lambda s: magnitudes.pinball(s.truth, s.outputs["low"], s.outputs["high"])),
        "value": Metric("higher", _ANY, _worth),
    }

    def fields(self, classes: tuple[Any, ...]) -> tuple[str, ...]:
        return ("prediction", "low", "high")

    def classes(self, target: pl.Series, positive: Any) -> tuple[Any, ...]:
        at = f"column {target.name}"
        if not target.dtype.is_numeric():
            fix = "name a column of numbers, or write another task"
            raise errors.BadTarget("the target holds no numbers and the task is regression", at=at, fix=fix)
        if target.drop_nulls().n_unique() < 2:
            fix = "take data in which the target varies, or mend it"
            raise errors.OneClass("the target has one value only: there is nothing to learn", at=at, fix=fix)
        return ()

    def truth(self, target: pl.Series, classes: tuple[Any, ...]) -> NDArray[np.float64]:
        values = np.array(target.cast(float).fill_null(math.nan).to_numpy(), dtype=np.float64)
        values[np.isinf(values)] = np.nan
        return values

    def constant(self, truth: NDArray[np.float64], classes: tuple[Any, ...]) -> Mapping[str, float]:
        low, high = np.quantile(truth, _BOUNDS)
        return {"prediction": float(truth.mean()), "low": float(low), "high": float(high)}

    def repeated(
        self, truth: NDArray[np.float64], last: NDArray[np.float64], now: NDArray[np.float64], classes: tuple[Any, ...]
    ) -> Outputs:
        """The last truth itself, with the bounds that changes kept to; a row without one gets the constant."""
        there = ~np.isnan(last)
        low, high = np.quantile(truth[there] - last[there], _BOUNDS) if there.any() else (0.0, 0.0)
        moved = {"prediction": now, "low": now + low, "high": now + high}
        fixed = self.constant(truth, classes)
        return {field: np.where(np.isnan(now), fixed[field], values) for field, values in moved.items()}

    def under(self, outputs: Outputs, had: tuple[Any, ...], classes: tuple[Any, ...]) -> Outputs:
        return outputs

    def losses(self, truth: NDArray[np.float64], outputs: Outputs) -> NDArray[np.float64]:
        return np.asarray((outputs["prediction"] - truth) ** 2)

    def rates(self, scored: Scored) -> tuple[float, float]:
        return float(scored.outputs["prediction"].mean()), float(scored.truth.mean())

    def compares(self, expected: float, happened: float) -> tuple[str, str]:
        return "mean", f"{happened:.4g} happened, {expected:.4g} was expected"

    def learn_calibration(self, truth: NDArray[np.float64], outputs: Outputs) -> Calibration | None:
        """How far each bound must move for one in twenty rows, of those to come, to lie beyond it."""
        share = _BOUNDS[1] * (1 + 1 / truth.size) if truth.size else 2.0
        if share > 1:
            return None
        below, above = (float(np.quantile(beyond, share, method="higher")) for beyond in (outputs["low"] - truth, truth - outputs["high"]))
        return Calibration(below=below, above=above)

    def calibrate(self, outputs: Outputs, calibration: Calibration) -> Outputs:
        value, low, high = outputs["prediction"], outputs["low"] - calibration.below, outputs["high"] + calibration.above
        return {"prediction": value, "low": np.minimum(value, low), "high": np.maximum(value, high)}

    def calibrate_row(self, outputs: Mapping[str, float], calibration: Calibration) -> Mapping[str, float]:
        value, low, high = outputs["prediction"], outputs["low"] - calibration.below, outputs["high"] + calibration.above
        return {"prediction": value, "low": min(value, low), "high": max(value, high)}

    def plausible(self, told: Told, outputs: Outputs, asked: Outputs, *, draws: int, seed: int) -> NDArray[np.float64]:
        width, asked_width = (said["high"] - said["low"] for said in (outputs, asked))
        return plausible.magnitudes(told, outputs["prediction"], width, asked["prediction"], asked_width, draws, seed)

    def threshold(self, value: Value | None) -> float:
        return 0.0

    def best_threshold(self, truth: NDArray[np.float64], outputs: Outputs, value: Value | None) -> float:
        return 0.0

    def decide(self, outputs: Outputs, threshold: float) -> NDArray[Any]:
        return outputs["prediction"]

    def answer(self, outputs: Mapping[str, float], classes: tuple[Any, ...], threshold: float) -> tuple[Any, Any]:
        return outputs["prediction"], outputs["prediction"]

    def answers(self, outputs: Outputs, classes: tuple[Any, ...], threshold: float) -> tuple[pl.Series, pl.Series]:
        import polars as pl  # serving answers without it

        magnitudes = pl.Series(outputs["prediction"])
        return magnitudes, magnitudes

    def counts(self, scored: Scored) -> Mapping[str, int]:
        inside = int(((scored.outputs["low"] <= scored.truth) & (scored.truth <= scored.outputs["high"])).sum())
        return {"inside": inside, "outside": scored.truth.size - inside}

    def says(self, counts: Mapping[str, int], values: Mapping[str, float]) -> str:
        inside = 1000 * counts["inside"] / sum(counts.values())
        off = f"{values['mae']:,.0f}" if 100 <= values["mae"] < 1e15 else f"{values['mae']:.3g}"
        return f"Predictions are off by {off} on average; of 1,000 rows {inside:.0f} lie between their bounds."

    def shown(self, scored: Scored) -> Shown:
        said = scored.outputs["prediction"]
        return Shown(
            said=said,
            happened=scored.truth,
            is_chance=False,
            said_as="predicted",
            happened_as="mean of what came about",
            parts={"all rows": said - scored.truth},
            parts_as="predicted less true",
            right=(scored.outputs["low"] <= scored.truth) & (scored.truth <= scored.outputs["high"]),
        )
