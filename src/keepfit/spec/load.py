"""Read a project file: option > environment > overlay > file > default, and all faults at once."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from pydantic import ValidationError

from keepfit import errors
from keepfit.errors import KeepfitError
from keepfit.spec import toml
from keepfit.spec.contradictions import Contradiction, contradictions
from keepfit.spec.faults import faults_of
from keepfit.spec.places import FILE, Key, Places, lines_of
from keepfit.spec.project import ProjectSpec

__all__ = ["FILE", "Loaded", "Places", "Stated", "conceal", "expand", "faults_of", "find", "literal_password", "load", "parse", "read"]

PREFIX = "KEEPFIT_"
_NAME = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class Stated:
    """What files, environment and options say together, before anything is parsed."""

    values: Mapping[str, Any]
    places: Places
    folder: Path


@dataclass(frozen=True, slots=True)
class Loaded:
    """A project file that parsed, and where its values came from."""

    spec: ProjectSpec
    places: Places
    folder: Path


def find(start: Path) -> Path:
    """The folder of the project: `start`, or the nearest above it with a project file.

    Raises
    ------
    NoProject
        There is none.
    """
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return folder
    fix = "go to the project's folder, or try one with: keepfit demo"
    raise errors.NoProject(f"no {FILE} here or above", at=str(start), fix=fix)


def load(
    folder: Path, *, env: str | None = None, options: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None
) -> Loaded:
    """Read, merge and parse a project's settings; parameters as in `read`.

    Raises
    ------
    UnreadableProjectFile
        A file is missing or is not TOML.
    Faults
        All faults that were found, each with its place.
    """
    stated = read(folder, env=env, options=options, environ=environ)
    spec, found = parse(stated)
    if spec is None or found:
        raise errors.Faults(found, at=FILE)
    return Loaded(spec, stated.places, folder)


def read(
    folder: Path, *, env: str | None = None, options: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None
) -> Stated:
    """Read a project's settings, merged and not yet parsed.

    Parameters
    ----------
    folder : where `keepfit.toml` lies
    env : the overlay `keepfit.<env>.toml`, which must exist
    options : dotted keys from the command line, their parts in quotes where they hold dots themselves
    environ : the environment, by default that of this process

    Raises
    ------
    UnreadableProjectFile
        A file is missing or is not TOML.
    BadArgument
        An option is not a dotted key.
    """
    environ = os.environ if environ is None else environ
    merged: dict[str, Any] = {}
    places: dict[Key, str] = {}
    for name in [FILE, *([f"keepfit.{env}.toml"] if env else [])]:
        values, lines = _file(folder / name)
        _merge(merged, values)
        for key, line in lines.items():
            _placed(places, key, f"{name}: line {line}", merged)
    for variable, value in sorted(environ.items()):
        if variable.startswith(PREFIX) and "__" in variable:
            key = tuple(part.lower() for part in variable.removeprefix(PREFIX).split("__"))
            _set(merged, key, _scalar(value))
            _placed(places, key, f"environment {variable}", merged)
    for dotted, value in (options or {}).items():
        try:
            key = toml.parts(dotted)
        except ValueError as error:
            fix = "as in --set monitor.window=7d, or --set 'columns.\"a b\".ignore=true'"
            raise errors.BadArgument(str(error), at="--set", fix=fix) from None
        _set(merged, key, value)
        _placed(places, key, "option", merged)
    return Stated(merged, Places(places), folder)


def parse(stated: Stated) -> tuple[ProjectSpec | None, list[KeepfitError]]:
    """The project that settings state, and every fault that can be found without a plugin."""
    found = list(_passwords(stated.values, stated.places))
    found += _impossible(stated, contradictions(stated.values))
    try:
        spec = ProjectSpec.model_validate(stated.values)
        found += _impossible(stated, spec.contradictions())
        for key, fix in spec.alerts.literal_secrets():
            found.append(errors.LiteralPassword(f"alerts.{key} holds a secret", at=stated.places.of(("alerts", key)), fix=fix))
        return spec, found
    except ValidationError as error:
        return None, found + faults_of(error, ProjectSpec, stated.places)


def _impossible(stated: Stated, found: Iterable[Contradiction]) -> list[KeepfitError]:
    return [errors.Impossible(one.message, at=stated.places.of(one.key), fix=one.fix) for one in found]


def _placed(places: dict[Key, str], key: Key, place: str, merged: Mapping[str, Any]) -> None:
    """Note where a key stands; what stood inside a value that it replaces is gone."""
    value: Any = merged
    for part in key:
        value = value.get(part) if isinstance(value, Mapping) else None
    if key in places and not isinstance(value, Mapping):
        for inner in [other for other in places if other[: len(key)] == key and other != key]:
            del places[inner]
    places[key] = place


def _file(path: Path) -> tuple[dict[str, Any], dict[Key, int]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        return tomllib.loads(text), lines_of(text)
    except FileNotFoundError:
        raise errors.UnreadableProjectFile(f"{path.name} is not there", at=str(path)) from None
    except OSError as error:
        raise errors.UnreadableProjectFile(f"{path.name} cannot be read: {error.strerror}", at=str(path)) from error
    except UnicodeDecodeError as error:
        raise errors.UnreadableProjectFile(f"{path.name} is not UTF-8 text", at=f"{path.name}: byte {error.start}") from error
    except tomllib.TOMLDecodeError as error:
        what, _, where = str(error).partition(" (at ")
        line = where.rstrip(")") or "the end"
        fix = "text stands in quotes, a key before =, a section in [brackets]"
        raise errors.UnreadableProjectFile(
            f"{path.name} is not TOML: {what[:1].lower()}{what[1:]}", at=f"{path.name}: {line}", fix=fix
        ) from error


def _merge(into: dict[str, Any], values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


def _set(into: dict[str, Any], key: Key, value: Any) -> None:
    for part in key[:-1]:
        deeper = into.setdefault(part, {})
        if not isinstance(deeper, dict):
            return
        into = deeper
    into[key[-1]] = value


def _scalar(text: str) -> Any:
    """A variable's value: TOML where it is TOML, else the text itself."""
    try:
        return tomllib.loads(f"v = {text}")["v"]
    except tomllib.TOMLDecodeError:
        return text


