"""How good decisions for one of several classes are; each measure gives its value and every row's influence on it.

Classes and decisions are class numbers from 0, shape (rows,); two classes are 0 and 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from keepfit.later import numpy as np
from keepfit.measures.interval import wilson
from keepfit.measures.quality import Estimate, average_of, rate_of, ratio_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["accuracy", "balanced_accuracy", "f1", "f1_macro", "precision", "recall"]

Floats: TypeAlias = "NDArray[np.float64]"


def accuracy(truth: Floats, decided: Floats) -> Estimate:
    """The share of right decisions, in [0, 1]."""
    return rate_of(truth == decided)


def precision(truth: Floats, decided: Floats, found: int = 1) -> Estimate:
    """The share of right decisions among those for a class, in [0, 1].

    Raises
    ------
    ValueError
        Nothing was decided for the class.
    """
    return _among(truth == found, decided == found)


def recall(truth: Floats, decided: Floats, found: int = 1) -> Estimate:
    """The share of a class's rows that are decided for it, in [0, 1].

    Raises
    ------
    ValueError
        No row is of the class.
    """
    return _among(decided == found, truth == found)


def f1(truth: Floats, decided: Floats, found: int = 1) -> Estimate:
    """The harmonic mean of precision and recall of a class, in [0, 1]; the influence is that of a ratio.

    Raises
    ------
    ValueError
        No row is of the class, and none is decided for it.
    """
    is_one, says_one = truth == found, decided == found
    return ratio_of(2.0 * (is_one & says_one), is_one.astype(np.float64) + says_one)


def balanced_accuracy(truth: Floats, decided: Floats) -> Estimate:
    """The average over classes that occur of the share of their rows that are decided right; in [0, 1]."""
    return average_of([recall(truth, decided, int(found)) for found in np.unique(truth)])


def f1_macro(truth: Floats, decided: Floats) -> Estimate:
    """The average of `f1` over classes that occur or are decided for, in [0, 1]."""
    return average_of([f1(truth, decided, int(found)) for found in np.union1d(truth, decided)])


def _among(hits: NDArray[np.bool_], asked: NDArray[np.bool_]) -> Estimate:
    """The share of hits among the rows that are asked; independent rows have Wilson's interval."""
    both, rows = int((hits & asked).sum()), int(asked.sum())
    ratio = ratio_of((hits & asked).astype(np.float64), asked.astype(np.float64))
    return Estimate(ratio.value, ratio.influence, lambda confidence: wilson(both, rows, confidence))
