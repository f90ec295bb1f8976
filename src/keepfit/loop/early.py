"""Early: what speaks against a challenger that answers before any label does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keepfit import errors
from keepfit.candidate import Candidate
from keepfit.estimate import Estimate, clearly_worse
from keepfit.loop import fold, log
from keepfit.loop.expect import Wanted, estimated
from keepfit.loop.models import candidate_behind, load_model
from keepfit.loop.step import Step
from keepfit.measures.interval import wilson
from keepfit.notice import FAILING
from keepfit.schema import Schema
from keepfit.task import Outputs
from keepfit.window import Interval

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

__all__ = ["against", "failures", "unlike"]

#: Two models disagree far more than they did: on surely so many times the rows, and so much of all rows more.
TIMES, MORE = 3.0, 0.05
#: A magnitude is disagreed on where the answers lie further apart than on all but this share of the rows before.
USUAL = 0.05
#: Fewer rows than this, of either time, say nothing; of more, so many are looked at.
FEWEST, MOST = 100, 4000


def failures(own: pl.DataFrame, theirs: pl.DataFrame, fields: tuple[str, ...]) -> str:
    """That surely more than a few of a challenger's answers hold no output, and surely more than of the champion's; else empty."""
    failed, others = _failed(own, fields), _failed(theirs, fields)
    if not failed:
        return ""
    usual = wilson(others, theirs.height)[1] if others else 0.0
    if wilson(failed, own.height)[0] <= max(FAILING, usual):
        return ""
    return f"{failed:,} of its {own.height:,} answers hold no output, of the champion's {others:,} of {theirs.height:,}"


def _failed(answers: pl.DataFrame, fields: tuple[str, ...]) -> int:
    import polars as pl  # the command line starts without it

    columns = [f"{fold.OUTPUT}{field}" for field in fields]
    if not set(columns) <= set(answers.columns):
        return answers.height
    return answers.height - answers.filter(pl.all_horizontal(pl.col(*columns).is_not_null())).height


def against(step: Step, answered: pl.DataFrame) -> str:
    """Why a challenger should answer nobody any more though no label says so; empty where nothing speaks against it.

    Parameters
    ----------
    answered : what it and the champion answered in the stage, whoever did: both are asked for all of these rows
    """
    rows = _spread(answered)
    return _disagrees(step, rows) or _expected_worse(step, rows)


def unlike(before: NDArray[np.float64], now: NDArray[np.float64], *, magnitudes: bool) -> str:
    """How much more often two models disagree than they did, where that is far more often; else empty.

    Parameters
    ----------
    before, now : how far their answers lie apart, row by row; of decisions 0 or 1
    """
    import numpy as np  # the command line starts without it

    if min(before.size, now.size) < FEWEST:
        return ""
    limit = float(np.quantile(before, 1 - USUAL)) if magnitudes else 0.0
    then, here = (int((one > limit).sum()) for one in (before, now))
    usual = wilson(then, before.size)[1]
    if wilson(here, now.size)[0] <= max(TIMES * usual, usual + MORE):
        return ""
    return f"it disagrees with the champion on {here / now.size:.1%} of the rows, and did on {then / before.size:.1%} while it waited"


def _disagrees(step: Step, rows: pl.DataFrame) -> str:
    waited = _waited(step)
    if waited is None:
        return ""
    earlier = log.predictions(step.ws, answered=waited)
    before, now = (_apart(step, one) for one in (_spread(earlier.filter(earlier["role"] == "champion")), rows))
    return "" if before is None or now is None else unlike(before, now, magnitudes=step.ws.task.kind == "regression")


def _waited(step: Step) -> Interval | None:
    """When the challenger waited in the shadow, before its first stage."""
    held = [entry for entry in step.told["release"] if entry.body["release"] == step.action.release]
    begun = max((entry.seq for entry in held if entry.body["role"] == "shadow"), default=None)
    if begun is None:
        return None
    since = next(entry.at for entry in held if entry.seq == begun)
    until = min((entry.at for entry in held if entry.seq > begun and entry.body["role"] == "canary"), default=since)
    return Interval(since, until) if since < until else None


def _apart(step: Step, rows: pl.DataFrame) -> NDArray[np.float64] | None:
    """How far both models' answers lie apart, row by row; None where one cannot be asked."""
    import numpy as np  # the command line starts without it

    task, (champion, challenger) = step.ws.task, _both(step)
    theirs, ours = (_asked(step, candidate, rows) for candidate in (champion, challenger))
    if theirs is None or ours is None:
        return None
    theirs = task.under(theirs, champion.classes, challenger.classes)
    if task.kind == "regression":
        return np.asarray(np.max([np.abs(ours[field] - theirs[field]) for field in ours], axis=0))
    return np.asarray(task.decide(ours, challenger.threshold) != task.decide(theirs, champion.threshold), dtype=np.float64)


def _expected_worse(step: Step, rows: pl.DataFrame) -> str:
    """That all the challenger may come to once labels are known is worse than all the champion may; else empty."""
    ws = step.ws
    theirs, ours = (_estimate(step, *one, rows) for one in zip((step.state.champion, step.action.release), _both(step), strict=True))
    if theirs is None or ours is None or not clearly_worse(ours[ws.task.selects], theirs[ws.task.selects]):
        return ""
    name = ws.task.selects.replace("_", " ")
    return f"{name} is expected to be {ours[ws.task.selects]}, the champion's {theirs[ws.task.selects]} on the same {rows.height:,} rows"


def _estimate(step: Step, release: str | None, candidate: Candidate, rows: pl.DataFrame) -> Estimate | None:
    """What a model may come to on rows, from labelled rows that are new to it; None where there are too few of either."""
    ws, window = step.ws, step.action.window
    assert window is not None
    outputs = _asked(step, candidate, rows)
    if outputs is None or rows.height < FEWEST:
        return None
    role: Any = "champion" if release == step.state.champion else "canary"
    asked = Wanted(str(release), role, candidate, ws.artifacts.get_record(Schema, candidate.schema), rows, outputs)
    try:
        made = estimated(ws, window, asked, rows.height, now=step.now)
    except (errors.CannotRead, errors.Removed):  # what cannot be estimated speaks against nobody
        return None
    return made if made.known >= FEWEST and ws.task.selects in made.metrics else None


def _both(step: Step) -> tuple[Candidate, Candidate]:
    champion, challenger = candidate_behind(step.ws, step.state.champion), candidate_behind(step.ws, step.action.release)
    assert champion is not None
    assert challenger is not None
    return champion[0], challenger[0]


def _asked(step: Step, candidate: Candidate, rows: pl.DataFrame) -> Outputs | None:
    """What a model says of rows, whoever answered them."""
    import polars as pl  # the command line starts without it

    known = step.ws.artifacts.get_record(Schema, candidate.schema)
    columns = {column.name: f"{fold.INPUT}{column.name}" for column in known.features}
    if not set(columns.values()) <= set(rows.columns):
        return None
    return load_model(step.ws, candidate).predict(rows.select(pl.col(column).alias(name) for name, column in columns.items()))


def _spread(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.gather_every(-(-rows.height // MOST)) if rows.height > MOST else rows
