"""Asked: the answers that were suggested for labelling, and what their labels say of all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from keepfit.measures.sampled import difference
from keepfit.metric import number
from keepfit.record import plain
from keepfit.window import Interval
from keepfit.workspace import Workspace

__all__ = ["Suggestion", "what_was_asked"]

#: Where more than this share of the asked rows has no label, those that have one do not speak for all.
ANSWERED = 0.9


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Answers of one release in one interval that are worth labelling, drawn so that they speak for all `rows` of them.

    `chances` holds by the answer's id with what chance it was drawn, `guesses` the loss that was expected of it, and `guessed` the mean
    of that over all rows. With the labels of the drawn, the mean loss of all is known without bias.
    """

    record: ClassVar[str] = "suggestion"
    version: ClassVar[int] = 1

    begin: datetime
    end: datetime
    release: str
    rows: int
    guessed: float
    chances: Mapping[str, float]
    guesses: Mapping[str, float]


def what_was_asked(ws: Workspace, window: Interval, release: str, losses: Mapping[str, float]) -> str:
    """What the answers that were suggested say of all of a window, in words; empty where nothing was, or too few were labelled.

    Parameters
    ----------
    losses : of each labelled answer, by its id
    """
    import numpy as np  # the command line starts without it

    entries = [
        entry
        for entry in ws.ledger.entries(kind="suggestion")
        if (entry.body["begin"], entry.body["end"], entry.body["release"]) == (plain(window.begin), plain(window.end), release)
    ]
    if not entries:
        return ""
    asked = ws.artifacts.get_record(Suggestion, entries[-1].body["artifacts"]["suggestion"])
    there = [one for one in asked.chances if one in losses]
    said = f"{len(there):,} of the {len(asked.chances):,} answers that were suggested for labelling have labels"
    if len(there) < ANSWERED * len(asked.chances) or not there:
        return f"{said}: too few to speak for all {asked.rows:,}"
    seen, guessed, chance = (np.array([of[one] for one in there]) for of in (losses, asked.guesses, asked.chances))
    value, low, high = difference(seen, guessed, chance, np.full(asked.rows, asked.guessed))
    name = ws.task.selects.replace("_", " ")
    mean = f"mean {name}" if ws.task.kind != "regression" else "mean squared error"
    return f"{said}: over all {asked.rows:,} the {mean} is {number(value)} [{number(low)}, {number(high)}]"
