"""Fit: from snapshots to a candidate, evaluated on rows that it never saw."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keepfit import digest, errors, plugin, split
from keepfit.candidate import Candidate
from keepfit.estimator import Fitted
from keepfit.evaluation import Evaluation
from keepfit.instant import from_micros
from keepfit.ledger import Entry
from keepfit.loop.rows import Rows, evaluate_rows, known_rows, value_of
from keepfit.loop.take import Taken, row_keys
from keepfit.profile import profile
from keepfit.progress import Progress, silent
from keepfit.release import Sample
from keepfit.schema import Schema
from keepfit.split import Split
from keepfit.task import Scored
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

__all__ = ["Fit", "candidate_of", "fit", "load_model", "refit"]

#: Rows on which the predictor must reproduce the evaluated outputs.
CERTIFIED_ROWS = 2000
#: Rows kept in the release, for its self-test.
SAMPLE_ROWS = 20
#: Raised when fitting gives another result from the same inputs.
STEP = 1


@dataclass(frozen=True, slots=True)
class Fit:
    """A candidate, its evaluation where rows were kept for one, and the entry that names both."""

    candidate: Candidate
    evaluation: Evaluation | None
    entry: Entry


@dataclass(frozen=True, slots=True)
class _Recipe:
    """How a model is fitted."""

    estimator: str
    parameters: Mapping[str, Any]


def fit(ws: Workspace, taken: Taken, *, now: datetime, progress: Progress = silent) -> Fit:
    """Let the estimators compete on the newest development rows, fit the best on all of them, test it on the newest rows.

    Nothing to do when the same data was fitted with the same settings before.

    Raises
    ------
    UsageFault
        One class, too few rows, or no column to learn from.
    """
    model = ws.spec.model
    cause = [taken.digest, record_of_model(ws), value_of(ws), STEP, versions()]
    if done := _done(ws, cause):
        return done
    known = taken.schema
    classes, rows = _labelled(ws, [taken], known)
    times, shares = _times(rows, known), None
    if times is not None:
        boundaries = split.by_time(times, ws.spec.problem.label_delay)
    else:
        boundaries, shares = split.by_key(rows.count), _shares(rows, known)
    place = split.places(boundaries, times, shares)
    test = rows.where(place == "test")
    develop = rows.where(split.development(boundaries, place, times))
    _both_classes(develop, test)
    chosen, tried = _compete(ws, known, rows, place, progress)
    progress(f"fitting {chosen.estimator} on {develop.count:,} rows")
    fitted = _fit(ws, known, develop, chosen)
    evaluation = evaluate_rows(
        "", ws.task, test, fitted.predict(test.frame), known, threshold=ws.task.threshold(value_of(ws)), value=value_of(ws)
    )
    learned = develop
    if model.final_fit == "all":
        progress(f"fitting {chosen.estimator} once more on all {rows.count:,} rows")
        fitted, learned = _fit(ws, known, rows, chosen), rows
    draft = _draft(ws, known, [taken], chosen, fitted, learned, classes)
    return _keep(ws, cause, replace(draft, tried=tried), fitted, known, learned, test.frame, boundaries, evaluation, now)


def refit(ws: Workspace, champion: Candidate, taken: list[Taken], *, cause: list[Any], now: datetime, progress: Progress = silent) -> Fit:
    """Fit the champion's recipe once on every row with a known target; its test is what comes after."""
    cause = ["refit", *cause, [part.digest for part in taken], STEP, versions()]
    if done := _done(ws, cause):
        return done
    known = taken[0].schema
    classes, rows = _labelled(ws, taken, known)
    chosen = _Recipe(champion.estimator, champion.parameters)
    progress(f"fitting {chosen.estimator} on {rows.count:,} rows")
    fitted = _fit(ws, known, rows, chosen)
    draft = replace(_draft(ws, known, taken, chosen, fitted, rows, classes), final_fit="all", threshold=champion.threshold)
    return _keep(ws, cause, draft, fitted, known, rows, rows.frame.tail(CERTIFIED_ROWS), None, None, now)


