"""A release that answers: predicts for rows that were decoded, and says what is to be kept of each."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from keepfit import digest, errors, plugin, record
from keepfit.added import AddColumns, Added, row_adder
from keepfit.column import Kinds
from keepfit.estimator import Answer, Predictor
from keepfit.instant import parse, show
from keepfit.release import Release, Sample
from keepfit.serving.rows import EXPECTED, Rows, carried
from keepfit.task import Task

__all__ = ["Answered", "Served", "read_release"]


class Answered(NamedTuple):
    """What is said of a row, and what is to be kept of it: `inputs` with the columns that were added, and `private` ones."""

    outputs: Mapping[str, float]
    prediction: Any
    decision: Any
    warnings: Sequence[str]
    time: datetime | None
    key: str | None
    inputs: Mapping[str, Any]
    private: dict[str, Any]


class Served:
    """A release folder, checked and loaded; to be used by one thread.

    Parameters
    ----------
    folder : where `release.json` lies
    code : where the owner's modules may be looked for, of a function that adds columns or an estimator; None runs none of them

    Raises
    ------
    BadRelease
        A file is missing or altered, the stored sample does not come out again, or the release needs the owner's
        code and none may be run.
    """

    def __init__(self, folder: Path, kinds: Kinds, *, code: Path | None = None) -> None:
        self.folder, self.release = folder, read_release(folder)
        release = self.release
        self._task: Task = plugin.find("tasks", release.task)()
        self._calibration = release.calibration
        self._predict: Predictor = plugin.find("predictors", release.predictor)(folder / "model", kinds, code)
        #: Whether many rows in one call are much faster than one by one, so that requests had better wait for each other.
        self.merges: bool = self._predict.merges
        self._add = _adder(folder, release, code)
        self._columns = {column.name: column for column in release.columns}
        self.private = frozenset(column.name for column in release.columns if column.private)
        self.subject = next((column.name for column in release.columns if "subject" in column.uses), None)
        self._key = [(name, _AS_STORED.get(carried(self._columns[name]), _as_it_is)) for name in release.key]
        # Texts and whole numbers have one form in every JSON; fractions have that of the canonical one.
        self._key_text = _plain_json if not {self._columns[name].dtype for name in release.key} & {"float", "float32"} else digest.canonical
        #: The outputs that every answer has, and a prediction and a decision that show their types.
        self.fields = self._task.fields(release.classes)
        self.example = self._task.answer(dict.fromkeys(self.fields, 0.0), release.classes, release.threshold)
        #: Rows as requests carry them, with the outputs that they must give.
        self.sample = record.read(Sample, (folder / "sample.json").read_bytes(), at=str(folder / "sample.json"))
        self._self_test(folder)

    def answer(self, row: Mapping[str, Any]) -> Answered:
        """Answer one row as a request carries it.

        Raises
        ------
        BadRequest
            A column is unknown, missing, or of the wrong type; the message names it and never shows its value.
        """
        rows = Rows(self.release)
        try:
            return self.answers([dict(zip(rows.names, msgspec.structs.astuple(one), strict=True)) for one in rows.convert([row])])[0]
        except errors.BadRequest as error:
            raise errors.BadRequest(error.message, at=error.at.removeprefix("rows[0]").lstrip("."), fix=error.fix) from None

    def answers(self, rows: Sequence[Mapping[str, Any]]) -> list[Answered]:
        """Answer rows that `Rows` decoded.

        Raises
        ------
        BadRequest
            The owner's function cannot take a row.
        BadRelease
            The model gave a number that is not finite.
        """
        if self._add is not None:
            rows = [self._with_added(number, row, self._add) for number, row in enumerate(rows)]
        found = self._together(rows) if len(rows) > 1 else [self._predict(row) for row in rows]
        return [self._answered(row, outputs, warnings) for row, (outputs, warnings) in zip(rows, found, strict=True)]

    def _together(self, rows: Sequence[Mapping[str, Any]]) -> list[Answer]:
        found: list[Answer] = []
        for number, one in enumerate(self._predict.many(rows)):
            if isinstance(one, errors.BadRequest):
                raise errors.BadRequest(one.message, at=f"rows[{number}].{one.at}", fix=one.fix)
            found.append(one)
        return found

    def _answered(self, row: Mapping[str, Any], outputs: Mapping[str, float], warnings: Sequence[str]) -> Answered:
        release = self.release
        for value in outputs.values():
            if not math.isfinite(value):
                fix = "roll back, and look at the model with rows like this one"
                raise errors.BadRelease("the model gave a number that is not finite", at=release.id, fix=fix)
        if self._calibration is not None:
            outputs = self._task.calibrate_row(outputs, self._calibration)
        prediction, decision = self._task.answer(outputs, release.classes, release.threshold)
        private: dict[str, Any] = {}
        if self.private:
            private = {name: row[name] for name in self.private if row.get(name) is not None}
            row = {name: value for name, value in row.items() if name not in self.private}
        time = parse(row[release.time]) if release.time else None
        return Answered(outputs, prediction, decision, warnings, time, self.key_of(row), row, private)

    def _with_added(self, number: int, row: Mapping[str, Any], add: AddColumns) -> Mapping[str, Any]:
        try:
            return {**row, **add(row)}
        except errors.BadRequest as error:
            raise errors.BadRequest(error.message, at=f"rows[{number}].{error.at}", fix=error.fix) from None

    def key_of(self, row: Mapping[str, Any]) -> str | None:
        """The canonical JSON of a row's key, its instants in one form."""
        if not self._key:
            return None
        return self._key_text([as_stored(row[name]) for name, as_stored in self._key])

    def key_of_label(self, key: Mapping[str, Any]) -> str:
        """The same of a label's key, which must hold the key's columns and no other."""
        if set(key) != set(self.release.key) or not self.release.key:
            raise errors.BadRequest(f"a label's key holds the columns {', '.join(self.release.key)}", at="key")
        for name, value in key.items():
            dtype = carried(self._columns[name])
            if value is None or not _CHECKS[dtype](value):
                raise errors.BadRequest(f"'{name}' must be {EXPECTED[dtype]}", at=f"key.{name}")
        return str(self.key_of(key))

    def _self_test(self, folder: Path) -> None:
        sample = self.sample
        said = [self._predict(row)[0] for row in sample.rows]
        if len(sample.rows) > 1:
            said += [outputs for outputs, _ in self._together(sample.rows)]
        for outputs, expected in zip(said, sample.outputs * (len(said) // max(1, len(sample.rows))), strict=True):
            apart = [abs(outputs[name] - value) / max(1.0, abs(value)) for name, value in expected.items() if name in outputs]
            if outputs.keys() != expected.keys() or not all(one <= _LAST_BITS for one in apart):
                fix = "serve it with the library versions that it was made with"
                raise errors.BadRelease("the release's own sample does not come out again", at=str(folder / "sample.json"), fix=fix)


def read_release(folder: Path) -> Release:
    """The release in a folder.

    Raises
    ------
    BadRelease, NewerFormat
        There is none, or a file of it is missing or altered.
    """
    try:
        release = record.read(Release, (folder / "release.json").read_bytes(), at=str(folder / "release.json"))
    except OSError as error:
        fix = "give the folder of a release, as in .keepfit/releases/r1"
        raise errors.BadRelease(f"there is no release in this folder: {error.strerror}", at=str(folder), fix=fix) from error
    for name, named in release.files.items():
        path = folder / name
        if not path.is_file() or digest.of_file(path) != named:
            fix = "restore the folder; keepfit makes it again from the project when it is deleted"
            raise errors.BadRelease("a file of the release is missing or was altered", at=str(path), fix=fix)
    return release


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


def _as_it_is(value: Any) -> Any:
    return value


def _plain_json(value: list[Any]) -> str:
    return msgspec.json.encode(value).decode()


#: How far the sample's outputs may lie from those that are stored, as a share of those above 1.
#: `exp` differs in its last bit between C libraries and processors.
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