def _passwords(values: Mapping[str, Any], places: Places) -> Iterable[KeepfitError]:
    for section in ("data", "labels", "stores", "alerts"):
        for key, value in (values.get(section) or {}).items() if isinstance(values.get(section), dict) else ():
            texts = value if isinstance(value, list) else [value]
            if any(isinstance(text, str) and literal_password(text) for text in texts):
                fix = "write ${NAME} in its place and set NAME in the environment"
                yield errors.LiteralPassword("the URL holds a password", at=places.of((section, key)), fix=fix)


def literal_password(url: str) -> bool:
    """Whether a URL holds a password itself, not the name of one.

    >>> literal_password("postgresql://me:secret@host/db"), literal_password("postgresql://me:${PASSWORD}@host/db")
    (True, False)
    """
    password = urlsplit(url).password if "://" in url else None
    return bool(password) and not _NAME.fullmatch(password or "")


def expand(text: str, *, at: str, environ: Mapping[str, str] | None = None) -> str:
    """A setting with each `${NAME}` replaced from the environment; digests and entries keep the unexpanded text.

    Raises
    ------
    WrongValue
        A name is not set.
    """
    environ = os.environ if environ is None else environ

    def value(match: re.Match[str]) -> str:
        try:
            # Inside a URL a password may hold any character; the URL itself may come whole from one name.
            inside = "://" in text[: match.start()]
            return quote(environ[match[1]], safe="") if inside else environ[match[1]]
        except KeyError:
            raise errors.WrongValue(f"{match[0]} is not set", at=at, fix=f"export {match[1]}=…") from None

    return _NAME.sub(value, text)


def conceal(text: str, setting: str, environ: Mapping[str, str] | None = None) -> str:
    """A message about a setting with `${NAME}` in the place of each value that `expand` put there.

    >>> conceal("'may.csv' is not there", "${MONTH}.csv", {"MONTH": "may"})
    "'${MONTH}.csv' is not there"
    """
    environ = os.environ if environ is None else environ
    for name in _NAME.findall(setting):
        if value := environ.get(name):
            text = text.replace(value, f"${{{name}}}").replace(quote(value, safe=""), f"${{{name}}}")
    return text
