"""History: which of the rows that are known a refit learns from."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from keepfit import digest
from keepfit.instant import micros
from keepfit.loop.keys import row_keys
from keepfit.loop.rows import Rows
from keepfit.policy import History
from keepfit.schema import Schema

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["narrowed"]


def narrowed(rows: Rows, known: Schema, history: History, *, since: datetime | None, least: int) -> Rows:
    """The rows that a history takes; all of them where it would leave fewer than `least`, or one outcome only.

    A row's place among the halving ones follows from its key, so the same rows are taken each time.

    Parameters
    ----------
    since : when the world changed, as far as an open incident says so
    """
    if history.kept == "all" or known.time is None:
        return rows
    kept = rows.where(_taken(rows, known, rows.frame[known.time].cast(int).to_numpy(), history, since))
    whole = kept.count >= least and kept.truth.min() != kept.truth.max()
    return kept if whole else rows


def _taken(rows: Rows, known: Schema, times: NDArray[np.int64], history: History, since: datetime | None) -> NDArray[np.bool_]:
    import numpy as np

    if history.kept == "since_change":
        return times >= (micros(since) if since is not None else times.min())
    assert history.length is not None
    age = times.max() - times
    if history.kept == "newest":
        return np.asarray(age < history.length.microseconds)
    drawn = np.array([int(digest.of_bytes(key.encode())[3:16], 16) / 16**13 for key in row_keys(rows.frame, known)])
    return np.asarray(drawn < 0.5 ** (age / history.length.microseconds))