def load_model(ws: Workspace, candidate: Candidate) -> Fitted:
    """A candidate's model, from its artifacts."""
    with tempfile.TemporaryDirectory() as place:
        for name, named in candidate.files.items():
            (Path(place) / name).write_bytes(ws.artifacts.get(named))
        return ws.estimator(candidate.estimator).load(Path(place), ws.kinds)


def candidate_of(ws: Workspace, name: str) -> tuple[Candidate, Entry]:
    """A candidate by its id.

    Raises
    ------
    NothingThere
        The ledger has none of that id.
    """
    for entry in ws.ledger.entries(kind="fit"):
        if entry.body["candidate"] == name:
            return ws.artifacts.get_record(Candidate, entry.body["artifacts"]["candidate"]), entry
    raise errors.NothingThere(f"there is no candidate '{name}'", at=name, fix="see: keepfit history")


def evaluation_of(ws: Workspace, entry: Entry) -> Evaluation | None:
    """The evaluation that a fit's entry names."""
    name = entry.body["artifacts"].get("evaluation")
    return ws.artifacts.get_record(Evaluation, name) if name else None


def versions() -> dict[str, str]:
    """The versions of the libraries on which a fit's result depends."""
    return {name: version(name) for name in ("lightgbm", "numpy", "polars", "scikit-learn")}


def record_of_model(ws: Workspace) -> dict[str, Any]:
    """The settings on which a fit depends."""
    problem = ws.spec.problem
    named = {"positive": problem.positive, "task": problem.task, "label_delay": str(problem.label_delay)}
    return {**ws.spec.model.model_dump(mode="json"), **named}


def _done(ws: Workspace, cause: list[Any]) -> Fit | None:
    entry = ws.entry("fit", cause)
    if entry is None:
        return None
    candidate = ws.artifacts.get_record(Candidate, entry.body["artifacts"]["candidate"])
    return Fit(candidate, evaluation_of(ws, entry), entry)


def _labelled(ws: Workspace, taken: list[Taken], known: Schema) -> tuple[tuple[Any, ...], Rows]:
    import polars as pl  # the command line starts without it

    target = pl.concat([ws.tables.read(part.snapshot, [known[known.target]]) for part in taken])[known.target]
    if target.null_count() == target.len():
        fix = "check the target column and the label delay"
        raise errors.TooFewRows("no row has a known target", at=f"column {known.target}", fix=fix)
    classes = ws.task.classes(target, ws.spec.problem.positive)
    return classes, known_rows(ws, taken, known, classes)


def _both_classes(develop: Rows, test: Rows) -> None:
    for rows, name in ((develop, "development"), (test, "test")):
        if rows.truth.size == 0 or rows.truth.min() == rows.truth.max():
            fix = "take data over a longer time, in which both outcomes occur at both ends"
            raise errors.OneClass(f"the {name} rows hold one outcome only", at="the split", fix=fix)


def _compete(ws: Workspace, known: Schema, rows: Rows, place: NDArray[np.str_], progress: Progress) -> tuple[_Recipe, dict[str, float]]:
    recipes = [_Recipe(kind, dict(ws.estimator(kind).defaults)) for kind in ws.spec.model.estimators]
    first, choice = rows.where(place == "fit"), rows.where(place == "choice")
    alone = len(recipes) == 1 or min(first.count, choice.count) == 0 or any(r.truth.min() == r.truth.max() for r in (first, choice))
    if alone:
        return recipes[0], {}
    metric = ws.task.metrics[ws.task.selects]
    tried: dict[str, float] = {}
    for recipe in recipes:
        progress(f"trying {recipe.estimator}")
        outputs = _fit(ws, known, first, recipe).predict(choice.frame)
        scored = Scored(choice.truth, outputs, ws.task.decide(outputs, 0.5), None)
        tried[recipe.estimator] = metric.measure(scored).value
    sign = 1 if metric.better == "lower" else -1
    return min(recipes, key=lambda recipe: sign * tried[recipe.estimator]), tried


