"""The log as tables: predictions and labels, each once, whether they are folded or wait in segments."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from keepfit.loop.fold import about, decoded, folder_of, table_of_labels, table_of_predictions
from keepfit.stores.segments import payloads, waiting
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import polars as pl

__all__ = ["labels", "predictions", "values_of", "with_truth"]


def predictions(ws: Workspace, *, shadows: bool = False) -> pl.DataFrame:
    """Every prediction once, the first record of each id, in the order of their arrival; what a shadow said only where asked for.

    Columns: the record's fields, `input.<column>` under the schema's types, and `output.<field>`.
    """
    import polars as pl  # the command line starts without it

    found = _table(ws, "predictions", table_of_predictions)
    if not shadows:
        return found.filter(pl.col("role") != "shadow").unique(subset=["id"], keep="first", maintain_order=True)
    return found.with_columns(_about=about()).unique(subset=["id", "_about"], keep="first", maintain_order=True).drop("_about")


def labels(ws: Workspace, *, now: datetime) -> pl.DataFrame:
    """The labels received up to `now`, in that order, without those that only repeat the one before; `value` is JSON text."""
    import polars as pl  # the command line starts without it

    found = _table(ws, "labels", table_of_labels).filter(pl.col("received_at") <= now).sort("received_at", maintain_order=True)
    about = ["prediction", "key", "name"]
    first = pl.int_range(pl.len()).over(about) == 0
    repeats = [pl.col(name).eq_missing(pl.col(name).shift(1).over(about)) for name in ("value", "observed_at")]
    return found.filter(first | ~pl.all_horizontal(repeats))


def with_truth(answered: pl.DataFrame, known_labels: pl.DataFrame, target: str) -> pl.DataFrame:
    """Predictions with the column `label`: the newest value for the target, JSON text, null while it is not known."""
    import polars as pl  # the command line starts without it

    about = known_labels.filter(pl.col("name") == target).sort("received_at", maintain_order=True)
    by_id = about.filter(pl.col("prediction").is_not_null()).unique(subset=["prediction"], keep="last")
    by_key = about.filter(pl.col("key").is_not_null()).unique(subset=["key"], keep="last")
    return (
        answered.join(by_id.select(id="prediction", label_by_id="value"), on="id", how="left", maintain_order="left")
        .join(by_key.select("key", label_by_key="value"), on="key", how="left", maintain_order="left")
        .with_columns(label=pl.coalesce("label_by_id", "label_by_key"))
        .drop("label_by_id", "label_by_key")
    )


def values_of(texts: pl.Series) -> pl.Series:
    """JSON texts as the values that they stand for."""
    import polars as pl  # the command line starts without it

    return pl.Series(texts.name, [None if text is None else msgspec.json.decode(text) for text in texts], strict=False)


def _table(ws: Workspace, kind: str, table: Callable[[Workspace, Iterable[dict[str, Any]]], pl.DataFrame]) -> pl.DataFrame:
    """Folded files and segments that wait, together."""
    import polars as pl  # the command line starts without it

    # Segments first: one that is folded meanwhile is found again among the files, under the same name.
    frames = {path.stem: table(ws, decoded(payloads(path))) for path in waiting(ws.segments, kind)}
    for path in folder_of(ws, kind).glob("*.parquet"):
        if not path.stem.endswith(".private"):
            frames[path.stem] = pl.read_parquet(path, glob=False)
    empty = table(ws, [])
    return pl.concat([empty, *(frames[name] for name in sorted(frames))], how="diagonal_relaxed")
