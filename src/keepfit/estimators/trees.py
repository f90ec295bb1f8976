"""The predictor of trees: what a request holds, through the feature plan and LightGBM's shared library, in microseconds."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from keepfit import errors, features, record
from keepfit.column import Kinds
from keepfit.estimator import Answer
from keepfit.estimators.booster import Booster
from keepfit.features import Plan

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from keepfit.task import Outputs

__all__ = ["Trees", "TreesPredictor", "read_trees"]


@dataclass(frozen=True, slots=True)
class Trees:
    """How the answers of trees become a task's output fields.

    `files` hold the trees, and `fields` are what all of them answer with, in order. A `score` is a probability as it
    is; `chances` are probabilities that are made to add up to 1; a `magnitude` was learned in units of `scale` from
    `shift` on, and its bounds keep it between them.
    """

    record: ClassVar[str] = "trees"
    version: ClassVar[int] = 1

    form: Literal["score", "chances", "magnitude"]
    files: tuple[str, ...]
    fields: tuple[str, ...]
    shift: float = 0.0
    scale: float = 1.0

    def one(self, raw: Sequence[float]) -> Mapping[str, float]:
        """The output fields of one row."""
        if self.form == "score":
            return {self.fields[0]: min(1.0, max(0.0, raw[0]))}
        if self.form == "chances":
            kept = [max(0.0, value) for value in raw]
            total = 0.0
            for value in kept:  # not sum(), which rounds otherwise
                total += value
            even = 1.0 / len(kept)
            return {field: value / total if total > 0.0 else even for field, value in zip(self.fields, kept, strict=True)}
        value, low, high = (number * self.scale + self.shift for number in raw)
        return dict(zip(self.fields, (value, min(value, low), max(value, high)), strict=True))

    def many(self, raw: Sequence[NDArray[np.float64]]) -> Outputs:
        """The output fields of many rows, each of shape (rows,): the same bits as one by one."""
        import numpy as np  # one row is answered without it

        if self.form == "score":
            return {self.fields[0]: np.minimum(1.0, np.maximum(0.0, raw[0]))}
        if self.form == "chances":
            kept = [np.maximum(0.0, values) for values in raw]
            total = np.zeros(kept[0].shape)
            for values in kept:
                total = total + values
            some = np.where(total > 0.0, total, 1.0)
            shares = zip(self.fields, kept, strict=True)
            return {field: np.where(total > 0.0, values / some, 1.0 / len(kept)) for field, values in shares}
        value, low, high = (numbers * self.scale + self.shift for numbers in raw)
        return dict(zip(self.fields, (value, np.minimum(value, low), np.maximum(value, high)), strict=True))


#: What a folder without a record of its own holds.
_ONE_SCORE = Trees("score", ("model.txt",), ("score",))


def read_trees(folder: Path) -> tuple[Plan, Trees, list[Booster]]:
    """What a folder holds: the feature plan, how answers become outputs, and the trees."""
    plan = record.read(Plan, (folder / "plan.json").read_bytes(), at=str(folder / "plan.json"))
    path = folder / "trees.json"
    trees = record.read(Trees, path.read_bytes(), at=str(path)) if path.exists() else _ONE_SCORE
    return plan, trees, [Booster.read(folder / name) for name in trees.files]


class TreesPredictor:
    """One row in, the output fields out; single-threaded, to be used by one thread."""

    merges = False

    def __init__(self, folder: Path, kinds: Kinds, code: Path | None = None) -> None:
        plan, self._trees, self._boosters = read_trees(folder)
        self.inputs = tuple(encoding.column for encoding in plan.encodings)
        self._buffer, self._write = features.row_writer(plan, kinds)
        self._answers = [booster.single(self._buffer) for booster in self._boosters]

    def __call__(self, row: Mapping[str, object]) -> Answer:
        warnings = self._write(row)
        if len(self._answers) == 1:
            return self._trees.one(self._answers[0]()), warnings
        return self._trees.one([value for answer in self._answers for value in answer()]), warnings

    def many(self, rows: Sequence[Mapping[str, object]]) -> list[Answer | errors.BadRequest]:
        encoded = array("d")
        said: list[list[str] | errors.BadRequest] = []
        for row in rows:
            try:
                said.append(self._write(row))
                encoded.extend(self._buffer)
            except errors.BadRequest as error:
                said.append(error)
        parts = [booster.predict_rows(encoded, len(self._buffer)) for booster in self._boosters]
        answers = (self._trees.one([value for part in row for value in part]) for row in zip(*parts, strict=True))
        return [one if isinstance(one, errors.BadRequest) else (next(answers), one) for one in said]
