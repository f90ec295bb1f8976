"""Search: which recipe does best on the folds."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from keepfit import files
from keepfit.estimator import Choice
from keepfit.loop.recipe import Fold, Held, Material, Recipe, defaults, folds_of, left_out, space_of
from keepfit.progress import Progress
from keepfit.task import Outputs, Scored
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.study import Study

__all__ = ["Searched", "search"]

#: Trials with fewer folds than this behind them are never cut short.
_BEFORE_PRUNING = 5


@dataclass(frozen=True, slots=True)
class Trial:
    """A recipe that was tried: its selecting metric on each fold, whether it was cut short, and how long it took."""

    number: int
    recipe: Recipe
    folds: tuple[float, ...]
    pruned: bool
    seconds: float

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
    folds: list[Fold]
    first: Sequence[Recipe]
    wanted: int
    journal: Path
    progress: Progress
    done: list[Trial]
    best: Trial | None = None
    held: Held | None = None
    study: Study | None = None
    kinds: list[str] = field(default_factory=list)

    @property
    def sign(self) -> float:
        """Turns the selecting metric so that less is better."""
        return 1.0 if self.ws.task.metrics[self.ws.task.selects].better == "lower" else -1.0

    @property
    def spent(self) -> float:
        """Seconds that all trials took, those before a stop included."""
        return math.fsum(trial.seconds for trial in self.done)

    def beats(self, trial: Trial) -> bool:
        return not trial.pruned and (self.best is None or self.sign * trial.value < self.sign * self.best.value)


def search(ws: Workspace, material: Material, first: Sequence[Recipe], *, trials: int, name: str, progress: Progress) -> Searched:
    """Try recipes on the folds: the `first` ones, then those that Optuna proposes, `trials` in all.

    Every finished trial is written down under `name`, so a search that was stopped goes on where it was; with
    the same seed it comes to the same recipe whether or not it was stopped. The project's budget of time ends
    it after the first recipes; what is under way is finished.
    """
    journal = ws.home / "run" / f"search-{name[3:35]}.jsonl"
    course = _Course(ws, folds_of(ws, material), first, max(trials, len(first)), journal, progress, _read(journal))
    course.kinds = list(dict.fromkeys([*(recipe.estimator for recipe in first), *ws.spec.model.estimators]))
    budget = ws.spec.model.budget
    for number in range(course.wanted):
        if number >= len(course.done):
            if budget is not None and number >= len(first) and course.spent > budget.delta.total_seconds():
                break
            _try(course, number)
        if course.beats(course.done[number]):
            course.best = course.done[number]
    assert course.best is not None
    if course.held is None:
        course.held = left_out(course.folds, [fold.outputs(course.best.recipe) for fold in course.folds])
    tried: dict[str, float] = {}
    for trial in course.done:
        kind = trial.recipe.estimator
        if not trial.pruned and (kind not in tried or course.sign * trial.value < course.sign * tried[kind]):
            tried[kind] = trial.value
    return Searched(course.best.recipe, course.held, tried, len(course.done))


def _try(course: _Course, number: int) -> None:
    """Try one recipe fold by fold, cut it short when it lags, and write it down."""
    ws, metric, began = course.ws, course.ws.task.metrics[course.ws.task.selects], time.monotonic()
    proposed = _ask(course, number) if number >= len(course.first) else None
    recipe = course.first[number] if proposed is None else _suggest(course, proposed)
    parts: list[Outputs] = []
    values: list[float] = []
    course.progress(_says(course, number))
    for at, fold in enumerate(course.folds):
        outputs = fold.outputs(recipe)
        parts.append(outputs)
        values.append(metric.measure(Scored(fold.check.truth, outputs, ws.task.decide(outputs, 0.5), None)).value)
        if proposed is not None:
            proposed.report(course.sign * math.fsum(values) / len(values), at)
            if at + 1 < len(course.folds) and proposed.should_prune():
                break
    made = Trial(number, recipe, tuple(values), len(values) < len(course.folds), round(time.monotonic() - began, 3))
    if proposed is not None and course.study is not None:
        _tell(course, course.study, proposed, made)
    _write(course.journal, made)
    course.done.append(made)
    if course.beats(made):
        course.held = left_out(course.folds, parts)


def _ask(course: _Course, number: int) -> Any:
    """What Optuna proposes, seeded by the number, so that a trial does not depend on whether the search was stopped before it."""
    import optuna  # a run that tries the defaults alone goes without it

    if course.study is None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        pruner = optuna.pruners.MedianPruner(n_startup_trials=_BEFORE_PRUNING)
        course.study = optuna.create_study(direction="minimize", pruner=pruner)
        course.study.add_trials([_known(course, trial) for trial in course.done])
    seed = course.ws.spec.model.seed * 100_003 + number
    course.study.sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=_BEFORE_PRUNING)
    return course.study.ask()


def _known(course: _Course, trial: Trial) -> Any:
    """A trial that is done, as Optuna holds it."""
    from optuna.trial import TrialState, create_trial

    steps = {step: course.sign * math.fsum(trial.folds[: step + 1]) / (step + 1) for step in range(len(trial.folds))}
    kind = trial.recipe.estimator
    searched = {f"{kind}.{name}": trial.recipe.parameters[name] for name in space_of(course.ws, kind)}
    return create_trial(
        params={"estimator": kind, **searched},
        distributions=_distributions(course, kind),
        value=course.sign * trial.value,
        intermediate_values=steps,
        state=TrialState.PRUNED if trial.pruned else TrialState.COMPLETE,
    )


def _tell(course: _Course, study: Study, proposed: Any, made: Trial) -> None:
    from optuna.trial import TrialState

    if made.pruned:
        study.tell(proposed, state=TrialState.PRUNED)
    else:
        study.tell(proposed, course.sign * made.value)


def _distributions(course: _Course, kind: str) -> dict[str, BaseDistribution]:
    """The choice of the estimator, and its own space."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    found: dict[str, BaseDistribution] = {"estimator": CategoricalDistribution(course.kinds)}
    for name, space in space_of(course.ws, kind).items():
        if isinstance(space, Choice):
            found[f"{kind}.{name}"] = CategoricalDistribution(space.options)
        elif space.whole:
            found[f"{kind}.{name}"] = IntDistribution(int(space.low), int(space.high), log=space.log)
        else:
            found[f"{kind}.{name}"] = FloatDistribution(space.low, space.high, log=space.log)
    return found


