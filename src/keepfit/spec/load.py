"""Read a project file: option > environment > overlay > file > default, and all faults at once."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, ValidationError

from keepfit import errors
from keepfit.errors import KeepfitError
from keepfit.spec.places import lines_of
from keepfit.spec.project import ProjectSpec

__all__ = ["FILE", "Loaded", "Places", "conceal", "expand", "faults_of", "find", "literal_password", "load"]

FILE = "keepfit.toml"
PREFIX = "KEEPFIT_"
_NAME = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
Key: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Places:
    """Where each key's value came from: a line of a file, a variable, an option."""

    found: Mapping[Key, str] = field(default_factory=dict)

    def of(self, key: Key) -> str:
        """The place of a key, or of the nearest table around it."""
        for end in range(len(key), 0, -1):
            if place := self.found.get(key[:end]):
                return f"{place}: {'.'.join(key)}"
        return f"{FILE}: {'.'.join(key)}"

    def origin(self, key: Key) -> str:
        """Where a value stands, `default` where nobody set it."""
        return self.found.get(key, "default")


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
    """Read, merge and parse a project's settings.

    Parameters
    ----------
    folder : where `keepfit.toml` lies
    env : the overlay `keepfit.<env>.toml`, which must exist
    options : dotted keys from the command line
    environ : the environment, by default that of this process

    Raises
    ------
    UnreadableProjectFile
        A file is missing or is not TOML.
    Faults
        All faults that were found, each with its place.
    """
    environ = os.environ if environ is None else environ
    merged: dict[str, Any] = {}
    places: dict[Key, str] = {}
    for name in [FILE, *([f"keepfit.{env}.toml"] if env else [])]:
        values, lines = _read(folder / name)
        _merge(merged, values)
        places.update({key: f"{name}: line {line}" for key, line in lines.items()})
    for variable, value in sorted(environ.items()):
        if variable.startswith(PREFIX) and "__" in variable:
            key = tuple(part.lower() for part in variable.removeprefix(PREFIX).split("__"))
            _set(merged, key, _scalar(value))
            places[key] = f"environment {variable}"
    for dotted, value in (options or {}).items():
        _set(merged, tuple(dotted.split(".")), value)
        places[tuple(dotted.split("."))] = "option"
    where = Places(places)
    found = list(_passwords(merged, where))
    try:
        spec = ProjectSpec.model_validate(merged)
    except ValidationError as error:
        found += faults_of(error, ProjectSpec, where)
    if found:
        raise errors.Faults(found, at=FILE)
    return Loaded(spec, where, folder)


def _read(path: Path) -> tuple[dict[str, Any], dict[Key, int]]:
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
        raise errors.UnreadableProjectFile(f"{path.name} is not TOML: {error}", at=path.name, fix="strings stand in quotes") from error


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
            if isinstance(value, str) and literal_password(value):
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


def faults_of(error: ValidationError, model: type[BaseModel], places: Places, within: Key = ()) -> list[KeepfitError]:
    """The faults that pydantic found, with their places in the file and a remedy."""
    found: list[KeepfitError] = []
    seen: set[Key] = set()
    for item in error.errors(include_url=False, include_context=True):
        local = tuple(str(part) for part in item["loc"])
        # A union reports one fault for each member it tried; the place without the member's name is said once.
        key = within + tuple(part for part in local if not _is_union_tag(part))
        if key in seen:
            continue
        seen.add(key)
        at = places.of(key)
        if item["type"] == "extra_forbidden":
            known = _fields(model, local[:-1])
            found.append(errors.UnknownKey(f"unknown key '{local[-1]}'", at=at, fix=errors.near_match(local[-1], known)))
        elif item["type"] == "missing":
            found.append(errors.MissingKey(f"'{'.'.join(key)}' is missing", at=at, fix=f"add {local[-1]} = …"))
        else:
            found.append(errors.WrongValue(_what(item), at=at, fix=_remedy(item)))
    return found


def _is_union_tag(part: str) -> bool:
    return part in {"bool", "int", "str", "float"} or part.startswith(("function-", "constrained-", "tuple["))


def _fields(model: Any, path: Key) -> list[str]:
    for part in path:
        info = getattr(model, "model_fields", {}).get(part)
        annotation = info.annotation if info else None
        inner = [a for a in (annotation, *getattr(annotation, "__args__", ())) if isinstance(a, type) and issubclass(a, BaseModel)]
        if inner:
            model = inner[0]
    return list(getattr(model, "model_fields", {}))


def _what(item: Any) -> str:
    given = item.get("input")
    message = str(item["msg"]).removeprefix("Value error, ")
    if isinstance(given, (str, int, float, bool)) and repr(given) not in message:
        return f"{given!r}: {message[0].lower()}{message[1:]}"
    return message


def _remedy(item: Any) -> str:
    message = str(item["msg"])
    if "is not a duration" in message:
        return "write a number and a unit: 7d, 12h, 30m"
    if item["type"] == "literal_error":
        return f"one of {item['ctx']['expected']}"
    if item["type"] == "string_pattern_mismatch":
        return "small letters, digits and hyphens, a letter first"
    return ""
