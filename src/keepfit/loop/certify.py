"""Certify: the serving predictor must give the outputs that were evaluated."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keepfit import errors, plugin
from keepfit.estimator import Answer, Fitted, Predictor
from keepfit.evaluation import Serving, serving
from keepfit.features import Inputs
from keepfit.release import Sample
from keepfit.request import as_request
from keepfit.schema import Schema
from keepfit.task import Outputs
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import polars as pl

__all__ = ["CERTIFIED_ROWS", "Certified", "certify"]

#: Rows on which the predictor must reproduce the evaluated outputs.
CERTIFIED_ROWS = 2000
#: Rows kept in the release, for its self-test.
SAMPLE_ROWS = 20


@dataclass(frozen=True, slots=True)
class Certified:
    """A saved model: its files by digest, a sample for the self-test, the largest difference seen, and what answers cost."""

    files: Mapping[str, str]
    sample: Sample
    difference: float
    serving: Serving


def certify(ws: Workspace, fitted: Fitted, rows: pl.DataFrame, known: Schema) -> Certified:
    """Save a model, and hold the serving predictor against it, row by row.

    Raises
    ------
    BadRelease
        The predictor's outputs lie further from the model's than they may.
    """
    inputs = rows.select([column.name for column in known.features])
    expected = fitted.predict(Inputs(inputs, ws.kinds))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fitted.save(folder)
        predictor: Predictor = plugin.find("predictors", fitted.predictor)(folder, ws.kinds, ws.folder)
        requests = [as_request(row) for row in inputs.iter_rows(named=True)]
        answers, durations = [], []
        for row in requests[: fitted.alone]:
            begin = time.thread_time_ns()  # what else the machine is doing is not the model's fault
            answers.append(predictor(row)[0])
            durations.append((time.thread_time_ns() - begin) / 1000)
        size = sum(path.stat().st_size for path in folder.iterdir())
        together = [_outputs(answer) for answer in predictor.many(requests)]
        kept = {path.name: ws.artifacts.put_file(path) for path in sorted(folder.iterdir())}
    difference = max(_difference(answers, expected), _difference(together, expected))
    if not difference <= fitted.tolerance:
        fix = "report this: the same row must give the same output in a table and in a request"
        raise errors.BadRelease(f"the serving predictor differs from the model by {difference:g}", at=fitted.predictor, fix=fix)
    return Certified(kept, Sample(tuple(requests[:SAMPLE_ROWS]), tuple(answers[:SAMPLE_ROWS])), difference, serving(size, durations))


def _outputs(answer: Answer | errors.BadRequest) -> Mapping[str, float]:
    if isinstance(answer, errors.BadRequest):
        raise answer
    return answer[0]


def _difference(answers: Sequence[Mapping[str, float]], expected: Outputs) -> float:
    """The largest difference, as a share of a field's largest output where that is above 1; infinite where a field is missing.

    `answers` may be those of the first rows alone.
    """
    found = [0.0]
    for field, values in expected.items():
        most = max([1.0, *(abs(float(value)) for value in values)])
        found += [abs(answer.get(field, math.inf) - float(value)) / most for answer, value in zip(answers, values, strict=False)]
    return math.inf if any(map(math.isnan, found)) else max(found)
