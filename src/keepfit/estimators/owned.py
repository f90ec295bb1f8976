"""An estimator that a function of the owner's makes: any estimator or pipeline in the manner of scikit-learn."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from keepfit import errors
from keepfit.estimator import Choice, Range, Space, Training
from keepfit.estimators.general import GeneralModel, Owned, Takes, audit, given_to, one_thread, read_model
from keepfit.features import Inputs, Plan
from keepfit.task import Outputs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["FittedGeneral", "OwnedEstimator"]

_AT = "model.estimators"
#: Of every five rows one is left out of a first fit, to see how far off a magnitude's predictions are.
_EVERY = 5
_BOUNDS = (0.05, 0.95)
#: Rows that a fitted estimator is asked about before it is trusted to answer for others.
_ASKED = 50


class OwnedEstimator:
    """Fits what `module:function` returns.

    The function may take `seed`, `task` and parameters that have defaults; attributes of it say the rest: `takes`
    what it is fitted on (`"polars"`, `"pandas"`, `"linear"` or `"trees"`), `space` what a search may try.

    Parameters
    ----------
    kind : `module:function`
    trust : types that a model may hold beside those that skops trusts
    code : the project's folder, where the function's module lies
    """

    def __init__(self, kind: str, function: Callable[..., Any], trust: tuple[str, ...], code: Path) -> None:
        self.kind = kind
        self._function, self._trust, self._code = function, trust, code
        self._accepts = self._signature()
        self.defaults: Mapping[str, Any] = {name: value for name, value in self._accepts.items() if name not in ("seed", "task")}
        self.space: Space = self._space()
        self._takes = self._taken()

    def fit(self, training: Training, parameters: Mapping[str, Any], seed: int) -> FittedGeneral:
        takes, family = self._takes, training.task.family
        plan = training.inputs.learn(training.columns, takes) if takes == "linear" or takes == "trees" else None
        given = given_to(training.inputs, takes, training.columns, plan)
        columns = tuple(plan_columns(training, plan))
        form = {"bernoulli": "score", "categorical": "chances", "gaussian": "magnitude"}[family]
        about = Owned(self.kind, takes, form, training.fields, columns, trust=self._trust)  # type: ignore[arg-type]
        low, high = self._bounds(given, training, parameters, seed) if family == "gaussian" else (0.0, 0.0)
        estimator = self._fitted(given, training, parameters, seed)
        seen = () if family == "gaussian" else tuple(int(one) for one in estimator.classes_)
        about = Owned(self.kind, takes, about.form, about.fields, columns, seen, low, high, self._trust)
        model = GeneralModel(estimator, about, plan)
        self._ask(model, training.inputs)
        # Before a search has cost hours: could it be loaded again?
        training.inputs.once(("audited", self.kind), lambda: audit(estimator, self._trust, self.kind))
        return FittedGeneral(model)

    def load(self, folder: Path) -> FittedGeneral:
        return FittedGeneral(read_model(folder, lambda _: self._trust, self._code))

    def _fitted(self, given: Any, training: Training, parameters: Mapping[str, Any], seed: int) -> Any:
        estimator = self._made(parameters, seed, training.task.kind)
        self._fits_the_task(estimator, training.task.family)
        truth = training.truth if training.task.family == "gaussian" else training.truth.astype("int64")
        with one_thread():
            self._run(lambda: estimator.fit(given, truth), "fails to fit")
        if training.task.family != "gaussian" and not hasattr(estimator, "classes_"):
            raise self._fault(
                "makes an estimator that does not say which classes it has seen", "let fit set classes_, as scikit-learn's do"
            )
        return estimator

    def _bounds(self, given: Any, training: Training, parameters: Mapping[str, Any], seed: int) -> tuple[float, float]:
        """How far truths lie from predictions, on rows that a first fit left out."""
        import numpy as np

        out = np.arange(training.truth.size) % _EVERY == _EVERY - 1
        if not out.any():
            return 0.0, 0.0
        part = Training(training.inputs, training.truth[~out], training.columns, training.task, training.classes)
        estimator = self._fitted(_where(given, ~out), part, parameters, seed)
        with one_thread():
            said = self._run(lambda: np.asarray(estimator.predict(_where(given, out)), dtype=np.float64).reshape(-1), "fails to predict")
        if said.shape != (int(out.sum()),):
            raise self._fault(f"makes an estimator that answers with shape {said.shape}", "give one prediction for each row")
        low, high = np.quantile(training.truth[out] - said, _BOUNDS)
        return min(0.0, float(low)), max(0.0, float(high))

    def _ask(self, model: GeneralModel, inputs: Inputs) -> None:
        """Some of the rows, to see that the answers are of the right form."""
        few = Inputs(inputs.frame.head(_ASKED), inputs.kinds)
        self._run(lambda: model.outputs(few), "fails to predict")

    def _made(self, parameters: Mapping[str, Any], seed: int, task: str) -> Any:
        known = {"seed": seed, "task": task, **{name: parameters.get(name, value) for name, value in self.defaults.items()}}
        estimator = self._run(lambda: self._function(**{name: known[name] for name in self._accepts}), "raises")
        if not callable(getattr(estimator, "fit", None)) or isinstance(estimator, type):
            fix = "return an estimator of scikit-learn that is not fitted yet, such as a pipeline"
            raise self._fault(f"gives a value of type {type(estimator).__name__}, which is no estimator", fix)
        if callable(getattr(estimator, "get_params", None)) and callable(getattr(estimator, "set_params", None)):
            unset = [name for name, value in estimator.get_params().items() if name.split("__")[-1] == "random_state" and value is None]
            estimator.set_params(**dict.fromkeys(unset, seed))
        return estimator

    def _fits_the_task(self, estimator: Any, family: str) -> None:
        if family == "gaussian":
            from sklearn.base import is_classifier

            if is_classifier(estimator) or not callable(getattr(estimator, "predict", None)):
                raise self._fault("makes a classifier, and the task asks for magnitudes", "return a regressor")
        elif not callable(getattr(estimator, "predict_proba", None)):
            fix = "return a classifier with predict_proba, or put CalibratedClassifierCV around it"
            raise self._fault("makes an estimator that gives no probabilities", fix)

    def _signature(self) -> dict[str, Any]:
        """The names that the function takes, with their defaults."""
        if not callable(self._function):
            raise self._fault("is no function", "write module:function")
        try:
            given = inspect.signature(self._function).parameters
        except (TypeError, ValueError):
            given = inspect.signature(lambda: None).parameters
        found: dict[str, Any] = {}
        for name, one in given.items():
            if one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD):
                continue
            if one.default is one.empty and name not in ("seed", "task"):
                raise self._fault(
                    f"takes '{name}' and gives it no default", "give every parameter a default; only seed and task are handed over"
                )
            if name not in ("seed", "task") and not isinstance(one.default, str | int | float | bool | None):
                fix = "let defaults be numbers, text, true, false or None"
                raise self._fault(f"has a default for '{name}' that is no plain value", fix)
            found[name] = one.default
        return found

    def _space(self) -> Space:
        stated = getattr(self._function, "space", {})
        if not isinstance(stated, Mapping):
            raise self._fault("has a space that is no dict", 'write function.space = {"depth": (2, 12)}')
        found: dict[str, Range | Choice] = {}
        for name, values in stated.items():
            made = _values(values)
            if name not in self.defaults or made is None:
                fix = 'name a parameter and give (low, high), (low, high, "log"), or a list of values'
                raise self._fault(f"has a space for '{name}' that cannot be searched", fix)
            found[name] = made
        return found

    def _taken(self) -> Takes:
        takes: Takes = getattr(self._function, "takes", "polars")
        if takes not in get_args(Takes):
            raise self._fault("does not say what its estimator takes", f"let function.takes be one of {', '.join(get_args(Takes))}")
        return takes

    def _run(self, act: Callable[[], Any], what: str) -> Any:
        try:
            return act()
        except errors.KeepfitError:
            raise
        except Exception as error:
            raised = "" if what == "raises" else f"makes an estimator that {what}: it "
            found = f"{raised}raises {type(error).__name__}{line_of(error)}"
            raise self._fault(found, 'see it whole in Python: keepfit.open(".").run()') from error

    def _fault(self, found: str, fix: str) -> errors.BadEstimator:
        return errors.BadEstimator(f"the function {self.kind} {found}", at=_AT, fix=fix)


def plan_columns(training: Training, plan: Plan | None) -> list[Any]:
    """The columns that an answer needs: all, or those that the plan encodes."""
    if plan is None:
        return list(training.columns)
    encoded = {encoding.column for encoding in plan.encodings}
    return [column for column in training.columns if column.name in encoded]


def line_of(error: BaseException) -> str:
    """Where it happened; the message itself may hold a row's value."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f" in line {trace.tb_lineno} of {trace.tb_frame.f_code.co_filename}" if trace is not None else ""


