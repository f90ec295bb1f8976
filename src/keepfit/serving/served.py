"""A release that answers: checks a row, predicts, and says what is to be kept of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from keepfit import digest, errors, plugin, record
from keepfit.added import AddColumns, Added, row_adder
from keepfit.column import Kinds
from keepfit.instant import parse, show
from keepfit.release import Release, Sample
from keepfit.schema import Column
from keepfit.task import Task

__all__ = ["Answered", "Served"]


class Answered(NamedTuple):
    """What is said of a row, and what is to be kept of it: `inputs` with the columns that were added, and `private` ones."""

    outputs: Mapping[str, float]
    prediction: Any
    decision: Any
    warnings: tuple[str, ...]
    time: datetime | None
    key: str | None
    inputs: Mapping[str, Any]
    private: dict[str, Any]


class Served:
    """A release folder, checked and loaded; to be used by one thread.

    Parameters
    ----------
    folder : where `release.json` lies
    code : where the module of a function that adds columns may be looked for; None runs no code of the owner's

    Raises
    ------
    BadRelease
        A file is missing or altered, the stored sample does not come out again, or the release needs the owner's
        code and none may be run.
    """

    def __init__(self, folder: Path, kinds: Kinds, *, code: Path | None = None) -> None:
        try:
            self.release = record.read(Release, (folder / "release.json").read_bytes(), at=str(folder / "release.json"))
        except OSError as error:
            fix = "give the folder of a release, as in .keepfit/releases/r1"
            raise errors.BadRelease(f"there is no release in this folder: {error.strerror}", at=str(folder), fix=fix) from error
        for name, named in self.release.files.items():
            path = folder / name
            if not path.is_file() or digest.of_file(path) != named:
                fix = "restore the folder; keepfit makes it again from the project when it is deleted"
                raise errors.BadRelease("a file of the release is missing or was altered", at=str(path), fix=fix)
        self._task: Task = plugin.find("tasks", self.release.task)()
        self._calibration = self.release.calibration
        self._predict = plugin.find("predictors", self.release.predictor)(folder / "model", kinds)
        self._add = _adder(folder, self.release, code)
        self._checks = {column.name: _check(column) for column in self.release.columns}
        self.private = frozenset(column.name for column in self.release.columns if column.private)
        self.subject = next((column.name for column in self.release.columns if "subject" in column.uses), None)
        identity = {*self.release.key, *([self.release.time] if self.release.time else [])}
        inputs = set(self.release.inputs)
        self._needed = [c.name for c in self.release.columns if c.name in identity or (c.name in inputs and not c.nullable)]
        self._identity = identity
        self._self_test(folder)

    def answer(self, row: Mapping[str, Any]) -> Answered:
        """Answer one row.

        Raises
        ------
        BadRequest
            A column is unknown, missing, or of the wrong type; the message names it and never shows its value.
        """
        checks, private = self._checks, {}
        for name, value in row.items():
            check = checks.get(name)
            if check is None:
                raise errors.BadRequest(f"unknown column '{name[:80]}'", at=name[:80], fix=errors.near_match(name[:80], checks))
            if value is not None and not check(value):
                raise errors.BadRequest(f"'{name}' must be {_EXPECTED[self._dtype(name)]} or null", at=name)
            if name in self.private:
                private[name] = value
        for name in self._needed:
            if name not in row or (name in self._identity and row[name] is None):
                raise errors.BadRequest(f"column '{name}' is missing", at=name)
        whole = row if self._add is None else {**row, **self._add(row)}
        outputs, warnings = self._predict(whole)
        if self._calibration is not None and self._task.calibrates is not None:
            outputs = {**outputs, self._task.calibrates: self._calibration.one(outputs[self._task.calibrates])}
        prediction, decision = self._task.answer(outputs, self.release.classes, self.release.threshold)
        time = parse(row[self.release.time]) if self.release.time else None
        inputs = {name: value for name, value in whole.items() if name not in self.private} if self.private else whole
        return Answered(outputs, prediction, decision, tuple(warnings), time, self.key_of(row), inputs, private)

    def key_of(self, row: Mapping[str, Any]) -> str | None:
        """The canonical JSON of a row's key, its instants in one form."""
        if not self.release.key:
            return None
        return digest.canonical([_AS_STORED.get(self._dtype(name), _as_it_is)(row[name]) for name in self.release.key])

    def key_of_label(self, key: Mapping[str, Any]) -> str:
        """The same of a label's key, which must hold the key's columns and no other."""
        if set(key) != set(self.release.key) or not self.release.key:
            raise errors.BadRequest(f"a label's key holds the columns {', '.join(self.release.key)}", at="key")
        for name, value in key.items():
            if value is None or not self._checks[name](value):
                raise errors.BadRequest(f"'{name}' must be {_EXPECTED[self._dtype(name)]}", at=f"key.{name}")
        return str(self.key_of(key))

    def _dtype(self, name: str) -> str:
        return next(column.dtype for column in self.release.columns if column.name == name)

    def _self_test(self, folder: Path) -> None:
        sample = record.read(Sample, (folder / "sample.json").read_bytes(), at=str(folder / "sample.json"))
        for row, expected in zip(sample.rows, sample.outputs, strict=True):
            outputs = self._predict(row)[0]
            if outputs.keys() != expected.keys() or any(not abs(outputs[name] - value) <= _LAST_BITS for name, value in expected.items()):
                fix = "serve it with the library versions that it was made with"
                raise errors.BadRelease("the release's own sample does not come out again", at=str(folder / "sample.json"), fix=fix)


def _adder(folder: Path, release: Release, code: Path | None) -> AddColumns | None:
    """The function that adds columns, where the release has one."""
    if "added.json" not in release.files:
        return None
    made = record.read(Added, (folder / "added.json").read_bytes(), at=str(folder / "added.json"))
    if code is None:
        fix = f"serve it from its project, which has {made.function}"
        raise errors.BadRelease(
            "the release adds columns by code of its owner's, which is not run from a bare folder", at=str(folder), fix=fix
        )
    return row_adder(made, plugin.find("features", made.function, at=str(folder / "added.json"), folder=code))


_EXPECTED = {
    "int": "a whole number",
    "float": "a number",
    "float32": "a number",
    "bool": "true or false",
    "text": "text",
    "instant": "an instant in ISO 8601 with an offset, as in 2013-07-01T17:00Z",
}


def _as_it_is(value: Any) -> Any:
    return value


#: How far the sample's outputs may lie from those that are stored: `exp` differs in its last bit between C libraries and processors.
_LAST_BITS = 1e-12

#: A key's value has one text however a client writes it: 2 and 2.0, 17:00Z and 19:00+02:00.
_AS_STORED: dict[str, Callable[[Any], Any]] = {"int": int, "float": float, "instant": lambda value: show(parse(value))}


def _is_instant(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        parse(value)
    except (ValueError, OverflowError):
        return False
    return True


def _is_whole(value: object) -> bool:
    if type(value) is int:
        return -(2**63) <= value < 2**63
    return type(value) is float and value.is_integer() and abs(value) < 2**53


_CHECKS: dict[str, Callable[[object], bool]] = {
    "int": _is_whole,
    "float": lambda value: type(value) in (float, int),
    "float32": lambda value: type(value) in (float, int),
    "bool": lambda value: type(value) is bool,
    "text": lambda value: type(value) is str,
    "instant": _is_instant,
}


def _check(column: Column) -> Callable[[object], bool]:
    return _CHECKS["text"] if "subject" in column.uses else _CHECKS[column.dtype]
