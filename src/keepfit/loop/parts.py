"""Parts: the files that the log lies in, and what is known of each without reading it again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keepfit.instant import WEEKS_BEGIN, Duration, micros
from keepfit.loop.fold import folder_of
from keepfit.window import Interval
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Part", "number_of", "parts", "touching", "when", "windows_of"]


@dataclass(frozen=True, slots=True)
class Part:
    """A file of the log, and the first and the last of what it holds.

    Of predictions `times` are those of their rows, or of the answer where a row has none, and `answered` when they were
    answered; of labels `times` are when they were received; all in microseconds. `ids` and `keys` bound what the rows
    are about; None where none is.
    """

    path: Path
    rows: int
    times: tuple[int, int] | None
    answered: tuple[int, int] | None
    ids: tuple[str, str] | None
    keys: tuple[str, str] | None


def parts(ws: Workspace, kind: str) -> list[Part]:
    """The folded files of a kind, in the order of their names; each is looked into once."""
    paths = sorted(path for path in folder_of(ws, kind).glob("*.parquet") if not path.stem.endswith(".private"))
    told = ws.cache.told_of(paths, f"part of {kind}", _of_predictions if kind == "predictions" else _of_labels)
    return [Part(path, one["rows"], *(_pair(one[name]) for name in _BOUNDS)) for path, one in zip(paths, told, strict=True)]


def touching(found: Iterable[Part], window: Interval | None, answered: Interval | None = None) -> list[Part]:
    """Parts that may hold rows of an interval, by the row's own time or by when it was answered."""
    return [part for part in found if _touches(part.times, window) and _touches(part.answered, answered)]


def windows_of(ws: Workspace, found: Iterable[Part], length: Duration) -> set[int]:
    """The windows that parts hold answers in, each as its number since windows are counted; what shadows said is left out."""
    paths = [part.path for part in found]
    told = ws.cache.told_of(paths, f"windows of {length.microseconds}", lambda path: _windows(path, length))
    return {number for numbers in told for number in numbers}


def when() -> pl.Expr:
    """The instant that decides a prediction's window: the row's own time, else when it was answered."""
    import polars as pl  # the command line starts without it

    return pl.coalesce("time", "at")


_BOUNDS = ("times", "answered", "ids", "keys")


def _pair(found: list[Any] | None) -> Any:
    return None if found is None else (found[0], found[1])


def _touches(held: tuple[int, int] | None, window: Interval | None) -> bool:
    return window is None or (held is not None and held[0] < micros(window.end) and held[1] >= micros(window.begin))


def _of_predictions(path: Path) -> dict[str, Any]:
    import polars as pl  # the command line starts without it

    frame = pl.read_parquet(path, columns=["id", "key", "time", "at"], glob=False)
    times, answered = frame.select(when().cast(pl.Int64)).to_series(), frame["at"].cast(pl.Int64)
    held = (times, answered, frame["id"], frame["key"])
    return {"rows": frame.height, **{name: _bounds(values) for name, values in zip(_BOUNDS, held, strict=True)}}


def _of_labels(path: Path) -> dict[str, Any]:
    import polars as pl  # the command line starts without it

    frame = pl.read_parquet(path, columns=["prediction", "key", "received_at"], glob=False)
    held = (frame["received_at"].cast(pl.Int64), pl.Series([], dtype=pl.Int64), frame["prediction"], frame["key"])
    return {"rows": frame.height, **{name: _bounds(values) for name, values in zip(_BOUNDS, held, strict=True)}}


def _bounds(values: pl.Series) -> list[Any] | None:
    least = values.min()
    return None if least is None else [least, values.max()]


def _windows(path: Path, length: Duration) -> list[int]:
    import polars as pl  # the command line starts without it

    frame = pl.read_parquet(path, columns=["role", "time", "at"], glob=False).filter(pl.col("role") != "shadow")
    return frame.select(number_of(length).unique().sort()).to_series().to_list()


def number_of(length: Duration) -> pl.Expr:
    """The number of each row's window."""
    import polars as pl  # the command line starts without it

    return (when().cast(pl.Int64) - micros(WEEKS_BEGIN)).floordiv(length.microseconds)
