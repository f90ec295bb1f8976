"""A profile: what a table's columns look like, in sketches. Of a snapshot it is the reference, of a window the current one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from keepfit import errors, plugin
from keepfit.column import ColumnKind, Kinds
from keepfit.schema import Column
from keepfit.sketch import Sketch, Sketches, State

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Profile", "merge", "profile", "profile_file"]

#: Rows that are held at once while a file is read.
_BATCH = 131_072
#: Rows that are looked at, spread over a file, to place the edges of its histograms; of a smaller file all are.
_FIRST_LOOK = 65_536
_SLICES = 4
#: Columns that are read together.
_TOGETHER = 8


@dataclass(frozen=True, slots=True)
class Profile:
    """Column -> sketch -> state. Its size has a bound that does not depend on the rows, and two profiles merge."""

    record: ClassVar[str] = "profile"
    version: ClassVar[int] = 2

    rows: int
    columns: Mapping[str, Mapping[str, Any]]

    def __post_init__(self) -> None:
        now = {name: _of_first_version(held) if isinstance(held.get("rows"), int) else held for name, held in self.columns.items()}
        object.__setattr__(self, "columns", now)


def profile(frame: pl.DataFrame, columns: Sequence[Column], kinds: Kinds, *, like: Profile | None = None) -> Profile:
    """Summarise a table's columns; with `like`, those of that profile, on its bins and names."""
    found: dict[str, Sketches] = {}
    for column in columns:
        if column.name in frame.columns and (like is None or column.name in like.columns):
            found[column.name] = kinds[column.kind].sketch(frame[column.name], _of(like, column.name))
    return Profile(frame.height, found)


def profile_file(path: Path | Sequence[Path], columns: Sequence[Column], kinds: Kinds, *, like: Profile | None = None) -> Profile:
    """Summarise Parquet files of any size in bounded memory: a few columns at a time, a batch of rows at a time.

    Counts, missing values and moments are those of `profile` up to rounding; quantiles and names keep the bounds that
    they state. Without `like` the edges of histograms are the quantiles of 65,536 rows spread over the file, and the
    counts between them are exact; a file with no more rows gives the edges that `profile` gives.
    """
    import polars as pl  # the command line starts without it

    scan = pl.scan_parquet(path if isinstance(path, Path) else list(path))
    rows = int(scan.select(pl.len()).collect().item())
    held = scan.collect_schema().names()
    found: dict[str, Sketches] = {}
    wanted = [column for column in columns if column.name in held and (like is None or column.name in like.columns)]
    for begin in range(0, len(wanted), _TOGETHER):
        group = {column.name: kinds[column.kind] for column in wanted[begin : begin + _TOGETHER]}
        found |= _of_columns(scan.select(*group), rows, group, like)
    return Profile(rows, found)


def merge(first: Profile, second: Profile) -> Profile:
    """The profile of both tables' rows together: of the columns and sketches that both hold.

    Make the profiles of parts `like` one: histograms on different edges meet on those that they share.

    Raises
    ------
    NewerFormat
        A newer keepfit made one of the sketches.
    """
    together = {
        name: {sketch: _merged(sketch, states[sketch], second.columns[name][sketch]) for sketch in states if sketch in second.columns[name]}
        for name, states in first.columns.items()
        if name in second.columns
    }
    return Profile(first.rows + second.rows, together)


def _of(like: Profile | None, column: str) -> Sketches | None:
    return like.columns[column] if like else None


def _of_columns(scan: pl.LazyFrame, rows: int, group: Mapping[str, ColumnKind], like: Profile | None) -> dict[str, Sketches]:
    if like is not None:
        on: dict[str, Sketches | None] = {name: like.columns[name] for name in group}
    else:
        first = {
            name: kind.sketch(values, None)
            for (name, kind), values in zip(group.items(), _first_look(scan, rows).get_columns(), strict=True)
        }
        if rows <= _FIRST_LOOK:
            return first
        on = {name: {"histogram": held["histogram"]} if "histogram" in held else None for name, held in first.items()}
    found: dict[str, Sketches] = {}
    for batch in scan.collect_batches(chunk_size=_BATCH, maintain_order=True):
        for name, kind in group.items():
            sketches = kind.sketch(batch[name], on[name])
            before = found.get(name)
            found[name] = {sketch: _merged(sketch, before[sketch], sketches[sketch]) for sketch in sketches} if before else sketches
    return found


def _first_look(scan: pl.LazyFrame, rows: int) -> pl.DataFrame:
    import polars as pl

    if rows <= _FIRST_LOOK:
        return scan.collect()
    step, length = rows // _SLICES, _FIRST_LOOK // _SLICES
    return pl.concat([scan.slice(step * number, length).collect() for number in range(_SLICES)])


def _merged(name: str, first: State, second: State) -> State:
    sketch: Sketch = plugin.find("sketches", name)()
    newest = max(first["version"], second["version"])
    if newest > sketch.version:
        fix = "install the keepfit that wrote it, or a later one"
        raise errors.NewerFormat(f"the sketch '{name}' is of version {newest}; this keepfit reads up to {sketch.version}", fix=fix)
    return sketch.merge(first, second)


def _of_first_version(held: Mapping[str, Any]) -> Sketches:
    """The sketches of a column in a profile of version 1, which held one flat sketch."""
    found: dict[str, State] = {"count": {"version": 1, "rows": held["rows"], "missing": held["missing"]}}
    if "names" in held:
        rest = {"over": [0] * len(held["names"]), "other": held["other"], "error": held["other"], "once": 0}
        found["names"] = {"version": 1, "names": held["names"], "counts": held["counts"], **rest}
    else:
        edges = held.get("edges", [float(hour) for hour in range(1, 24)])
        found["histogram"] = {"version": 1, "edges": edges, "counts": held["counts"]}
    return found
