"""A sketch: a bounded summary of a column that merges with another of its kind, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, TypeAlias

__all__ = ["Sketch", "Sketches", "State"]

#: What a sketch holds: plain data, JSON's own types, with its `version`; never NaN.
State: TypeAlias = Mapping[str, Any]
#: What is kept of one column: the name of a sketch -> its state.
Sketches: TypeAlias = Mapping[str, State]


class Sketch(Protocol):
    """One way to summarise values. How a summary is made belongs to the kinds of columns that use it.

    The size of a state has a bound that does not depend on the rows. Sketches are found by `name` through
    entry points of the group `keepfit.sketches`, so that profiles merge without knowing their columns' kinds.
    """

    name: ClassVar[str]
    version: ClassVar[int]

    def merge(self, first: State, second: State) -> State:
        """The state of both tables' rows together."""
        ...
