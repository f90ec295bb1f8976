"""An estimate: what the quality of a window may be while its labels are not known, and how far earlier estimates were off."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from keepfit.evaluation import Evaluation
from keepfit.measures.plausible import Told
from keepfit.metric import number
from keepfit.task import Outputs, Scored, Task, Value

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Asked", "Estimate", "Expected", "Known", "Track", "clearly_worse", "estimate", "past", "tracked"]

#: Truths are drawn so often: at least, at most, and for so many rows together.
FEWEST_DRAWS, MOST_DRAWS, DRAWN = 40, 100, 250_000
#: Of more rows that are asked about, as many are taken, spread evenly.
MOST_ASKED = 20_000
#: So many estimates' worth of belief in the intervals as they are, before any was held against labels.
_TRUSTED = 4.0
#: The newest so many estimates that were held against labels make the track.
MOST_PAST = 26


@dataclass(frozen=True, slots=True)
class Expected:
    """What a metric may come to once labels are known: between `low` and `high` with 95 %."""

    value: float
    low: float
    high: float
    better: Literal["higher", "lower"]

    def __str__(self) -> str:
        return f"{number(self.value)} [{number(self.low)}, {number(self.high)}]"


def clearly_worse(one: Expected, other: Expected) -> bool:
    """Whether all that one may come to is worse than all that another may.

    >>> clearly_worse(Expected(0.7, 0.6, 0.8, "lower"), Expected(0.5, 0.45, 0.55, "lower"))
    True
    """
    return one.low > other.high if one.better == "lower" else one.high < other.low


@dataclass(frozen=True, slots=True)
class Track:
    """How earlier estimates of a metric stood against what labels showed: over `windows`, `off` by so much on average.

    `above` is the mean of estimate less measured, with its sign; `inside` how many measured values lay in their interval.
    `stretch` is what intervals are widened by for it, at least 1.
    """

    windows: int
    off: float
    above: float
    inside: int
    stretch: float = 1.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the quality of one release in one interval may be, made while its labels were not known.

    `rows` were answered, `known` rows with a known truth, in `blocks` of a window's length, were learned from. `happens` is
    the rate of the outcome, or the mean truth, that is expected beside `expected`, the mean output. `past` is the record of
    earlier estimates, by metric; empty before the first was held against labels. `shift` says how unlike the rows are that were
    learned from: the share of them that counts, in (0, 1].
    """

    record: ClassVar[str] = "estimate"
    version: ClassVar[int] = 1

    begin: datetime
    end: datetime
    release: str
    role: Literal["champion", "canary", "shadow"]
    rows: int
    known: int
    blocks: int
    metrics: Mapping[str, Expected]
    selects: str
    task: str = "binary"
    expected: float | None = None
    happens: float | None = None
    shift: float = 1.0
    past: Mapping[str, Track] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __getitem__(self, metric: str) -> Expected:
        return self.metrics[metric]


@dataclass(frozen=True, slots=True)
class Known:
    """Rows whose truth is known, and a model's outputs for them."""

    told: Told
    outputs: Outputs


@dataclass(frozen=True, slots=True)
class Asked:
    """Rows whose truth is not known: a model's outputs for them, the threshold at which it decides, and what decisions are worth."""

    outputs: Outputs
    threshold: float
    value: Value | None = None


def estimate(task: Task, known: Known, asked: Asked, *, seed: int, past: Mapping[str, Track] | None = None) -> dict[str, Any]:
    """The metrics that labels may show, with what the outputs expect and what is expected to happen.

    Truths are drawn many times as the known rows say (`Task.plausible`), and every metric is computed of each draw. The interval
    holds what is drawn, how sure the calibration is, and how windows differ of themselves: it is one for the measured value, not
    for a mean over many windows.

    Returns
    -------
    dict
        The members `metrics`, `expected` and `happens` of an `Estimate`.
    """
    import numpy as np  # the command line starts without it

    outputs = _some(asked.outputs)
    rows = next(iter(outputs.values())).size
    if rows == 0:
        return {"metrics": {}, "expected": None, "happens": None}
    draws = int(min(MOST_DRAWS, max(FEWEST_DRAWS, DRAWN // rows)))
    truths = task.plausible(known.told, known.outputs, outputs, draws=draws, seed=seed)
    decisions = task.decide(outputs, asked.threshold)
    found: dict[str, list[float]] = {}
    rates: list[tuple[float, float]] = []
    for truth in truths:
        scored = Scored(truth, outputs, decisions, asked.value)
        rates.append(task.rates(scored))
        for name, metric in task.metrics.items():
            if name == "value" and asked.value is None:
                continue
            try:
                found.setdefault(name, []).append(metric.measure(scored).value)
            except ValueError:
                continue  # as of an outcome that was not drawn: what is left says what there would be
    metrics = {}
    for name, values in found.items():
        kept = np.array(values)
        if kept.size < draws / 2 or not np.isfinite(kept).all():
            continue
        metrics[name] = _expected(task, name, kept, (past or {}).get(name))
    said, happens = (float(one) for one in np.mean(rates, axis=0))
    return {"metrics": metrics, "expected": said, "happens": happens}


def _some(outputs: Outputs) -> Outputs:
    rows = next(iter(outputs.values())).size
    step = -(-rows // MOST_ASKED)
    return {name: values[::step] for name, values in outputs.items()} if step > 1 else outputs


def _expected(task: Task, name: str, drawn: NDArray[np.float64], track: Track | None) -> Expected:
    import numpy as np  # the command line starts without it

    metric = task.metrics[name]
    value, (low, high) = float(drawn.mean()), np.quantile(drawn, [0.025, 0.975], method="weibull")  # what comes is one more draw
    stretch = track.stretch if track else 1.0
    least, most = metric.range
    bounds = max(least, value - stretch * (value - float(low))), min(most, value + stretch * (float(high) - value))
    return Expected(value, *bounds, metric.better)


def past(pairs: Sequence[tuple[Estimate, Evaluation]]) -> dict[str, Track]:
    """How estimates stood against what labels showed, by metric.

    Parameters
    ----------
    pairs : estimates of earlier windows, oldest first, each with what was measured once the labels were known
    """
    found: dict[str, list[tuple[Expected, float]]] = {}
    for said, measured in pairs[-MOST_PAST:]:
        for name, expected in said.metrics.items():
            if name in measured.metrics:
                found.setdefault(name, []).append((expected, measured.metrics[name].value))
    return {name: tracked(seen) for name, seen in found.items()}


def tracked(seen: Sequence[tuple[Expected, float]]) -> Track:
    """The track of estimates of one metric, each with what was measured.

    >>> tracked([(Expected(0.7, 0.6, 0.8, "higher"), 0.72), (Expected(0.7, 0.6, 0.8, "higher"), 0.66)])
    Track(windows=2, off=0.03, above=0.01, inside=2, stretch=1.0)
    """
    errors = [said.value - value for said, value in seen]
    halves = [max((said.high - said.low) / 2, 1e-12) for said, _ in seen]
    square = _TRUSTED + math.fsum((1.96 * error / half) ** 2 for error, half in zip(errors, halves, strict=True))
    return Track(
        windows=len(seen),
        off=round(math.fsum(map(abs, errors)) / len(errors), 10),
        above=round(math.fsum(errors) / len(errors), 10),
        inside=sum(1 for said, value in seen if said.low <= value <= said.high),
        stretch=max(1.0, math.sqrt(square / (_TRUSTED + len(seen)))),
    )
