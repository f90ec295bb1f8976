"""How every seam finds what it names: an entry point of the group `keepfit.<seam>`, or `module:attribute`."""

from __future__ import annotations

import importlib
import sys
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from keepfit import errors

__all__ = ["find", "kinds", "missing_library"]


@cache
def _points(seam: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=f"keepfit.{seam}")}


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
    if folder is not None and str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        fix = "write module:attribute; the module is looked for in the project's folder and among installed packages"
        raise errors.UnknownKind(f"'{kind}' cannot be imported: {error}", at=at, fix=fix) from error


def missing_library(error: OSError, at: str) -> errors.ExtraNeeded:
    """The error for a shared library that the system lacks, as slim images lack OpenMP's."""
    fix = "install it with the system's packages; OpenMP, which LightGBM needs, is apt-get install libgomp1 or brew install libomp"
    return errors.ExtraNeeded(f"a library of the system is missing: {error}", at=at, fix=fix)
