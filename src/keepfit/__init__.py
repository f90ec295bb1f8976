"""keepfit: state the problem once; it builds a model, proves it fit, ships it, watches it, and refits it.

`keepfit.open(".")` gives the project in a folder, with the same verbs as the command line; `keepfit.init(table)` makes one.
`keepfit.Client(url)` asks a server, `keepfit.AsyncClient(url)` does so from a coroutine.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keepfit.client import AsyncClient, Client
    from keepfit.project import init_project as init
    from keepfit.project import open_project as open  # noqa: A004 - `keepfit.open` reads as `sqlite3.connect` does

__all__ = ["AsyncClient", "Client", "init", "open"]

_NAMES = {
    "AsyncClient": ("keepfit.client", "AsyncClient"),
    "Client": ("keepfit.client", "Client"),
    "init": ("keepfit.project", "init_project"),
    "open": ("keepfit.project", "open_project"),
}


def __getattr__(name: str) -> object:
    """Import the library when it is first used, so that the command line starts without it."""
    if name in _NAMES:
        module, attribute = _NAMES[name]
        return getattr(importlib.import_module(module), attribute)
    raise AttributeError(f"module 'keepfit' has no attribute {name!r}")
