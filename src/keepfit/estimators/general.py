"""The general predictor: what scikit-learn fitted, asked by scikit-learn, for a table or for requests.

A row costs milliseconds here and microseconds elsewhere, so that a server asks for several at once. The model is a
skops file: the types in it are looked at before it is loaded, and one that neither skops nor the owner trusts is refused.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from keepfit import errors, record
from keepfit.column import Kinds
from keepfit.estimator import Answer
from keepfit.features import Inputs, Plan
from keepfit.request import Reader
from keepfit.schema import Column

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from keepfit.task import Outputs

__all__ = ["GeneralModel", "GeneralPredictor", "Owned", "Takes", "audit", "given_to", "one_thread", "read_model"]

#: What the owner's estimator is fitted on: the columns as a Polars or a pandas frame, or the numbers of a feature plan.
Takes: TypeAlias = Literal["polars", "pandas", "linear", "trees"]
MODEL = "model.skops"
_ABOUT = "owned.json"
#: Types that skops does not list and that hold no more than the name of a type.
_PLAIN = frozenset({"numpy.dtype"})


@dataclass(frozen=True, slots=True)
class Owned:
    """What stands beside a model that the owner's function made.

    `classes` are the numbers of the classes that it has seen, in its own order; `low` and `high` are how far the
    bounds of a magnitude lie from its prediction. `trust` names types that the owner said may be loaded: they count
    only where the owner's project is.
    """

    record: ClassVar[str] = "owned"
    version: ClassVar[int] = 1

    function: str
    takes: Takes
    form: Literal["score", "chances", "magnitude"]
    fields: tuple[str, ...]
    columns: tuple[Column, ...]
    classes: tuple[int, ...] = ()
    low: float = 0.0
    high: float = 0.0
    trust: tuple[str, ...] = ()


@cache
def _pools() -> Any:
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:  # it comes with scikit-learn
        return None
    return ThreadpoolController()


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread in the libraries below: two on two busy cores are slower by orders of magnitude."""
    pools = _pools()
    if pools is None:
        yield
        return
    with pools.limit(limits=1):
        yield


def given_to(inputs: Inputs, takes: Takes, columns: Sequence[Column], plan: Plan | None) -> Any:
    """What the owner's estimator is given for a table; numbers that are not finite are missing, as they are in a request."""
    if plan is not None:
        return inputs.matrix(plan).copy()
    import polars as pl  # a server of other models does without it

    floats = [pl.col(column.name) for column in columns if column.dtype in ("float", "float32")]
    frame = inputs.frame.select(column.name for column in columns).with_columns(
        pl.when(column.is_finite()).then(column).alias(column.meta.output_name()) for column in floats
    )
    return frame if takes == "polars" else _pandas(frame)


def _pandas(frame: pl.DataFrame) -> Any:
    try:
        import pandas as pd
    except ImportError as error:
        fix = "pip install pandas, or let the function take a Polars frame"
        raise errors.ExtraNeeded("an estimator that takes pandas frames needs pandas", at="model.estimators", fix=fix) from error
    import polars as pl

    held: dict[str, Any] = {}
    for series in frame.get_columns():
        if isinstance(series.dtype, pl.Datetime):
            held[series.name] = pd.Series(series.dt.replace_time_zone(None).to_numpy()).dt.tz_localize("UTC")
        elif series.dtype in (pl.String, pl.Boolean):
            held[series.name] = pd.Series(series.to_list(), dtype=object)
        else:
            held[series.name] = series.to_numpy()
    return pd.DataFrame(held)


