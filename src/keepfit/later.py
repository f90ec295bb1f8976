"""Libraries that are imported when they are first used: naming the metrics of a task must not cost what measuring them does."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__all__ = ["numpy"]


class _Later:
    """Stands for a library, and keeps what was asked of it."""

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __getattr__(self, attribute: str) -> Any:
        found = getattr(importlib.import_module(self.__name__), attribute)
        setattr(self, attribute, found)
        return found


if TYPE_CHECKING:
    import numpy
else:
    numpy = _Later("numpy")
