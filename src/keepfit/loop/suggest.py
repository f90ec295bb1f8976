"""Suggest: which few answers of a window are worth labelling, when not all can be."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keepfit import errors, files
from keepfit.loop import fold, log
from keepfit.loop.asked import Suggestion
from keepfit.loop.due import closed, sealed
from keepfit.loop.expect import Wanted, known_for, wanted
from keepfit.measures.sampled import chances, drawn
from keepfit.record import plain
from keepfit.schema import Schema
from keepfit.task import Outputs
from keepfit.window import Interval
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

__all__ = ["suggest"]

#: Truths are drawn so often to learn how uncertain each row's loss is.
DRAWS = 60
#: No row is less likely to be asked for than by this share of the mean, so that none counts for too many.
LEAST = 0.3


def suggest(ws: Workspace, target: Path, count: int, *, now: datetime) -> Suggestion:
    """Draw the answers of the champion's newest window that are worth labelling, and write them to a csv file to be filled in.

    What is learned of quality from a label depends on how uncertain the row's loss is: rows are drawn with a chance in proportion to
    that, at even steps along the score. The file holds the id of each, its key, and an empty column for the target, and is what
    `label` takes. The chances are kept in the ledger, so that a look at the window counts each label by one over its chance.

    Raises
    ------
    NothingToLabel
        No window of the champion has ended, or all its answers have labels.
    SheetThere
        The file exists: labels may have been written into it.
    """
    if target.exists():
        raise errors.SheetThere(f"{target.name} is there already, maybe with labels in it", at=target.name, fix="name another file")
    asked, window = _asked(ws, now)
    told, outputs = known_for(ws, window, asked, now=now)
    losses = _losses(ws, asked, told, outputs)
    guesses, unsure = losses.mean(axis=0), losses.std(axis=0)
    chance = chances(unsure + LEAST * max(float(unsure.mean()), 1e-12), count)
    first = next(iter(asked.outputs.values()))
    picked = drawn(chance, first, ws.spec.model.seed)
    ids = asked.rows["id"].to_list()
    made = Suggestion(
        window.begin,
        window.end,
        asked.release,
        asked.rows.height,
        float(guesses.mean()),
        {ids[at]: float(chance[at]) for at in picked},
        {ids[at]: float(guesses[at]) for at in picked},
    )
    body = {
        "begin": plain(window.begin),
        "end": plain(window.end),
        "release": made.release,
        "rows": made.rows,
        "asked": len(made.chances),
        "artifacts": {"suggestion": ws.artifacts.put_record(made)},
    }
    ws.append("suggestion", [plain(window.begin), plain(window.end), made.release, len(made.chances), plain(now)], body, at=now)
    files.write_whole(target, _sheet(asked, picked).write_csv().encode())
    return made


def _asked(ws: Workspace, now: datetime) -> tuple[Wanted, Interval]:
    """The champion's newest window that has ended, with its answers that have no label."""
    champion = ws.roles().champion
    fix = "wait until a window has ended, or label what there is: keepfit label TABLE"
    windows = [*sealed(ws), *closed(ws, now=now)]
    for window in sorted(windows, key=lambda one: one.begin, reverse=True):
        answered = log.predictions(ws, within=window)
        told = log.with_truth(answered, log.labels(ws, now=now, about=answered), ws.spec.problem.target)
        new = told.filter((told["role"] == "champion") & (told["release"] == champion) & told["label"].is_null())
        if champion is not None and new.height:
            asked = wanted(ws, champion, "champion", new)
            if asked is not None and asked.rows.height:
                return asked, window
        if answered.height:
            break
    raise errors.NothingToLabel("no answer of the champion in a window that has ended waits for its label", at=ws.project, fix=fix)


def _losses(ws: Workspace, asked: Wanted, told: Any, outputs: Outputs) -> NDArray[np.float64]:
    """The loss of each row under plausible truths, shape (draws, rows)."""
    import numpy as np  # the command line starts without it

    truths = ws.task.plausible(told, outputs, asked.outputs, draws=DRAWS, seed=ws.spec.model.seed)
    return np.stack([ws.task.losses(truth, asked.outputs) for truth in truths])


def _sheet(asked: Wanted, picked: NDArray[np.int64]) -> pl.DataFrame:
    """What a person fills in: ids, keys, and the empty target."""
    import polars as pl  # the command line starts without it

    known: Schema = asked.known
    rows: pl.DataFrame = asked.rows[picked.tolist()]
    keys = [name for name in known.key if f"{fold.INPUT}{name}" in rows.columns]
    return rows.select(
        pl.col("id").alias("prediction"),
        *(pl.col(f"{fold.INPUT}{name}").alias(name) for name in keys),
        pl.lit(None, pl.String).alias(known.target),
    )
