"""What a project file names by kind: each is found, its options are parsed by its own class, and all faults are said at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from keepfit import errors, plugin
from keepfit.errors import KeepfitError
from keepfit.spec.faults import faults_of
from keepfit.spec.load import Stated
from keepfit.spec.model import ModelSpec

__all__ = ["ON_BY_DEFAULT", "built_gates", "faults_of_names"]

#: The gate that is on by itself, under its own name; `false` in the project file switches it off.
ON_BY_DEFAULT = "better_than_baseline"


def faults_of_names(stated: Stated) -> list[KeepfitError]:
    """Everything about what is named by kind that does not hold; the settings need not be right in any other way."""
    task, found = _task(stated)
    found += built_gates(stated, task)[1]
    model = _table(stated.values, "model")
    estimators = model.get("estimators")
    for number, kind in enumerate(estimators if isinstance(estimators, list | tuple) else ()):
        at = stated.places.of(("model", "estimators", str(number)))
        found += _unknown("estimators", "estimator of kind", kind, at)
    found += _of_parameters(stated, model)
    also = _table(stated.values, "monitor").get("also")
    for number, kind in enumerate(also if isinstance(also, list | tuple) else ()):
        found += _unknown("drift", "statistic", kind, stated.places.of(("monitor", "also", str(number))))
    for name, column in _table(stated.values, "columns").items():
        if isinstance(column, Mapping):
            found += _unknown("columns", "column kind", column.get("kind"), stated.places.of(("columns", name, "kind")))
    if task is not None:
        found += _of_task(stated, task)
    return found


def _of_parameters(stated: Stated, model: Mapping[str, Any]) -> Iterator[KeepfitError]:
    """Parameters that are stated of estimators that do not compete, or that these do not have."""
    listed = model.get("estimators", ModelSpec.model_fields["estimators"].default)
    for kind, given in _table(model, "parameters").items():
        if isinstance(listed, list | tuple) and kind not in listed:
            fix = errors.near_match(kind, [one for one in listed if isinstance(one, str)])
            message = f"parameters are stated of '{kind}', which is not among the estimators"
            yield errors.Impossible(message, at=stated.places.of(("model", "parameters", kind)), fix=fix)
        elif ":" not in kind and kind in plugin.kinds("estimators") and isinstance(given, Mapping):
            known = plugin.find("estimators", kind).defaults
            for name in (name for name in given if name not in known):
                at, fix = stated.places.of(("model", "parameters", kind, name)), errors.near_match(name, known)
                yield errors.UnknownKey(f"the estimator {kind} has no parameter '{name}'", at=at, fix=fix)


def built_gates(stated: Stated, task: Any | None) -> tuple[dict[str, Any], list[KeepfitError]]:
    """The gates that hold, by name, the one that is on by default last, and the faults of the others.

    Without a task no metric is looked at.
    """
    built: dict[str, Any] = {}
    found: list[KeepfitError] = []
    for name, options in _table(stated.values, "gates").items():
        if options is False:
            found += _switched_off(stated, name)
            continue
        kind = options.get("kind") if isinstance(options, Mapping) else None
        if not isinstance(kind, str):
            continue  # the project's own class says so
        try:
            made = plugin.find("gates", kind, at=stated.places.of(("gates", name, "kind")), folder=stated.folder)
            given = {key: value for key, value in options.items() if key != "kind" or ":" not in kind}
            gate = made.model_validate(given)
        except ValidationError as error:
            found += faults_of(error, made, stated.places, ("gates", name))
        except errors.UnknownKind as error:
            found.append(error)
        else:
            built[name] = gate
            if task is not None:
                found += _of_metric(stated, task, name, getattr(gate, "metric", None))
            found += _of_kind(stated, name, kind)
    if ON_BY_DEFAULT not in _table(stated.values, "gates") and all(gate.kind != ON_BY_DEFAULT for gate in built.values()):
        built[ON_BY_DEFAULT] = plugin.find("gates", ON_BY_DEFAULT)()
    return built, found


def _switched_off(stated: Stated, gate: str) -> Iterator[KeepfitError]:
    if gate != ON_BY_DEFAULT:
        fix = f"leave it out: only {ON_BY_DEFAULT} is on by itself"
        yield errors.WrongValue(f"gate '{gate}' cannot be switched off", at=stated.places.of(("gates", gate)), fix=fix)


def _of_kind(stated: Stated, gate: str, kind: str) -> Iterator[KeepfitError]:
    """What a gate of this kind and name does not go with."""
    at = stated.places.of(("gates", gate, "kind"))
    if gate == ON_BY_DEFAULT and kind != ON_BY_DEFAULT:
        message = f"'{gate}' is the name of a gate that is on by default, and this one is of kind '{kind}'"
        yield errors.Impossible(message, at=at, fix="give it another name")
    if kind == "worst_slice" and _table(stated.values, "model").get("evaluation") == "quick":
        message = f"gate '{gate}' asks for slices, which evaluation = \"quick\" does not look for"
        yield errors.Impossible(message, at=at, fix='write evaluation = "full" in [model], or leave the gate out')


def _task(stated: Stated) -> tuple[Any | None, list[KeepfitError]]:
    kind = _table(stated.values, "problem").get("task", "binary")
    if not isinstance(kind, str):
        return None, []
    try:
        return plugin.find("tasks", kind, at=stated.places.of(("problem", "task")), folder=stated.folder)(), []
    except errors.UnknownKind as error:
        return None, [error]


def _of_metric(stated: Stated, task: Any, gate: str, metric: str | None) -> Iterator[KeepfitError]:
    at = stated.places.of(("gates", gate, "metric"))
    if metric is None:
        return
    if metric not in task.metrics:
        others = [kind for kind in plugin.kinds("tasks") if kind != task.kind and metric in plugin.find("tasks", kind).metrics]
        message = f"metric '{metric}' is for {' and '.join(others)}; this task is {task.kind}" if others else f"no metric '{metric}'"
        yield errors.UnknownMetric(message, at=at, fix=errors.near_match(metric, task.metrics))
    elif metric == "value" and _table(stated.values, "problem").get("value") is None:
        message = f"gate '{gate}' asks for the value of decisions, which problem.value does not state"
        yield errors.Impossible(message, at=at, fix=f"add value = {{ {task.worth[0]} = … }} to [problem]")


def _of_task(stated: Stated, task: Any) -> Iterator[KeepfitError]:
    """What the task does not go with: what decisions are worth, a value to find."""
    problem = _table(stated.values, "problem")
    for name in _table(problem, "value"):
        if name not in task.worth:
            at, fix = stated.places.of(("problem", "value", name)), errors.near_match(name, task.worth)
            yield errors.UnknownKey(f"'{name}' is no decision of the task {task.kind}", at=at, fix=fix)
    if "positive" in problem and "true_positive" not in task.worth:
        message = f"the task {task.kind} has no value to find"
        yield errors.Impossible(message, at=stated.places.of(("problem", "positive")), fix="leave positive out")


def _unknown(seam: str, word: str, kind: Any, at: str) -> Iterator[KeepfitError]:
    if isinstance(kind, str) and ":" not in kind and kind not in plugin.kinds(seam):
        yield errors.UnknownKind(f"no {word} '{kind}'", at=at, fix=errors.near_match(kind, plugin.kinds(seam)))


def _table(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = values.get(name)
    return found if isinstance(found, Mapping) else {}
