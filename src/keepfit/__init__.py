"""keepfit: state the problem once; it builds a model, proves it fit, ships it, watches it, and refits it.

`keepfit.open(".")` gives the project in a folder, with the same verbs as the command line; `keepfit.init(table)` makes one.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keepfit.project import init_project as init
    from keepfit.project import open_project as open  # noqa: A004 - `keepfit.open` reads as `sqlite3.connect` does

__all__ = ["init", "open"]

_NAMES = {"init": "init_project", "open": "open_project"}


def __getattr__(name: str) -> object:
    """Import the library when it is first used, so that the command line starts without it."""
    if name in _NAMES:
        return getattr(importlib.import_module("keepfit.project"), _NAMES[name])
    raise AttributeError(f"module 'keepfit' has no attribute {name!r}")
