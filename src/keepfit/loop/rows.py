"""Rows for fitting and judging: snapshots read together, their truth, and what belongs together among them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keepfit import digest
from keepfit.evaluation import Clusters, Evaluation, evaluate
from keepfit.loop.apart import apart
from keepfit.loop.keys import numbers_of, row_numbers
from keepfit.loop.take import Taken
from keepfit.schema import Schema
from keepfit.task import Outputs, Scored, Task, Value
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

__all__ = ["Rows", "beside", "clusters", "evaluate_rows", "known_rows", "subjects", "value_of"]

_NUMBER = "keepfit number"
#: Independent rows are summed in so many clusters: enough to know their variation, few enough to keep.
_BUCKETS = 1000


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows with a known target: their public columns and their truth, shape (rows,).

    `number` is each row's place in the snapshots that it was read from, or `ids` its id in the log, so that private columns
    can be read beside it; `subject` is a number that follows from each row's subject, where rows of one belong together. None where they
    are not known.
    """

    frame: pl.DataFrame
    truth: NDArray[np.float64]
    number: NDArray[np.int64] | None = None
    subject: NDArray[np.int64] | None = None
    ids: pl.Series | None = None

    def where(self, mask: NDArray[np.bool_]) -> Rows:
        import polars as pl  # the command line starts without it

        number, subject = (None if one is None else one[mask] for one in (self.number, self.subject))
        ids = None if self.ids is None else self.ids.filter(pl.Series(mask))
        return Rows(self.frame.filter(pl.Series(mask)), self.truth[mask], number, subject, ids)

    @property
    def count(self) -> int:
        return self.frame.height


def known_rows(ws: Workspace, taken: list[Taken], known: Schema, classes: tuple[Any, ...]) -> Rows:
    """The rows of snapshots with a known target, each key once: the first snapshot that holds it has the say.

    Of private columns only the subject's token is read, as a number, where no time says what belongs together.
    """
    import numpy as np
    import polars as pl  # the command line starts without it

    columns = [column for column in known.public if "later" not in column.uses]
    who = [] if known.time else known.used("subject")[:1]
    frame = pl.concat([ws.tables.read(part.snapshot, [*columns, *who]) for part in taken], how="diagonal").with_row_index(_NUMBER)
    if known.key and len(taken) > 1:
        frame = frame.unique(subset=list(known.key), keep="first", maintain_order=True)
    number = frame[_NUMBER].cast(pl.Int64).to_numpy()
    subject = subjects(frame, who[0].name, known) if who else None
    truth = ws.task.truth(frame[known.target], classes)
    return Rows(frame.select([column.name for column in columns]), truth, number, subject).where(~np.isnan(truth))


def subjects(frame: pl.DataFrame, subject: str, known: Schema) -> NDArray[np.int64]:
    """A number that follows from each row's subject; a row without one stands alone."""
    import numpy as np  # the command line starts without it

    alone = row_numbers(frame, known)
    return np.where(frame[subject].is_null().to_numpy(), alone, numbers_of(frame.select(subject))).view(np.int64)


def beside(ws: Workspace, taken: Sequence[Taken], known: Schema, rows: Rows, names: Iterable[str]) -> dict[str, pl.Series]:
    """Columns for measuring, private ones among them, for rows of snapshots or of the log; never for fitting."""
    import polars as pl  # the command line starts without it

    found = {name: rows.frame[name] for name in names if name in rows.frame.columns}
    private = [known[name] for name in names if name not in found]
    if private and taken and rows.number is not None:
        whole = pl.concat([ws.tables.read(part.snapshot, private) for part in taken], how="vertical")
        found |= {column.name: whole[column.name].gather(rows.number) for column in private}
    elif private and rows.ids is not None:
        kept = apart(ws, rows.ids, [column.name for column in private])
        found |= {column.name: kept[column.name] for column in private}
    return found


def clusters(frame: pl.DataFrame, known: Schema, subject: NDArray[np.int64] | None = None) -> Clusters:
    """Whole days where there is time, else whole subjects where they are known, else every row alone."""
    import numpy as np

    if known.time:
        names, of_row = np.unique(frame[known.time].dt.epoch("d").to_numpy(), return_inverse=True)
        return Clusters("day", of_row.astype(np.int64), len(names))
    if subject is not None:
        names, of_row = np.unique(subject, return_inverse=True)
        return Clusters("subject", of_row.astype(np.int64), len(names))
    return Clusters("key", np.arange(frame.height, dtype=np.int64) % _BUCKETS, min(frame.height, _BUCKETS))


def value_of(ws: Workspace) -> Value | None:
    """What decisions are worth, as the project file states it."""
    stated = ws.spec.problem.value
    return {name: stated.get(name, 0.0) for name in ws.task.worth} if stated else None


def evaluate_rows(
    candidate: str, task: Task, rows: Rows, outputs: Outputs, known: Schema, *, threshold: float, value: Value | None
) -> Evaluation:
    """Measure a candidate's outputs on rows with a known target."""
    scored = Scored(rows.truth, outputs, task.decide(outputs, threshold), value)
    identity = digest.of_bytes(row_numbers(rows.frame, known).astype("<u8").tobytes() + rows.truth.astype("<f8").tobytes())
    return evaluate(candidate, task, scored, clusters(rows.frame, known, rows.subject), rows=identity, threshold=threshold)
