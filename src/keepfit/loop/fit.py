"""Fit: from snapshots to a candidate, evaluated on rows that it never saw."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import msgspec

from keepfit import digest, errors, plugin, record, split
from keepfit.calibration import Calibration
from keepfit.candidate import Candidate
from keepfit.cause import Cause
from keepfit.estimator import Fitted
from keepfit.evaluation import Evaluation
from keepfit.instant import from_micros
from keepfit.ledger import Entry
from keepfit.loop import tune
from keepfit.loop.baselines import on_folds
from keepfit.loop.certify import CERTIFIED_ROWS, certify
from keepfit.loop.groups import check_columns
from keepfit.loop.keys import row_numbers, shares
from keepfit.loop.measure import Answers, exam, measure, past, suspects, with_importance
from keepfit.loop.models import Model, evaluation_of, is_whole
from keepfit.loop.recipe import Held, Material, Recipe, defaults, fit_recipe, training_of
from keepfit.loop.refer import refer
from keepfit.loop.rows import Rows, known_rows, value_of
from keepfit.loop.search import search
from keepfit.loop.take import Taken
from keepfit.profile import profile
from keepfit.progress import Progress, silent
from keepfit.reference import Reference
from keepfit.schema import Schema
from keepfit.split import Places, Split
from keepfit.task import Outputs
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

__all__ = ["Fit", "fit", "fit_cause", "places", "refit"]

#: Raised when fitting gives another result from the same inputs.
STEP = 3


@dataclass(frozen=True, slots=True)
class Fit:
    """A candidate, its evaluation where rows were kept for one, and the entry that names both."""

    candidate: Candidate
    evaluation: Evaluation | None
    entry: Entry


@dataclass(frozen=True, slots=True)
class _Chosen:
    """A recipe with what follows from the rows left out while it was chosen."""

    recipe: Recipe
    threshold: float
    calibration: Calibration | None = None
    tried: Mapping[str, float] | None = None
    trials: int = 0
    held: Held | None = None
    constant: float | None = None


def fit(ws: Workspace, taken: Taken, *, now: datetime, progress: Progress = silent) -> Fit:
    """Choose a recipe on folds inside the development rows, fit it on all of them, test it on the newest rows.

    Nothing to do when the same data was fitted with the same settings before.

    Raises
    ------
    UsageFault
        One class, too few rows, or no column to learn from.
    """
    cause = fit_cause(ws, taken.digest)
    if done := _done(ws, cause):
        return done
    known = taken.schema
    check_columns(ws, known)
    classes, rows = _labelled(ws, [taken], known)
    spots = places(ws, rows, known)
    develop, test = rows.where(spots.development), rows.where(spots.test)
    _both_classes(develop, test)
    material = Material(known, classes, rows, spots)
    chosen = _choose(ws, material, name=record.digest_of(cause), progress=progress)
    progress(f"fitting {chosen.recipe.estimator} on {develop.count:,} rows")
    fitted = fit_recipe(ws, training_of(ws, known, classes, develop), chosen.recipe)
    progress(f"measuring it on {test.count:,} rows that it never saw")

    draft = replace(_draft(ws, known, [taken], chosen, fitted, develop), classes=classes)
    model = Model(ws, draft, fitted)
    said = model.predict(test.frame)
    evaluation = _measured(ws, material, taken, model, said, chosen.held)
    unseen = [(test, said)]
    if chosen.held is not None:
        unseen.append((chosen.held.rows, tune.apply(ws.task, chosen.calibration, chosen.held.outputs)))
    reference = refer(ws, draft, known, rows.frame, unseen)
    learned = develop
    if ws.spec.model.final_fit == "all":
        progress(f"fitting {chosen.recipe.estimator} once more on all {rows.count:,} rows")
        fitted, learned = fit_recipe(ws, training_of(ws, known, classes, rows), chosen.recipe), rows
        draft = replace(_draft(ws, known, [taken], chosen, fitted, learned), classes=classes, final_fit="all")
    return _keep(ws, cause, _Made(draft, fitted, learned, test.frame, spots.split, evaluation, reference), now)


def _measured(ws: Workspace, material: Material, taken: Taken, model: Model, said: Outputs, held: Held | None) -> Evaluation:
    """What is measured of a model on the test rows; in full, slices, importance and protected groups too."""
    rows, known, full = material.rows, material.known, ws.spec.model.evaluation == "full"
    develop, test = rows.where(material.places.development), rows.where(material.places.test)
    learned, before = (past(part.frame, part.truth, known) for part in (develop, rows))
    asked = exam(ws, test, known, material.classes, learned=learned, before=before, taken=[taken], full=full)
    suspected = None
    if full and held is not None:
        suspected = suspects(ws, known, held.rows, tune.apply(ws.task, model.candidate.calibration, held.outputs))
    found = measure(ws, asked, Answers("", said, model.candidate.threshold), suspected)
    return with_importance(ws, found, asked, model.predict) if full else found


def fit_cause(ws: Workspace, data: str) -> Cause:
    """What a fit depends on: the data by its digest, settings, what decisions are worth, versions of this step and of libraries."""
    problem = ws.spec.problem
    # What may be loaded changes nothing that is fitted.
    settings = {f"model.{name}": value for name, value in ws.spec.model.model_dump(mode="json", exclude={"trust"}).items()}
    settings |= {f"problem.{name}": getattr(problem, name) for name in ("positive", "task", "label_delay")}
    settings |= {f"problem.value.{name}": worth for name, worth in (value_of(ws) or {}).items()}
    owned = {f"the code of {kind}": _code(ws, kind) for kind in ws.spec.model.estimators if ":" in kind}
    cause = Cause("fit", {"the data": data, **settings, **owned, "step version": STEP, **versions()})
    cleaned = ws.ledger.last("gc")
    entry = ws.entry("fit", cause.key) if cleaned else None
    if cleaned is None or entry is None or is_whole(ws, entry):
        return cause
    return Cause("fit", {**cause.inputs, "since its model was removed by gc, entry": cleaned.seq})


def _code(ws: Workspace, kind: str) -> dict[str, str]:
    """What the owner's code is, by file."""
    return {name: digest.of_bytes(data) for name, data in plugin.code_of(kind, ws.folder).items()}