@dataclass(frozen=True, slots=True)
class GeneralModel:
    """A fitted estimator of scikit-learn with what stands beside it."""

    estimator: Any
    about: Owned
    plan: Plan | None

    def outputs(self, inputs: Inputs) -> Outputs:
        """The task's output fields, each of shape (rows,)."""
        import numpy as np

        about = self.about
        if inputs.rows == 0:
            return {field: np.empty(0) for field in about.fields}
        given = given_to(inputs, about.takes, about.columns, self.plan)
        with one_thread(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is missing or new in a row the answer's own warnings tell
            raw = self.estimator.predict(given) if about.form == "magnitude" else self.estimator.predict_proba(given)
        said = np.asarray(raw, dtype=np.float64)
        self._hold(said, inputs.rows)
        if about.form == "magnitude":
            value = said.reshape(-1)
            return dict(zip(about.fields, (value, value + about.low, value + about.high), strict=True))
        if about.form == "score":
            return {about.fields[0]: self._of_class(said, 1)}
        return {field: self._of_class(said, number) for number, field in enumerate(about.fields)}

    def _of_class(self, said: NDArray[np.float64], number: int) -> NDArray[np.float64]:
        import numpy as np

        seen = self.about.classes
        return np.clip(said[:, seen.index(number)], 0.0, 1.0) if number in seen else np.zeros(said.shape[0])

    def _hold(self, said: NDArray[np.float64], rows: int) -> None:
        """Refuse answers that are of another shape, or no numbers, or no probabilities."""
        import numpy as np

        name = self.about.function
        wanted = (rows,) if self.about.form == "magnitude" else (rows, len(self.about.classes))
        if said.size != rows * (len(self.about.classes) or 1) or said.shape[0] != rows:
            fix = "give one prediction, or one probability for each class, for each row"
            found = f"the estimator of {name} answers with shape {said.shape} where {wanted} is due"
            raise errors.BadEstimator(found, at="model.estimators", fix=fix)
        if not np.isfinite(said).all():
            fix = "let it take missing values and rows like every row of the table"
            raise errors.BadEstimator(f"the estimator of {name} answers with NaN or infinity", at="model.estimators", fix=fix)
        if self.about.form != "magnitude" and not (np.abs(said.sum(axis=1) - 1) < 1e-6).all():
            fix = "let predict_proba give probabilities that add up to 1"
            raise errors.BadEstimator(f"the probabilities of {name} do not add up to 1", at="model.estimators", fix=fix)

    def save(self, folder: Path) -> None:
        (folder / _ABOUT).write_text(record.text(self.about))
        if self.plan is not None:
            (folder / "plan.json").write_text(record.text(self.plan))
        _skops().dump(self.estimator, folder / MODEL)


def _skops() -> Any:
    try:
        import skops.io
    except ImportError as error:
        fix = 'pip install "keepfit[sklearn]"'
        raise errors.ExtraNeeded(
            "a model that scikit-learn made is stored by skops, which is missing", at="model.estimators", fix=fix
        ) from error
    return skops.io


def audit(estimator: Any, trust: Sequence[str], name: str) -> None:
    """Refuse a model that holds types which could not be loaded again.

    Raises
    ------
    Untrusted
        It holds types that neither skops nor the owner trusts.
    """
    io = _skops()
    try:
        unknown = set(io.get_untrusted_types(data=io.dumps(estimator))) - set(trust) - _PLAIN
    except Exception as error:
        fix = "make the estimator of functions and types that a module has, none defined inside another or by lambda"
        raise errors.BadEstimator(
            f"the estimator of {name} cannot be stored: skops raises {type(error).__name__}", at="model.estimators", fix=fix
        ) from error
    _refuse(unknown, "model.trust")


def _refuse(unknown: set[str], at: str) -> None:
    if unknown:
        named = ", ".join(f'"{one}"' for one in sorted(unknown))
        fix = f"where these are what you mean them to be: [model] trust = [{named}]"
        raise errors.Untrusted(f"the model holds types that nobody said to trust: {', '.join(sorted(unknown))}", at=at, fix=fix)


def read_model(folder: Path, trust: Callable[[Owned], Sequence[str]], code: Path | None) -> GeneralModel:
    """What a folder holds, once its types were looked at.

    Parameters
    ----------
    trust : which types may be loaded beside those that skops trusts
    code : where the owner's modules lie; None where none may be imported

    Raises
    ------
    Untrusted
        The model holds other types.
    BadRelease
        It cannot be read.
    """
    about = record.read(Owned, (folder / _ABOUT).read_bytes(), at=str(folder / _ABOUT))
    path = folder / "plan.json"
    plan = record.read(Plan, path.read_bytes(), at=str(path)) if path.exists() else None
    if code is not None and str(code) not in sys.path:
        sys.path.insert(0, str(code))
    io, file = _skops(), folder / MODEL
    try:
        unknown = set(io.get_untrusted_types(file=file))
        _refuse(unknown - set(trust(about)) - _PLAIN, str(file))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of another version of scikit-learn the self-test tells
            return GeneralModel(io.load(file, trusted=sorted(unknown)), about, plan)
    except errors.KeepfitError:
        raise
    except Exception as error:
        fix = "install the versions of libraries that it was made with; keepfit show names them"
        raise errors.BadRelease(f"the model cannot be loaded: {type(error).__name__}", at=str(file), fix=fix) from error


class GeneralPredictor:
    """Rows in, the output fields out, by way of a table: many at once cost little more than one; for one thread."""

    merges = True

    def __init__(self, folder: Path, kinds: Kinds, code: Path | None = None) -> None:
        self._model = read_model(folder, lambda about: about.trust if code is not None else (), code)
        self._kinds = kinds
        self._columns = self._model.about.columns
        self._read = Reader(self._columns)
        self.inputs = tuple(column.name for column in self._columns)

    def __call__(self, row: Mapping[str, object]) -> Answer:
        return self._ask([self._given(row)])[0]

    def many(self, rows: Sequence[Mapping[str, object]]) -> list[Answer | errors.BadRequest]:
        given: list[dict[str, Any]] = []
        found: list[Answer | errors.BadRequest | None] = []
        for row in rows:
            try:
                given.append(self._given(row))
                found.append(None)
            except errors.BadRequest as error:
                found.append(error)
        answers = iter(self._each(given))
        return [next(answers) if one is None else one for one in found]

    def _each(self, given: list[dict[str, Any]]) -> Sequence[Answer | errors.BadRequest]:
        """All at once; where that fails one by one, to find out whose row it is."""
        if not given:
            return []
        try:
            return self._ask(given)
        except errors.BadRequest:
            return [self._alone(one) for one in given]

    def _alone(self, one: dict[str, Any]) -> Answer | errors.BadRequest:
        try:
            return self._ask([one])[0]
        except errors.BadRequest as error:
            return error

    def _given(self, row: Mapping[str, object]) -> dict[str, Any]:
        return self._read.one(row)

    def _ask(self, given: list[dict[str, Any]]) -> list[Answer]:
        inputs = Inputs(self._read.table(given), self._kinds)
        try:
            said = self._model.outputs(inputs)
        except Exception as error:  # noqa: BLE001 - the owner's code may raise anything, and its message may hold a value
            kind = type(error).__name__
            raise errors.BadRequest(f"the estimator cannot take this row: {kind}", at=self._model.about.function) from None
        names, columns = list(said), [values.tolist() for values in said.values()]
        return [(dict(zip(names, one, strict=True)), []) for one in zip(*columns, strict=True)]
