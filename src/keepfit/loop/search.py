"""Search: which recipe does best on the folds."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from keepfit import files
from keepfit.estimator import Choice, Fitted
from keepfit.loop.rows import Rows
from keepfit.progress import Progress
from keepfit.schema import Schema
from keepfit.split import Places
from keepfit.task import Outputs, Scored
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from optuna.distributions import BaseDistribution
    from optuna.study import Study

__all__ = ["Held", "Recipe", "Searched", "defaults", "fit_recipe", "held_out", "search"]

#: Trials with fewer folds than this behind them are never cut short.
_BEFORE_PRUNING = 5


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a model is fitted."""

    estimator: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Held:
    """A recipe's outputs for rows that its model was not fitted on: the validation rows of every fold.

    `fold` numbers each row's fold, shape (rows,).
    """

    rows: Rows
    outputs: Outputs
    fold: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Trial:
    """A recipe that was tried: its selecting metric on each fold, and whether it was cut short."""

    number: int
    recipe: Recipe
    folds: tuple[float, ...]
    pruned: bool

    @property
    def value(self) -> float:
        return math.fsum(self.folds) / len(self.folds)


@dataclass(frozen=True, slots=True)
class Searched:
    """The best recipe, its outputs for rows left out, and the best value of each estimator."""

    recipe: Recipe
    held: Held
    tried: Mapping[str, float]
    trials: int


@dataclass(slots=True)
class _Course:
    """What a search has come to so far."""

    ws: Workspace
    known: Schema
    rows: Rows
    places: Places
    progress: Progress
    journal: Path
    done: list[Trial]
    resumed: int
    best: Trial | None = None
    held: Held | None = None

    @property
    def sign(self) -> float:
        """Turns the selecting metric so that less is better."""
        return 1.0 if self.ws.task.metrics[self.ws.task.selects].better == "lower" else -1.0


def defaults(ws: Workspace, kind: str) -> Recipe:
    """An estimator with the parameters that hold when nothing else is said."""
    return Recipe(kind, dict(ws.estimator(kind).defaults))


def fit_recipe(ws: Workspace, known: Schema, rows: Rows, recipe: Recipe) -> Fitted:
    """Fit one model."""
    return ws.estimator(recipe.estimator).fit(
        rows.frame, rows.truth, known.features, task=ws.task, kinds=ws.kinds, parameters=recipe.parameters, seed=ws.spec.model.seed
    )


def search(ws: Workspace, known: Schema, rows: Rows, places: Places, *, name: str, progress: Progress) -> Searched:
    """Try recipes on the folds: the defaults of every estimator, then those that Optuna proposes.

    Every finished trial is written down under `name`, so a search that was stopped goes on where it was; with
    the same seed it comes to the same recipe whether or not it was stopped.
    """
    journal = ws.home / "run" / f"search-{name[3:35]}.jsonl"
    done = _read(journal)
    course = _Course(ws, known, rows, places, progress, journal, done, resumed=len(done))
    spec = ws.spec.model
    first = [defaults(ws, kind) for kind in spec.estimators]
    study, began = _study(course), time.monotonic()
    wanted = max(spec.trials, len(first))
    for number in range(wanted):
        over = spec.budget is not None and time.monotonic() - began > spec.budget.delta.total_seconds()
        if number >= len(course.done):
            if over and number >= len(first):
                break
            progress(_says(course, number, wanted, began))
            _try(course, study, number, first[number] if number < len(first) else None)
        trial = course.done[number]
        if not trial.pruned and (course.best is None or course.sign * trial.value < course.sign * course.best.value):
            course.best = trial
    assert course.best is not None
    held = course.held if course.held is not None else held_out(ws, known, rows, places, course.best.recipe)
    tried: dict[str, float] = {}
    for trial in course.done:
        kind = trial.recipe.estimator
        if not trial.pruned and (kind not in tried or course.sign * trial.value < course.sign * tried[kind]):
            tried[kind] = trial.value
    return Searched(course.best.recipe, held, tried, len(course.done))


def held_out(ws: Workspace, known: Schema, rows: Rows, places: Places, recipe: Recipe) -> Held:
    """A recipe's outputs for the validation rows of every fold."""
    parts = [_fold(ws, known, rows, places, recipe, number) for number in range(places.folds)]
    return _join(rows, places, parts)


def _fold(ws: Workspace, known: Schema, rows: Rows, places: Places, recipe: Recipe, number: int) -> Outputs:
    fit, check = places.fold(number)
    return fit_recipe(ws, known, rows.where(fit), recipe).predict(rows.where(check).frame)


def _join(rows: Rows, places: Places, parts: list[Outputs]) -> Held:
    import numpy as np
    import polars as pl  # the command line starts without it

    checks = [places.fold(number)[1] for number in range(places.folds)]
    frame = pl.concat([rows.where(check).frame for check in checks])
    truth = np.concatenate([rows.truth[check] for check in checks])
    outputs = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return Held(Rows(frame, truth), outputs, np.repeat(np.arange(places.folds), [int(check.sum()) for check in checks]))