def refit(
    ws: Workspace,
    champion: Candidate,
    taken: list[Taken],
    *,
    cause: list[Any],
    now: datetime,
    narrow: Callable[[Rows, Schema, tuple[Any, ...]], Rows] = lambda rows, *_: rows,
    progress: Progress = silent,
) -> Fit:
    """Fit the champion's recipe once on every row with a known target; its test is what comes after.

    Calibration and threshold are the champion's: they belong to the recipe. Where the project asks for trials, others
    are tried beside it on folds of these rows, and the best one brings its own.

    Parameters
    ----------
    cause : what the fit depends on beside the data
    narrow : which of the rows are learned from, by the schema and the target's classes; it may refuse them
    """
    data = [part.digest for part in taken]
    trials = ws.spec.refit.trials
    tries = {"trials": trials, **fit_cause(ws, "").inputs} if trials else {}
    why = Cause("refit", {**tries, "because": cause, "the data": data, "champion": champion.id, "step version": STEP, **versions()})
    if done := _done(ws, why):
        return done
    recipe = Recipe(champion.estimator, champion.parameters)
    of_recipe = record.plain([recipe, champion.threshold, champion.calibration, ws.spec.model.seed])
    content = record.digest_of(Cause("the same refit", {**why.inputs, "champion": of_recipe}))
    if (same := _same(ws, content, why, now)) is not None:
        return same
    known = taken[0].schema
    classes, rows = _labelled(ws, taken, known)
    rows = narrow(rows, known, classes)
    chosen = _Chosen(recipe, champion.threshold, champion.calibration)
    if trials:
        material = Material(known, classes, rows, places(ws, rows, known, tested=False))
        if material.places.folds:
            chosen = _searched(ws, material, [recipe], trials + 1, name=record.digest_of(why), progress=progress)
    progress(f"fitting {chosen.recipe.estimator} on {rows.count:,} rows")
    fitted = fit_recipe(ws, training_of(ws, known, classes, rows), chosen.recipe)
    draft = replace(_draft(ws, known, taken, chosen, fitted, rows), classes=classes, final_fit="all")
    reference = refer(ws, draft, known, rows.frame, [])
    made = _keep(ws, why, _Made(draft, fitted, rows, rows.frame.tail(CERTIFIED_ROWS), None, None, reference), now)
    ws.cache.put(content, digest.canonical(made.entry.body))
    return made


def _same(ws: Workspace, content: str, why: Cause, now: datetime) -> Fit | None:
    """The refit of the same rows by the same recipe that was made for another champion, under a name of its own."""
    said = ws.cache.get(content)
    if said is None:
        return None
    body = msgspec.json.decode(said)
    named = body["artifacts"]
    if not all(ws.artifacts.path(one).exists() for one in named.values()):
        return None
    candidate = replace(ws.artifacts.get_record(Candidate, named["candidate"]), id=_next_name(ws))
    named = {**named, "cause": ws.artifacts.put_record(why), "candidate": ws.artifacts.put_record(candidate)}
    entry = ws.append("fit", why.key, {**body, "candidate": candidate.id, "artifacts": named}, at=now)
    return Fit(candidate, None, entry)


def _next_name(ws: Workspace) -> str:
    return f"c{sum(1 for _ in ws.ledger.entries(kind='fit')) + 1}"


def versions() -> dict[str, str]:
    """The versions of the libraries on which a fit's result depends."""
    return {name: version(name) for name in ("lightgbm", "numpy", "polars", "scikit-learn")}


def _choose(ws: Workspace, material: Material, *, name: str, progress: Progress) -> _Chosen:
    spec = ws.spec.model
    if spec.evaluation == "quick" or material.places.folds == 0:
        return _Chosen(defaults(ws, spec.estimators[0]), ws.task.threshold(value_of(ws)))
    return _searched(ws, material, [defaults(ws, kind) for kind in spec.estimators], spec.trials, name=name, progress=progress)