def _suggest(course: _Course, trial: Any) -> Recipe:
    kind = trial.suggest_categorical("estimator", course.kinds)
    chosen: dict[str, Any] = {}
    for name, space in space_of(course.ws, kind).items():
        if isinstance(space, Choice):
            chosen[name] = trial.suggest_categorical(f"{kind}.{name}", space.options)
        elif space.whole:
            chosen[name] = trial.suggest_int(f"{kind}.{name}", int(space.low), int(space.high), log=space.log)
        else:
            chosen[name] = trial.suggest_float(f"{kind}.{name}", space.low, space.high, log=space.log)
    return Recipe(kind, {**defaults(course.ws, kind).parameters, **chosen})


def _says(course: _Course, at: int) -> str:
    """The live line: how far, the best so far, the time left."""
    wanted = course.wanted
    filled = round(20 * at / wanted)
    line = f"search {'█' * filled}{'░' * (20 - filled)} {at}/{wanted}"
    if course.best is not None:
        line += f"  best {course.best.recipe.estimator}, {course.ws.task.selects} {course.best.value:.4f}"
    if course.done:
        left = course.spent / len(course.done) * (wanted - at)
        budget = course.ws.spec.model.budget
        if budget is not None:
            left = min(left, max(0.0, budget.delta.total_seconds() - course.spent))
        line += f"  about {left:.0f} s left"
    return line


def _line(trial: Trial) -> bytes:
    recipe = {"estimator": trial.recipe.estimator, "parameters": dict(trial.recipe.parameters)}
    found = {"number": trial.number, **recipe, "folds": trial.folds, "pruned": trial.pruned, "seconds": trial.seconds}
    return msgspec.json.encode(found) + b"\n"


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
        recipe = Recipe(form["estimator"], form["parameters"])
        found.append(Trial(form["number"], recipe, tuple(form["folds"]), form["pruned"], form.get("seconds", 0.0)))
    whole = b"".join(map(_line, found))
    if whole != data:
        files.write_whole(path, whole)
    return found
