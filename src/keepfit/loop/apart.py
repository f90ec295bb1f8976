"""Apart: what the log keeps of its rows beside them, in files of their own: protected columns and the subject's token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from keepfit.loop.fold import folder_of
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import polars as pl

__all__ = ["SUBJECT", "apart"]

#: The column of the subject's token, whatever the subject's own column is called.
SUBJECT = "subject"


def apart(ws: Workspace, ids: pl.Series, names: Sequence[str]) -> pl.DataFrame:
    """Private columns of folded predictions, for measuring, in the order of `ids`; null where nothing was kept of one.

    Files whose ids all lie elsewhere are passed over.
    """
    import polars as pl  # the command line starts without it

    wanted = pl.DataFrame({"id": ids}).with_row_index("_row")
    found = []
    for path in sorted(folder_of(ws, "predictions").glob("*.private.parquet")):
        answers = path.with_name(path.name.replace(".private.parquet", ".parquet"))
        held = pl.read_parquet(answers, columns=["id"], glob=False).with_row_index("_at").join(wanted, on="id", how="inner")
        if held.is_empty():
            continue
        beside = pl.read_parquet(path, glob=False)
        there = [name for name in names if name in beside.columns]
        found.append(held.select("_row").hstack(beside.select(there)[held["_at"]]))
    if not found:
        return pl.DataFrame({name: pl.Series(name, [None] * len(ids), dtype=pl.String) for name in names})
    known = pl.concat(found, how="diagonal_relaxed").unique(subset=["_row"], keep="first")
    whole = wanted.select("_row").join(known, on="_row", how="left", maintain_order="left")
    return whole.select(pl.col(name) if name in whole.columns else pl.lit(None, pl.String).alias(name) for name in names)