def _searched(ws: Workspace, material: Material, first: list[Recipe], trials: int, *, name: str, progress: Progress) -> _Chosen:
    """The best recipe, with the calibration and the threshold that follow from the rows left out."""
    found = search(ws, material, first, trials=trials, name=name, progress=progress)
    calibration = tune.calibrate(ws.task, found.held, material.known)
    cut = tune.threshold(ws.task, found.held, calibration, value_of(ws))
    constant = on_folds(ws.task, material.classes, material.rows.truth, material.places)
    return _Chosen(found.recipe, cut, calibration, found.tried, found.trials, found.held, constant)


def places(ws: Workspace, rows: Rows, known: Schema, *, tested: bool = True) -> Places:
    """Split rows with a known target: by time where the problem has one, else by subject where there is one, else by key.

    Without a test, as when a challenger is tested on what comes after, every row is developed on.
    """
    times = _times(rows, known)
    if times is not None:
        return Places(split.by_time(times, ws.spec.problem.label_delay, tested=tested), times=times, tested=tested)
    boundaries = split.by_key(rows.count, of="key" if rows.subject is None else "subject")
    return Places(boundaries, shares=_shares(rows, known), tested=tested)


def _done(ws: Workspace, cause: Cause) -> Fit | None:
    entry = ws.entry("fit", cause.key)
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
        if rows.count == 0:
            fix = "take data of more subjects: rows of one subject stay together"
            raise errors.TooFewRows(f"the split leaves no {name} rows", at="the split", fix=fix)
        if rows.truth.min() == rows.truth.max():
            fix = "take data over a longer time, in which both outcomes occur at both ends"
            raise errors.OneClass(f"the {name} rows hold one outcome only", at="the split", fix=fix)


def _draft(ws: Workspace, known: Schema, taken: list[Taken], chosen: _Chosen, fitted: Fitted, learned: Rows) -> Candidate:
    times = _times(learned, known)
    return Candidate(
        id=_next_name(ws),
        estimator=chosen.recipe.estimator,
        parameters=chosen.recipe.parameters,
        seed=ws.spec.model.seed,
        snapshots=tuple(part.digest for part in taken),
        schema=taken[0].snapshot.schema,
        split=None,
        classes=(),
        threshold=chosen.threshold,
        calibration=chosen.calibration,
        final_fit="development",
        fitted_rows=learned.count,
        fitted_before=from_micros(int(times.max()) + 1) if times is not None else None,
        tried=chosen.tried or {},
        trials=chosen.trials,
        selects=ws.task.selects,
        constant=chosen.constant,
        predictor=fitted.predictor,
        difference=0.0,
        files={},
        profile="",
        versions=versions(),
    )


@dataclass(frozen=True, slots=True)
class _Made:
    """What a fit made, before it is kept."""

    draft: Candidate
    fitted: Fitted
    learned: Rows
    certify_on: pl.DataFrame
    split: Split | None
    evaluation: Evaluation | None
    reference: Reference


def _keep(ws: Workspace, cause: Cause, made: _Made, now: datetime) -> Fit:
    known = ws.artifacts.get_record(Schema, made.draft.schema)
    certified = certify(ws, made.fitted, made.certify_on.tail(CERTIFIED_ROWS), known)
    profiled = ws.artifacts.put_record(profile(made.learned.frame, known.features, ws.kinds))
    sample = ws.artifacts.put_record(certified.sample)
    artifacts = {"cause": ws.artifacts.put_record(cause), "sample": sample, "profile": profiled}
    artifacts["reference"] = ws.artifacts.put_record(made.reference)
    if made.split:
        artifacts["split"] = ws.artifacts.put_record(made.split)
    made_of = replace(made.draft, files=certified.files, difference=certified.difference, serving=certified.serving)
    candidate = replace(made_of, profile=profiled, split=artifacts.get("split"))
    artifacts |= {f"model/{name}": at for name, at in certified.files.items()}
    artifacts["candidate"] = ws.artifacts.put_record(candidate)
    evaluation = replace(made.evaluation, candidate=candidate.id, serving=certified.serving) if made.evaluation else None
    if evaluation:
        artifacts["evaluation"] = ws.artifacts.put_record(evaluation)
    body = {
        "candidate": candidate.id,
        "estimator": candidate.estimator,
        "rows": made.learned.count,
        "difference": candidate.difference,
        "tried": candidate.tried,
        "trials": candidate.trials,
        "artifacts": artifacts,
    }
    return Fit(candidate, evaluation, ws.append("fit", cause.key, body, at=now))


def _times(rows: Rows, known: Schema) -> NDArray[np.int64] | None:
    return rows.frame[known.time].cast(int).to_numpy() if known.time else None


def _shares(rows: Rows, known: Schema) -> NDArray[np.float64]:
    import numpy as np  # the command line starts without it

    return shares(row_numbers(rows.frame, known) if rows.subject is None else rows.subject.view(np.uint64))
