"""How good the probabilities of several classes are; each measure gives its value and every row's influence on it.

`truth` holds class numbers from 0, shape (rows,), `chances` the probability of every class, shape (rows, classes).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from keepfit.later import numpy as np
from keepfit.measures import quality
from keepfit.measures.quality import Estimate, average_of, mean_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["brier", "calibration_error", "log_losses", "roc_auc"]

Floats: TypeAlias = "NDArray[np.float64]"
_TINY = 1e-15


def log_losses(truth: Floats, chances: Floats) -> Floats:
    """Each row's negative log of the probability of its class, in nats; probabilities are kept 1e-15 above 0."""
    of_class = chances[np.arange(truth.size), truth.astype(np.int64)]
    return np.asarray(-np.log(np.clip(of_class, _TINY, 1.0)))


def brier(truth: Floats, chances: Floats) -> Estimate:
    """Mean over rows of the summed squared differences of probability and truth, in [0, 2]; 0 is perfect.

    Brier (1950), Monthly Weather Review 78, 1-3; with two classes it is twice the binary score.
    """
    happened = truth[:, None] == np.arange(chances.shape[1])
    return mean_of(((chances - happened) ** 2).sum(axis=1))


def roc_auc(truth: Floats, chances: Floats) -> Estimate:
    """The average over classes of the area under the curve of each against the rest, in [0, 1]; 0.5 is chance.

    Classes that no row, or every row, belongs to are left out: their curve is not there.

    Raises
    ------
    ValueError
        The rows are of one class.
    """
    there = np.unique(truth).astype(np.int64)
    if there.size < 2:
        raise ValueError("roc_auc needs rows of two classes")
    return average_of([quality.roc_auc((truth == one).astype(np.float64), chances[:, one]) for one in there])


def calibration_error(truth: Floats, chances: Floats, bins: int = 10) -> Estimate:
    """The calibration error of the likeliest class's probability against how often it is the true one, in [0, 1].

    Guo et al. (2017), ICML 70, 1321-1330, on bins of equally many rows.
    """
    right = truth == chances.argmax(axis=1)
    return quality.calibration_error(right.astype(np.float64), chances.max(axis=1), bins)
