"""Test a delivery stage: is the challenger that answers no worse than the champion, on what was answered since?"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from keepfit.candidate import Candidate
from keepfit.evaluation import Gain
from keepfit.loop import early, fold, log
from keepfit.loop.judge import score_both
from keepfit.loop.models import candidate_behind, load_model
from keepfit.loop.rows import Rows, clusters
from keepfit.loop.state import pace
from keepfit.loop.step import Came, Step
from keepfit.loop.watch import as_rows
from keepfit.measures.sequential import log_evidence
from keepfit.record import plain
from keepfit.schema import Schema
from keepfit.stage import Says, StageTest

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

__all__ = ["conclude", "examine"]

#: Evidence of 20 to 1 ends a stage: wrong in at most 5 of 100 stages, half of them on either side.
ENOUGH = math.log(20.0)
#: The champion's mean loss may be missed by this share of it: what is less counts as no worse.
MARGIN = 0.02
#: A test needs so many rows with a label, and so many answers of the challenger's own.
FEWEST_LABELS, FEWEST_ANSWERS = 100, 100
#: Before labels come: the challenger's slowest answers may take so many times those of the champion, and so much longer at least.
SLOWER, SLOWER_BY_US = 2.0, 5_000.0
#: How far a live answer may lie from what the same model says of the same row afterwards, and the share that must.
SAME, AGREE, MOST_COMPARED = 1e-6, 0.99, 2000


def examine(step: Step) -> Came:
    """Look at the stage once more, and write down what is seen."""
    action = step.action
    assert action.window is not None
    assert action.release is not None
    answered = _answered(step)
    own = answered.filter(answered["release"] == action.release)
    enough = own.height >= FEWEST_ANSWERS
    made = _by_labels(step, answered) if enough else _blank(step, f"{own.height:,} answers of its own are too few")
    broken = _broken(step, own, answered.filter(answered["release"] == step.state.champion))
    if not broken and enough and made.gain is None:
        broken = early.against(step, answered)
    if broken:
        made = replace(made, says="failed", because=broken)
    elif enough and made.gain is None and _labels_are_far(step):
        because = f"{own.height:,} answers, as fast as the champion's and sound, nothing speaks against it; labels come too late"
        made = replace(made, says="passed", because=because)
    body = {**made.noted, "begin": plain(made.begin), "end": plain(made.end)}
    step.ws.append("stage", [action.release, action.stage, action.window.name], body, at=step.now, actor="loop")
    gain = Gain(made.gain, made.gain, made.gain, step.ws.task.selects) if made.gain is not None else None
    return Came(release=action.release, gain=gain, test=made, why=made.says)


def _answered(step: Step) -> pl.DataFrame:
    import polars as pl  # the command line starts without it

    window = step.action.window
    assert window is not None
    return log.predictions(step.ws, answered=window).filter(pl.col("role").is_in(["champion", "canary"]))


def _by_labels(step: Step, answered: pl.DataFrame) -> StageTest:
    """The paired losses of both models on every row whose label is due, whoever answered it, by whole days or groups of keys."""
    import polars as pl  # the command line starts without it

    ws = step.ws
    champion, challenger = candidate_behind(ws, step.state.champion), candidate_behind(ws, step.action.release)
    assert champion is not None
    assert challenger is not None
    known = ws.artifacts.get_record(Schema, challenger[0].schema)
    due = answered.filter(pl.coalesce("time", "at") <= step.now - ws.spec.problem.label_delay.delta)  # early labels may be of one kind
    told = log.with_truth(due, log.labels(ws, now=step.now, about=due), known.target)
    rows = as_rows(ws, told, known, challenger[0].classes)
    if rows.count < FEWEST_LABELS:
        return _blank(step, f"{rows.count:,} labels are too few", rows.count)
    (_, theirs), (_, ours) = score_both(ws, rows, known, [champion[0], challenger[0]], classes=challenger[0].classes)
    base = ws.task.losses(rows.truth, theirs)
    return conclude(step, base, base - ws.task.losses(rows.truth, ours), rows, known)


def conclude(step: Step, base: NDArray[np.float64], gained: NDArray[np.float64], rows: Rows, known: Schema) -> StageTest:
    """What paired gains say: no worse by more than the margin, worse, or not yet."""
    import numpy as np

    unit = clusters(rows.frame, known)
    counts = np.bincount(unit.of_row, minlength=unit.count)
    sums = np.bincount(unit.of_row, weights=gained, minlength=unit.count)
    margin = MARGIN * float(base.mean())
    mean = float(gained.mean())
    shares = counts / counts.mean()
    per_unit = sums / counts.mean()
    no_worse = log_evidence(per_unit + margin * shares) if mean > -margin else 0.0
    worse = log_evidence(per_unit) if mean < 0 else 0.0
    says: Says = "passed" if no_worse >= ENOUGH else "failed" if worse >= ENOUGH else "undecided"
    because = f"gain {mean:+.4f} {step.ws.task.selects.replace('_', ' ')} over {rows.count:,} rows in {unit.count} {unit.unit}s"
    return replace(
        _blank(step, f"{because}: {_WORDS[says]}", rows.count), units=unit.count, gain=mean, no_worse=no_worse, worse=worse, says=says
    )


_WORDS: dict[Says, str] = {"passed": "it is no worse", "failed": "it is worse", "undecided": "not enough to tell"}


def _broken(step: Step, own: pl.DataFrame, theirs: pl.DataFrame) -> str:
    """What is wrong with the challenger's answers themselves, before any label: missing, slow, or not what they should be."""
    found = candidate_behind(step.ws, step.action.release)
    assert found is not None
    if failed := early.failures(own, theirs, step.ws.task.fields(found[0].classes)):
        return failed
    if own.height < FEWEST_ANSWERS:
        return ""
    slow, usual = (float(frame["latency_us"].quantile(0.95) or 0.0) for frame in (own, theirs))
    if theirs.height >= FEWEST_ANSWERS and slow > SLOWER * usual and slow > usual + SLOWER_BY_US:
        return f"95 of 100 of its answers take up to {slow / 1000:.1f} ms, the champion's {usual / 1000:.1f} ms"
    same = _as_it_should(step, found[0], own.tail(MOST_COMPARED))
    return "" if same >= AGREE else f"only {same:.1%} of its answers are what it says of the same rows afterwards"


def _as_it_should(step: Step, candidate: Candidate, own: pl.DataFrame) -> float:
    """The share of live answers that come out again when the model is asked for the same rows."""
    import numpy as np
    import polars as pl  # the command line starts without it

    known = step.ws.artifacts.get_record(Schema, candidate.schema)
    asked = own.select(pl.col(f"{fold.INPUT}{column.name}").alias(column.name) for column in known.features)
    outputs = load_model(step.ws, candidate).predict(asked)
    said = {field: own[f"{fold.OUTPUT}{field}"].fill_null(float("nan")).to_numpy() for field in outputs}
    apart = np.max([np.abs(outputs[field] - said[field]) for field in outputs], axis=0)
    return float((apart <= SAME).mean())


def _labels_are_far(step: Step) -> bool:
    return step.ws.spec.problem.label_delay.delta > pace(step.ws, step.state.watched)


def _blank(step: Step, because: str, rows: int = 0) -> StageTest:
    """A test that cannot tell yet."""
    action = step.action
    assert action.window is not None
    assert action.stage is not None
    begin, end = action.window.begin, action.window.end
    return StageTest(str(action.release), action.stage, begin, end, rows, 0, None, None, None, "undecided", because)
