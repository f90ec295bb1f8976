"""The log as tables: predictions and labels, each once, whether they are folded or wait in segments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from keepfit.loop.fold import about, columns_of, decoded, table_of_labels, table_of_predictions
from keepfit.loop.parts import Part, parts, touching, when
from keepfit.stores.segments import payloads, waiting
from keepfit.window import Interval
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import polars as pl

__all__ = ["labels", "predictions", "values_of", "waiting_predictions", "with_truth"]

#: Labels that are looked at together; what nobody asked about is dropped before the next ones are read.
ROWS_AT_ONCE = 100_000
#: Columns that tell one record from another.
_TELLS = ("id", "role", "release", "time", "at")


def predictions(
    ws: Workspace,
    *,
    shadows: bool = False,
    within: Interval | None = None,
    answered: Interval | None = None,
    columns: Sequence[str] | None = None,
) -> pl.DataFrame:
    """Every prediction once, the first record of each id, in the order of their arrival; what a shadow said only where asked for.

    Files that hold none of what is asked for are not read. Columns: the record's fields, `input.<column>` under the
    schema's types, and `output.<field>`.

    Parameters
    ----------
    within, answered : only rows whose own time, and only those whose answer, lies in an interval
    columns : only these, of those that there are, and what tells one record from another
    """
    import polars as pl  # the command line starts without it

    there = _inside(within, when()) & _inside(answered, pl.col("at"))
    wanted = None if columns is None else {*columns, *_TELLS}

    def kept(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.filter(there) if wanted is None else frame.select(name for name in frame.columns if name in wanted).filter(there)

    # Segments first: one that is folded meanwhile is found again among the files, under the same name.
    frames = {name: kept(frame) for name, frame in _waiting(ws)}
    for part in touching(parts(ws, "predictions"), within, answered):
        frames[part.path.stem] = kept(_read(part.path, wanted))
    found = pl.concat([kept(table_of_predictions(ws, [])), *(frames[name] for name in sorted(frames))], how="diagonal_relaxed")
    if not shadows:
        return found.filter(pl.col("role") != "shadow").unique(subset=["id"], keep="first", maintain_order=True)
    return found.with_columns(_about=about()).unique(subset=["id", "_about"], keep="first", maintain_order=True).drop("_about")


def waiting_predictions(ws: Workspace) -> pl.DataFrame:
    """The predictions in segments that are not folded yet, but for what shadows said; an id may be there twice."""
    import polars as pl  # the command line starts without it

    return pl.concat([table_of_predictions(ws, []), *(frame for _, frame in _waiting(ws))], how="diagonal_relaxed").filter(
        pl.col("role") != "shadow"
    )


def _waiting(ws: Workspace) -> Iterator[tuple[str, pl.DataFrame]]:
    """The segments of predictions that are not folded yet; one that is as it was when it was read last is not read again."""
    paths = waiting(ws.segments, "predictions")
    for gone in ws.decoded.keys() - {path.stem for path in paths}:
        ws.decoded.pop(gone, None)
    columns = columns_of(ws) if paths else []
    for path in paths:
        try:
            stat = path.stat()
        except FileNotFoundError:  # sealed or folded in between
            yield path.stem, table_of_predictions(ws, decoded(payloads(path)))
            continue
        state = (stat.st_size, stat.st_mtime_ns, columns)
        kept = ws.decoded.get(path.stem)
        if kept is None or kept[0] != state:
            kept = ws.decoded[path.stem] = (state, table_of_predictions(ws, decoded(payloads(path))))
        yield path.stem, kept[1]


def labels(ws: Workspace, *, now: datetime, about: pl.DataFrame | None = None, of: Sequence[Part] | None = None) -> pl.DataFrame:
    """The labels received up to `now`, in that order, without those that only repeat the one before; `value` is JSON text.

    Parameters
    ----------
    about : only labels of these predictions; of what others are about nothing is kept in memory
    of : only labels in these files
    """
    import polars as pl  # the command line starts without it

    named = None if about is None else _Named.of(about)
    keep = pl.col("received_at") <= now
    keep = keep if named is None else keep & named.expr
    # Segments first: one that is folded meanwhile is found again among the files, under the same name.
    paths = waiting(ws.segments, "labels") if of is None else ()
    held: dict[str, pl.DataFrame | Path] = {path.stem: table_of_labels(ws, decoded(payloads(path))) for path in paths}
    for part in parts(ws, "labels") if of is None else of:
        if named is None or named.may_hold(part):
            held[part.path.stem] = part.path
        else:
            held.pop(part.path.stem, None)
    frames = [some.filter(keep) for some in _together(held[name] for name in sorted(held))]
    found = pl.concat([table_of_labels(ws, []), *frames], how="diagonal_relaxed")
    found = found.sort("received_at", maintain_order=True)
    same = ["prediction", "key", "name"]
    first = pl.int_range(pl.len()).over(same) == 0
    repeats = [pl.col(name).eq_missing(pl.col(name).shift(1).over(same)) for name in ("value", "observed_at")]
    return found.filter(first | ~pl.all_horizontal(repeats))


def _together(held: Iterable[pl.DataFrame | Path]) -> Iterator[pl.DataFrame]:
    """Tables and files one after another, many small ones in one: to look names up costs most per table."""
    import polars as pl  # the command line starts without it

    waits: list[pl.DataFrame] = []
    rows = 0
    for one in held:
        waits.append(pl.read_parquet(one, glob=False) if isinstance(one, Path) else one)
        rows += waits[-1].height
        if rows >= ROWS_AT_ONCE:
            yield pl.concat(waits, how="diagonal_relaxed")
            waits, rows = [], 0
    if waits:
        yield pl.concat(waits, how="diagonal_relaxed")


def with_truth(answered: pl.DataFrame, known_labels: pl.DataFrame, target: str) -> pl.DataFrame:
    """Predictions with the column `label`: the newest value for the target, JSON text, null while it is not known."""
    import polars as pl  # the command line starts without it

    about = known_labels.filter(pl.col("name") == target).sort("received_at", maintain_order=True)
    by_id = about.filter(pl.col("prediction").is_not_null()).unique(subset=["prediction"], keep="last")
    by_key = about.filter(pl.col("key").is_not_null()).unique(subset=["key"], keep="last")
    return (
        answered.join(by_id.select(id="prediction", label_by_id="value"), on="id", how="left", maintain_order="left")
        .join(by_key.select("key", label_by_key="value"), on="key", how="left", maintain_order="left")
        .with_columns(label=pl.coalesce("label_by_id", "label_by_key"))
        .drop("label_by_id", "label_by_key")
    )


def values_of(texts: pl.Series, dtype: pl.DataType | None = None) -> pl.Series:
    """JSON texts as the values that they stand for, of a type, or of the one that holds them all; each text is read once."""
    import polars as pl  # the command line starts without it

    said = texts.unique(maintain_order=True)
    values = [None if text is None else msgspec.json.decode(text) for text in said]
    known = pl.DataFrame({"said": said, "value": pl.Series(values, dtype=dtype, strict=dtype is not None)})
    there = texts.alias("said").to_frame().join(known, on="said", how="left", nulls_equal=True, maintain_order="left")
    return there["value"].alias(texts.name)


@dataclass(frozen=True, slots=True)
class _Named:
    """What predictions are called: their ids and keys."""

    ids: pl.Series
    keys: pl.Series

    @classmethod
    def of(cls, answered: pl.DataFrame) -> _Named:
        return cls(answered["id"].unique(), answered["key"].drop_nulls().unique())

    @property
    def expr(self) -> pl.Expr:
        """Which labels are about them."""
        import polars as pl  # the command line starts without it

        by_id, by_key = pl.col("prediction").is_in(self.ids.implode()), pl.col("key").is_in(self.keys.implode())
        return by_id.fill_null(False) | by_key.fill_null(False)

    def may_hold(self, part: Part) -> bool:
        return _meet(self.ids, part.ids) or _meet(self.keys, part.keys)


def _meet(names: pl.Series, bounds: tuple[str, str] | None) -> bool:
    """Whether names may lie within bounds; where few of them could, they are looked at."""
    if bounds is None or names.is_empty():
        return False
    return bool(names.is_between(*bounds).any())


def _inside(window: Interval | None, instant: pl.Expr) -> pl.Expr:
    import polars as pl  # the command line starts without it

    return pl.lit(True) if window is None else (instant >= window.begin) & (instant < window.end)


def _read(path: Path, columns: set[str] | None) -> pl.DataFrame:
    import polars as pl  # the command line starts without it

    if columns is None:
        return pl.read_parquet(path, glob=False)
    return pl.read_parquet(path, columns=[name for name in pl.read_parquet_schema(path) if name in columns], glob=False)
