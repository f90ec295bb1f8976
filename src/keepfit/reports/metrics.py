"""Metrics in words for people who have not met them."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["meaning", "ordered", "title"]

_TITLES = {
    "roc_auc": "ROC AUC",
    "brier": "Brier score",
    "f1": "F1",
    "f1_macro": "F1, mean over classes",
    "rmse": "RMSE",
    "mae": "MAE",
    "r2": "R²",
}

_MEANINGS = {
    "log_loss": "how surprised the model is by what happens, on average; 0 is sure and right every time",
    "roc_auc": "how often a row that came true stands above one that did not; 0.5 is guessing, 1 is perfect",
    "average_precision": "how pure the top of the ranking is, over all cuts; guessing gives the base rate, 1 is perfect",
    "brier": "mean squared distance between chances and what happened; 0 is sure and right every time",
    "calibration_error": "how far chances lie from what happens, on average; 0 keeps every word",
    "accuracy": "share of rows that were decided rightly",
    "balanced_accuracy": "share decided rightly, every outcome counted alike",
    "precision": "of the rows that it says yes to, the share that is right",
    "recall": "of the rows that came true, the share that it says yes to",
    "f1": "precision and recall in one number; 1 is perfect",
    "f1_macro": "precision and recall in one number, every class counted alike; 1 is perfect",
    "value": "what 1,000 decisions are worth, in the unit of the project file",
    "rmse": "how far predictions are off, large misses counted more, in the target's unit",
    "mae": "how far predictions are off on average, in the target's unit",
    "r2": "share of the target's variation that is explained; 0 is as good as the mean, 1 is perfect",
    "bias": "how far predictions are off on average when highs and lows may cancel, in the target's unit",
    "coverage": "share of rows between the two bounds; 90 % is what they promise",
    "pinball": "how well the two bounds fit, wide ones counted as misses, in the target's unit",
}


def title(metric: str) -> str:
    """A metric's name for people.

    >>> title("log_loss")
    'log loss'
    """
    return _TITLES.get(metric, metric.replace("_", " "))


def meaning(metric: str) -> str:
    """What a metric's numbers mean; empty for one that did not come with this package."""
    return _MEANINGS.get(metric, "")


def ordered(names: Iterable[str], selects: str) -> list[str]:
    """Metrics as people read them: the one by which candidates compete, what decisions are worth, then the others.

    >>> ordered(["accuracy", "log_loss", "mine", "roc_auc", "value"], "log_loss")
    ['log_loss', 'value', 'roc_auc', 'accuracy', 'mine']
    """
    known = [selects, "value", *_MEANINGS]
    return sorted(names, key=lambda name: (known.index(name) if name in known else len(known), name))
