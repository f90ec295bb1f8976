"""Rows for fitting and judging: snapshots read together, their truth, and what belongs together among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keepfit import digest
from keepfit.evaluation import Clusters, Evaluation, evaluate
from keepfit.loop.take import Taken, row_keys
from keepfit.schema import Schema
from keepfit.task import Outputs, Scored, Task, Value
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

__all__ = ["Rows", "clusters", "evaluate_rows", "known_rows", "value_of"]

_BUCKETS = 1000


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows with a known target: their columns and their truth, shape (rows,)."""

    frame: pl.DataFrame
    truth: NDArray[np.float64]

    def where(self, mask: NDArray[np.bool_]) -> Rows:
        import polars as pl  # the command line starts without it

        return Rows(self.frame.filter(pl.Series(mask)), self.truth[mask])

    @property
    def count(self) -> int:
        return self.frame.height


def known_rows(ws: Workspace, taken: list[Taken], known: Schema, classes: tuple[Any, ...]) -> Rows:
    """The rows of snapshots with a known target, each key once: the first snapshot that holds it has the say."""
    import numpy as np
    import polars as pl  # the command line starts without it

    columns = [column for column in known.public if "later" not in column.uses]
    frame = pl.concat([ws.tables.read(part.snapshot, columns) for part in taken], how="vertical")
    if known.key and len(taken) > 1:
        frame = frame.unique(subset=list(known.key), keep="first", maintain_order=True)
    truth = ws.task.truth(frame[known.target], classes)
    return Rows(frame, truth).where(~np.isnan(truth))


def clusters(frame: pl.DataFrame, known: Schema) -> Clusters:
    """Whole days where there is time, else a thousand groups by the digest of the key."""
    import numpy as np

    if known.time:
        day = frame[known.time].dt.strftime("%Y-%m-%d").to_numpy()
        names, of_row = np.unique(day, return_inverse=True)
        return Clusters("day", of_row.astype(np.int64), len(names))
    bucket = np.array([int(digest.of_bytes(key.encode())[3:11], 16) % _BUCKETS for key in row_keys(frame, known)], dtype=np.int64)
    names, of_row = np.unique(bucket, return_inverse=True)
    return Clusters("key", of_row.astype(np.int64), len(names))


def value_of(ws: Workspace) -> Value | None:
    """What decisions are worth, as the project file states it."""
    stated = ws.spec.problem.value
    return stated.model_dump() if stated else None


def evaluate_rows(
    candidate: str, task: Task, rows: Rows, outputs: Outputs, known: Schema, *, threshold: float, value: Value | None
) -> Evaluation:
    """Measure a candidate's outputs on rows with a known target."""
    scored = Scored(rows.truth, outputs, task.decide(outputs, threshold), value)
    identity = digest.of_value([row_keys(rows.frame, known), rows.truth.tolist()])
    return evaluate(candidate, task, scored, clusters(rows.frame, known), rows=identity, threshold=threshold)
