"""How every seam finds what it names: an entry point of the group `keepfit.<seam>`, or `module:attribute`."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from keepfit import errors

#: Where a module of the owner's keeps the source that it was imported from.
_SOURCE = "__keepfit_source__"

__all__ = ["code_of", "find", "kinds", "missing_library"]


@cache
def _installed() -> Any:
    """What all installed packages bring: read once, which takes a while where there are many."""
    return entry_points()


@cache
def _points(seam: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in _installed().select(group=f"keepfit.{seam}")}


def kinds(seam: str) -> list[str]:
    """The kinds of a seam that are installed."""
    return sorted(_points(seam))


def find(seam: str, kind: str, *, at: str = "", folder: Path | None = None) -> Any:
    """The object behind a kind.

    Parameters
    ----------
    seam : `sources`, `tasks`, `columns`, `estimators`, `predictors`, `gates`, `ledgers`
    kind : the name of an entry point, or `module:attribute`
    at : where the kind is named
    folder : where a user's module may lie: the project's folder

    Raises
    ------
    UnknownKind
        Nothing of that name is installed, or it cannot be imported.
    """
    if ":" not in kind:
        point = _points(seam).get(kind)
        if point is None:
            found = f"no {seam.removesuffix('s')} of kind '{kind}'"
            raise errors.UnknownKind(found, at=at, fix=errors.near_match(kind, kinds(seam)))
        try:
            return point.load()
        except OSError as error:
            raise missing_library(error, at or kind) from error
        except (ImportError, AttributeError) as error:
            fix = f"install again the package that brings {point.value}"
            raise errors.UnknownKind(f"'{kind}' is installed and cannot be imported: {error}", at=at, fix=fix) from error
    module, _, attribute = kind.partition(":")
    sources = {} if folder is None else code_of(kind, folder)
    if folder is not None:
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
        _forget_changed(sources)
    try:
        found = getattr(importlib.import_module(module), attribute)
        _remember(sources)
        return found
    except (ImportError, AttributeError) as error:
        fix = "write module:attribute; the module is looked for in the project's folder and among installed packages"
        raise errors.UnknownKind(f"'{kind}' cannot be imported: {error}", at=at, fix=fix) from error


def code_of(kind: str, folder: Path) -> dict[str, bytes]:
    """The source of `module:attribute` and of all that it imports from the project's folder, by file; nothing is run.

    A module that lies elsewhere is not read: it changes with the package that brings it.
    """
    found: dict[str, bytes] = {}
    waiting = [kind.partition(":")[0]]
    while waiting:
        for path in _files_of(waiting.pop(), folder):
            name = path.relative_to(folder).as_posix()
            if name not in found:
                found[name] = path.read_bytes()
                waiting += _imported(found[name], name)
    return found


def _module_of(file: str) -> str:
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _forget_changed(sources: Mapping[str, bytes]) -> None:
    """Let modules be imported anew when the source of one of them changed, as it does beside a notebook.

    What is learned is kept under the digest of the source, and must be what that source says.
    """
    named = {_module_of(file): data for file, data in sources.items()}
    held = {name: getattr(sys.modules.get(name), _SOURCE, data) for name, data in named.items()}
    if held != named:
        for name in named:
            sys.modules.pop(name, None)
        importlib.invalidate_caches()


def _remember(sources: Mapping[str, bytes]) -> None:
    for file, data in sources.items():
        if (module := sys.modules.get(_module_of(file))) is not None:
            setattr(module, _SOURCE, data)


def _files_of(module: str, folder: Path) -> list[Path]:
    """The files that importing a module reads in a folder: those of the packages around it, and its own."""
    parts = module.split(".")
    places = [folder.joinpath(*parts[:end]) for end in range(1, len(parts) + 1)]
    return [path for place in places for path in (place / "__init__.py", place.with_suffix(".py")) if path.is_file()]


def _imported(source: bytes, name: str) -> list[str]:
    """The modules that a source names in its imports."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return []  # importing it says what is wrong
    around = name.split("/")[:-1]
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = around[: len(around) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            found += [".".join(filter(None, [module, end])) for end in ("", *(alias.name for alias in node.names))]
    return [module for module in found if module]


def missing_library(error: OSError, at: str) -> errors.ExtraNeeded:
    """The error for a shared library that the system lacks, as slim images lack OpenMP's."""
    fix = "install it with the system's packages; OpenMP, which LightGBM needs, is apt-get install libgomp1 or brew install libomp"
    return errors.ExtraNeeded(f"a library of the system is missing: {error}", at=at, fix=fix)