def _try(course: _Course, study: Study, number: int, first: Recipe | None) -> None:
    """Try one recipe fold by fold, cut it short when it lags, and write it down."""
    from optuna.samplers import TPESampler
    from optuna.trial import TrialState

    ws, metric = course.ws, course.ws.task.metrics[course.ws.task.selects]
    # Seeded by its number, so that a trial does not depend on whether the search was stopped before it.
    study.sampler = TPESampler(seed=ws.spec.model.seed * 100_003 + number, n_startup_trials=_BEFORE_PRUNING)
    if first is not None:
        study.enqueue_trial(_flat(ws, first))
    trial = study.ask()
    recipe = _suggest(ws, trial)
    parts: list[Outputs] = []
    values: list[float] = []
    for fold in range(course.places.folds):
        check = course.rows.where(course.places.fold(fold)[1])
        outputs = _fold(ws, course.known, course.rows, course.places, recipe, fold)
        parts.append(outputs)
        values.append(metric.measure(Scored(check.truth, outputs, ws.task.decide(outputs, 0.5), None)).value)
        trial.report(course.sign * math.fsum(values) / len(values), fold)
        if fold + 1 < course.places.folds and trial.should_prune():
            break
    made = Trial(number, recipe, tuple(values), len(values) < course.places.folds)
    if made.pruned:
        study.tell(trial, state=TrialState.PRUNED)
    else:
        study.tell(trial, course.sign * made.value)
    _write(course.journal, made)
    course.done.append(made)
    if not made.pruned and (course.best is None or course.sign * made.value < course.sign * course.best.value):
        course.held = _join(course.rows, course.places, parts)


def _study(course: _Course) -> Study:
    """A study that knows the trials that are done."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction="minimize", pruner=optuna.pruners.MedianPruner(n_startup_trials=_BEFORE_PRUNING))
    for trial in course.done:
        steps = {step: course.sign * math.fsum(trial.folds[: step + 1]) / (step + 1) for step in range(len(trial.folds))}
        made = optuna.trial.create_trial(
            params=_flat(course.ws, trial.recipe),
            distributions=_distributions(course.ws, trial.recipe.estimator),
            value=course.sign * trial.value,
            intermediate_values=steps,
            state=optuna.trial.TrialState.PRUNED if trial.pruned else optuna.trial.TrialState.COMPLETE,
        )
        study.add_trial(made)
    return study


def _distributions(ws: Workspace, kind: str) -> dict[str, BaseDistribution]:
    """The choice of the estimator, and its own space."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    found: dict[str, BaseDistribution] = {"estimator": CategoricalDistribution(ws.spec.model.estimators)}
    for name, space in ws.estimator(kind).space.items():
        if isinstance(space, Choice):
            found[f"{kind}.{name}"] = CategoricalDistribution(space.options)
        elif space.whole:
            found[f"{kind}.{name}"] = IntDistribution(int(space.low), int(space.high), log=space.log)
        else:
            found[f"{kind}.{name}"] = FloatDistribution(space.low, space.high, log=space.log)
    return found


def _suggest(ws: Workspace, trial: Any) -> Recipe:
    kind = trial.suggest_categorical("estimator", ws.spec.model.estimators)
    estimator = ws.estimator(kind)
    chosen: dict[str, Any] = {}
    for name, space in estimator.space.items():
        if isinstance(space, Choice):
            chosen[name] = trial.suggest_categorical(f"{kind}.{name}", space.options)
        elif space.whole:
            chosen[name] = trial.suggest_int(f"{kind}.{name}", int(space.low), int(space.high), log=space.log)
        else:
            chosen[name] = trial.suggest_float(f"{kind}.{name}", space.low, space.high, log=space.log)
    return Recipe(kind, {**estimator.defaults, **chosen})


def _flat(ws: Workspace, recipe: Recipe) -> dict[str, Any]:
    """A recipe as Optuna names it: the searched parameters alone."""
    space = ws.estimator(recipe.estimator).space
    searched = {f"{recipe.estimator}.{name}": recipe.parameters[name] for name in space}
    return {"estimator": recipe.estimator, **searched}


def _says(course: _Course, number: int, wanted: int, began: float) -> str:
    """The live line: how far, the best so far, the time left."""
    filled = round(20 * number / wanted)
    line = f"search {'█' * filled}{'░' * (20 - filled)} {number}/{wanted}"
    if course.best is not None:
        line += f"  best {course.best.recipe.estimator}, {course.ws.task.selects} {course.best.value:.4f}"
    fresh = number - course.resumed
    if fresh > 0:
        line += f"  about {(time.monotonic() - began) / fresh * (wanted - number):.0f} s left"
    return line


def _line(trial: Trial) -> bytes:
    recipe = {"estimator": trial.recipe.estimator, "parameters": dict(trial.recipe.parameters)}
    return msgspec.json.encode({"number": trial.number, **recipe, "folds": trial.folds, "pruned": trial.pruned}) + b"\n"


def _write(path: Path, trial: Trial) -> None:
    """Add a trial to the search's journal, synced; a line that a kill tears is left out when it is read."""
    with files.writable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(_line(trial))
            file.flush()
            os.fsync(file.fileno())


def _read(path: Path) -> list[Trial]:
    """The trials of a journal in their order, up to the first that is missing or torn, which is cut off."""
    found: list[Trial] = []
    data = path.read_bytes() if path.exists() else b""
    for line in data.split(b"\n"):
        try:
            form = msgspec.json.decode(line)
        except msgspec.DecodeError:
            break
        if form["number"] != len(found):
            break
        found.append(Trial(form["number"], Recipe(form["estimator"], form["parameters"]), tuple(form["folds"]), form["pruned"]))
    whole = b"".join(map(_line, found))
    if whole != data:
        files.write_whole(path, whole)
    return found
