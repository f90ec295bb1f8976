"""The most frequent names and their rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from keepfit.sketch import State

__all__ = ["KEPT", "Names"]

#: Names that a state holds.
KEPT = 1000


class Names:
    """Rows by name, for at most `KEPT` names, the most frequent first.

    Name `i` has at least `counts[i]` rows and at most `over[i]` more; one that is not named has at most `error`.
    `other` is the rows of all that are not named; `once` the names of one row, which is an upper bound once names
    were left out. Of a table seen whole every `over` is 0; so it stays between states with the same names.

    Notes
    -----
    The intervals of Metwally, Agrawal and El Abbadi (2005), ICDT, 398-412, merged as by Agarwal et al. (2013),
    ACM Trans. Database Syst. 38(4), 26.
    """

    name: ClassVar[str] = "names"
    version: ClassVar[int] = 1

    def of(self, counted: Sequence[tuple[str, int]], *, other: int = 0, error: int = 0, once: int = 0) -> State:
        """Of names with their rows, the most frequent first and at most `KEPT`, and of what was left out."""
        names, counts = [name for name, _ in counted], [rows for _, rows in counted]
        return self._state(names, counts, [0] * len(names), (other, error, once))

    def merge(self, first: State, second: State) -> State:
        sides = [{name: (rows, over) for name, rows, over in zip(*_columns(state), strict=True)} for state in (first, second)]
        absent = [(0, state["error"]) for state in (first, second)]
        found: dict[str, tuple[int, int]] = {}
        for name in {**sides[0], **sides[1]}:
            (rows, over), (more, further) = (side.get(name, default) for side, default in zip(sides, absent, strict=True))
            found[name] = (rows + more, over + further)
        other, error = first["other"] + second["other"], first["error"] + second["error"]
        same = sides[0].keys() == sides[1].keys()
        ordered = list(first["names"]) if same else sorted(found, key=lambda name: (-found[name][0], name))
        for name in ordered[KEPT:]:
            rows, over = found[name]
            other, error = other + rows, max(error, rows + over)
        names = ordered[:KEPT]
        counts, over_ = [found[name][0] for name in names], [found[name][1] for name in names]
        whole = other == 0 and error == 0
        once = sum(rows == 1 for rows in counts) if whole else first["once"] + second["once"]
        return self._state(names, counts, over_, (other, min(error, other), once))

    def beside(self, first: State, second: State) -> tuple[list[int], list[int]]:
        """The rows of two states by the names of the first, and last those of every other name."""
        rows = dict(zip(second["names"], second["counts"], strict=True))
        same = [rows.get(name, 0) for name in first["names"]]
        rest = second["other"] + sum(second["counts"]) - sum(same)
        return [*first["counts"], first["other"]], [*same, rest]

    def _state(self, names: list[str], counts: list[int], over: list[int], rest: tuple[int, int, int]) -> State:
        other, error, once = rest
        return {"version": self.version, "names": names, "counts": counts, "over": over, "other": other, "error": error, "once": once}


def _columns(state: State) -> tuple[list[str], list[int], list[int]]:
    return state["names"], state["counts"], state["over"]
