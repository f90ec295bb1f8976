"""Certify: the serving predictor must give the outputs that were evaluated."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keepfit import errors, plugin
from keepfit.estimator import Fitted
from keepfit.evaluation import Serving, serving
from keepfit.release import Sample
from keepfit.schema import Schema
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import polars as pl

__all__ = ["CERTIFIED_ROWS", "Certified", "as_request", "certify"]

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
    expected = fitted.predict(inputs)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fitted.save(folder)
        predictor = plugin.find("predictors", fitted.predictor)(folder, ws.kinds)
        requests = [as_request(row) for row in inputs.iter_rows(named=True)]
        answers, durations = [], []
        for row in requests:
            begin = time.perf_counter_ns()
            answers.append(predictor(row)[0])
            durations.append((time.perf_counter_ns() - begin) / 1000)
        size = sum(path.stat().st_size for path in folder.iterdir())
        kept = {path.name: ws.artifacts.put_file(path) for path in sorted(folder.iterdir())}
    difference = max((abs(answer[field] - float(expected[field][i])) for i, answer in enumerate(answers) for field in answer), default=0.0)
    if not difference <= fitted.tolerance:
        fix = "report this: the same row must give the same output in a table and in a request"
        raise errors.BadRelease(f"the serving predictor differs from the model by {difference:g}", at=fitted.predictor, fix=fix)
    return Certified(kept, Sample(tuple(requests[:SAMPLE_ROWS]), tuple(answers[:SAMPLE_ROWS])), difference, serving(size, durations))


def as_request(row: Mapping[str, Any]) -> dict[str, Any]:
    """A table's row as a request carries it: times as text, missing and not finite numbers as null."""
    return {name: _value(value) for name, value in row.items()}


def _value(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