def _fit(ws: Workspace, known: Schema, rows: Rows, recipe: _Recipe) -> Fitted:
    return ws.estimator(recipe.estimator).fit(
        rows.frame, rows.truth, known.features, task=ws.task, kinds=ws.kinds, parameters=recipe.parameters, seed=ws.spec.model.seed
    )


def _draft(
    ws: Workspace, known: Schema, taken: list[Taken], recipe: _Recipe, fitted: Fitted, learned: Rows, classes: tuple[Any, ...]
) -> Candidate:
    times = _times(learned, known)
    number = sum(1 for _ in ws.ledger.entries(kind="fit")) + 1
    return Candidate(
        id=f"c{number}",
        estimator=recipe.estimator,
        parameters=recipe.parameters,
        seed=ws.spec.model.seed,
        snapshots=tuple(part.digest for part in taken),
        schema=taken[0].snapshot.schema,
        split=None,
        classes=classes,
        threshold=ws.task.threshold(value_of(ws)),
        final_fit="development",
        fitted_rows=learned.count,
        fitted_before=from_micros(int(times.max()) + 1) if times is not None else None,
        tried={},
        predictor=fitted.predictor,
        difference=0.0,
        files={},
        profile="",
        versions=versions(),
    )


def _keep(
    ws: Workspace,
    cause: list[Any],
    draft: Candidate,
    fitted: Fitted,
    known: Schema,
    learned: Rows,
    certify_on: pl.DataFrame,
    boundaries: Split | None,
    evaluation: Evaluation | None,
    now: datetime,
) -> Fit:
    files, sample, difference = _certify(ws, fitted, certify_on.tail(CERTIFIED_ROWS), known)
    named = dict(files)
    artifacts = {"sample": ws.artifacts.put_record(sample)}
    reference = ws.artifacts.put_record(profile(learned.frame, known.features, ws.kinds))
    if boundaries:
        artifacts["split"] = ws.artifacts.put_record(boundaries)
    candidate = replace(draft, files=named, profile=reference, difference=difference, split=artifacts.get("split"))
    artifacts |= {"candidate": ws.artifacts.put_record(candidate), "profile": reference} | {
        f"model/{name}": at for name, at in named.items()
    }
    if evaluation:
        evaluation = replace(evaluation, candidate=candidate.id)
        artifacts["evaluation"] = ws.artifacts.put_record(evaluation)
    body = {
        "candidate": candidate.id,
        "estimator": candidate.estimator,
        "rows": learned.count,
        "difference": difference,
        "tried": candidate.tried,
        "artifacts": artifacts,
    }
    return Fit(candidate, evaluation, ws.append("fit", cause, body, at=now))


def _certify(ws: Workspace, fitted: Fitted, rows: pl.DataFrame, known: Schema) -> tuple[dict[str, str], Sample, float]:
    """Save the model, and hold the serving predictor against it, row by row.

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
        answers = [predictor(row)[0] for row in requests]
        kept = {path.name: ws.artifacts.put_file(path) for path in sorted(folder.iterdir())}
    difference = max((abs(answer[field] - float(expected[field][i])) for i, answer in enumerate(answers) for field in answer), default=0.0)
    if not difference <= fitted.tolerance:
        fix = "report this: the same row must give the same output in a table and in a request"
        raise errors.BadRelease(f"the serving predictor differs from the model by {difference:g}", at=fitted.predictor, fix=fix)
    return kept, Sample(tuple(requests[:SAMPLE_ROWS]), tuple(answers[:SAMPLE_ROWS])), difference


def as_request(row: Mapping[str, Any]) -> dict[str, Any]:
    """A table's row as a request carries it: times as text, missing values as null."""
    return {name: None if isinstance(value, float) and not math.isfinite(value) else _text(value) for name, value in row.items()}


def _text(value: Any) -> Any:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value


def _times(rows: Rows, known: Schema) -> NDArray[np.int64] | None:
    return rows.frame[known.time].cast(int).to_numpy() if known.time else None


def _shares(rows: Rows, known: Schema) -> NDArray[np.float64]:
    import numpy as np

    return np.array([int(digest.of_bytes(key.encode())[3:16], 16) / 16**13 for key in row_keys(rows.frame, known)])