def _values(stated: Any) -> Range | Choice | None:
    if isinstance(stated, Range | Choice):
        return stated
    if isinstance(stated, list) and stated and all(isinstance(one, str | int | float | bool | None) for one in stated):
        return Choice(tuple(stated))
    if not isinstance(stated, tuple) or len(stated) not in (2, 3) or (len(stated) == 3 and stated[2] != "log"):
        return None
    low, high = stated[:2]
    if not all(isinstance(one, int | float) and not isinstance(one, bool) for one in (low, high)) or not low < high:
        return None
    return Range(low, high, log=len(stated) == 3, whole=isinstance(low, int) and isinstance(high, int))


def _where(given: Any, mask: NDArray[np.bool_]) -> Any:
    """Some of the rows of a frame or an array."""
    if hasattr(given, "filter") and hasattr(given, "hstack"):  # a Polars frame
        return given.filter(mask)
    return given[mask]


class FittedGeneral:
    """What the owner's estimator learned."""

    predictor = "general"
    #: One row and many go different ways through the libraries below, which round differently.
    tolerance = 1e-9
    #: A row takes milliseconds; so many say within which bounds 99 of 100 answers come.
    alone = 400

    def __init__(self, model: GeneralModel) -> None:
        self._model = model

    def predict(self, inputs: Inputs) -> Outputs:
        return self._model.outputs(inputs)

    def save(self, folder: Path) -> None:
        self._model.save(folder)
