"""The course of the demo: week by week what was answered, beside what the first model would have answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

from keepfit import errors
from keepfit.candidate import Candidate
from keepfit.demo.stream import Stream
from keepfit.evaluation import Evaluation, Gain
from keepfit.loop import log
from keepfit.loop.models import load_model
from keepfit.loop.rows import evaluate_rows, value_of
from keepfit.loop.watch import as_rows
from keepfit.measures.interval import clustered
from keepfit.schema import Schema
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["WEEK", "Course", "Gained", "Week", "gained"]

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Week:
    """The flights of a week: how they were answered, and how the first model, frozen, would have answered them.

    `releases` are those that answered. `happened` is the share that was late, `expected` what was answered on average and
    `frozen_expected` what the first model says; `loss` and `frozen_loss` are the mean log losses. `promoted` is the release
    that took over when the week was judged, `opened` what incidents were opened then are about.
    """

    begin: datetime
    flights: int
    releases: tuple[str, ...]
    happened: float
    expected: float
    frozen_expected: float
    loss: float
    frozen_loss: float
    promoted: str | None = None
    opened: tuple[str, ...] = ()

    @property
    def saved(self) -> float:
        """What refitting saved of the log loss."""
        return self.frozen_loss - self.loss


@dataclass(frozen=True, slots=True)
class Gained:
    """What refitting brought: the models that were promoted beside the first one, on the flights that they answered.

    None of these flights was known to the model that answered it, nor to the first. `gains` are those of the answers
    over the first model's, more being better, by metric; intervals take whole days together.
    """

    record: ClassVar[str] = "gained"
    version: ClassVar[int] = 2

    folder: str
    first: str
    promoted: tuple[str, ...]
    flights: int
    begin: datetime
    end: datetime
    answered: Evaluation
    frozen: Evaluation
    gains: Mapping[str, Gain]
    weeks: tuple[Week, ...]


@dataclass(slots=True)
class Course:
    """Measures week after week, and what was gained so far."""

    ws: Workspace
    first: Candidate
    #: The release that the first model serves under.
    release: str
    stream: Stream
    weeks: list[Week] = field(default_factory=list)
    _saved: list[NDArray[np.float64]] = field(default_factory=list)
    _days: list[NDArray[np.int64]] = field(default_factory=list)

    def week(self, begin: datetime) -> Week | None:
        """Measure the flights of a week, whose labels are there; None where none was asked about."""
        import numpy as np
        import polars as pl  # the command line starts without it

        days = [found for day in range(7) if (found := self.stream.answers.get(begin + timedelta(days=day))) is not None]
        if not days:
            return None
        frame = pl.concat(days).cast({pl.Int16: pl.Int64, pl.Int8: pl.Int64})
        truth = self.ws.task.truth(frame["late"], self.first.classes)
        frozen = load_model(self.ws, self.first).predict(frame)
        losses = self.ws.task.losses(truth, {"score": frame["score"].to_numpy()})
        frozen_losses = self.ws.task.losses(truth, frozen)
        later = (frame["release"] != self.release).to_numpy()
        self._saved.append((frozen_losses - losses)[later])
        self._days.append(frame["departure"].dt.epoch("d").cast(pl.Int64).to_numpy()[later])
        return Week(
            begin,
            frame.height,
            tuple(frame["release"].unique(maintain_order=True)),
            float(truth.mean()),
            float(frame["score"].to_numpy().mean()),
            float(np.mean(frozen["score"])),
            float(losses.mean()),
            float(frozen_losses.mean()),
        )

    def gain(self) -> tuple[int, Gain] | None:
        """The flights that promoted models answered, and what those saved of the log loss; None while there are none."""
        import numpy as np

        saved = np.concatenate(self._saved) if self._saved else np.empty(0)
        if saved.size == 0:
            return None
        names, of_row = np.unique(np.concatenate(self._days), return_inverse=True)
        if len(names) < 2:
            return None
        mean = float(saved.mean())
        half = clustered(saved - mean, of_row.astype(np.int64), len(names))
        return int(saved.size), Gain(mean, mean - half, mean + half, "log_loss")


def gained(course: Course, *, now: datetime) -> Gained:
    """Score the first model on the flights that promoted ones answered, as the log holds them with their labels.

    Raises
    ------
    NoChampion
        No challenger was promoted.
    """
    ws, first = course.ws, course.first
    takeovers = [entry for entry in ws.ledger.entries(kind="release") if entry.body["role"] == "champion" and entry.body["was"]]
    known = ws.artifacts.get_record(Schema, first.schema)
    told = log.with_truth(log.predictions(ws), log.labels(ws, now=now), known.target)
    rows = as_rows(ws, told.filter(told["release"] != course.release), known, first.classes)
    if not takeovers or rows.count == 0:
        raise errors.NoChampion("no challenger was promoted in these weeks", at=str(ws.folder), fix="keepfit demo, for all weeks")
    said = {"score": rows.frame["output.score"].to_numpy()}
    answered, frozen = (
        evaluate_rows(name, ws.task, rows, outputs, known, threshold=first.threshold, value=value_of(ws))
        for name, outputs in (("promoted", said), (first.id, load_model(ws, first).predict(rows.frame)))
    )
    times = rows.frame[known.time or ""]
    gains = {name: gain for name in answered.metrics if (gain := answered.known_gain_over(frozen, name)) is not None}
    return Gained(
        str(ws.folder),
        first.id,
        tuple(entry.body["release"] for entry in takeovers),
        rows.count,
        times.min(),  # type: ignore[arg-type]
        times.max(),  # type: ignore[arg-type]
        answered,
        frozen,
        gains,
        tuple(course.weeks),
    )
