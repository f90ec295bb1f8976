"""Score: predictions for a whole table, in batches of bounded memory, kept in the prediction log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from keepfit import digest, errors, files, plugin
from keepfit.added import Added, add
from keepfit.loop import fold
from keepfit.loop.keys import row_keys
from keepfit.loop.models import Model, candidate_behind, load_model
from keepfit.progress import Progress, silent
from keepfit.schema import Column, Schema
from keepfit.table import normal
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Scoring", "score"]

#: Rows that are in memory at once.
BATCH = 100_000


@dataclass(frozen=True, slots=True)
class Scoring:
    """What was scored: how many rows, by which release, where the predictions lie, and whether they were logged."""

    record: ClassVar[str] = "scoring"
    version: ClassVar[int] = 1

    rows: int
    release: str
    output: str
    logged: bool


def score(
    ws: Workspace, table: Path, output: Path, *, now: datetime, release: str | None = None, keep: bool = True, progress: Progress = silent
) -> Scoring:
    """Score a csv or Parquet file and write its rows with the outputs, the prediction and the decision.

    The predictions are also kept in the log (`via` is `batch`), under ids that follow from the table's bytes and
    the row's number, so scoring the same table again by the same release adds nothing.

    Parameters
    ----------
    output : a `.csv` or `.parquet` file, written whole or not at all
    release : by default the champion

    Raises
    ------
    NoChampion, NothingThere, MissingSource, UnknownColumn, SchemaBroken
        There is nothing to score with, or the table does not fit the model.
    """
    name = release or ws.roles().champion
    found = candidate_behind(ws, name)
    if name is None or found is None:
        raise errors.NoChampion("there is no release to score with", at=name or ws.project, fix="keepfit run, or name one with --release")
    batches = _Batches(ws, table, load_model(ws, found[0]), name, now, keep, progress)
    writer = {".csv": "sink_csv", ".parquet": "sink_parquet"}.get(output.suffix)
    if writer is None:
        raise errors.BadArgument(
            f"'{output.name}' is neither .csv nor .parquet", at="--output", fix="name a file that ends in one of these"
        )
    files.write_whole(output, lambda path: batches.sink(writer, path))
    return Scoring(batches.done, name, str(output), keep)


class _Batches:
    """A table's rows with what the model says of them, batch by batch."""

    def __init__(self, ws: Workspace, table: Path, model: Model, release: str, now: datetime, keep: bool, progress: Progress) -> None:
        self._ws, self._table, self._model, self._release, self._now = ws, table, model, release, now
        self._keep, self._progress = keep, progress
        self._known = ws.artifacts.get_record(Schema, model.candidate.schema)
        self._added = ws.artifacts.get_record(Added, self._known.added) if self._known.added else None
        self._function: Any = plugin.find("features", self._added.function, folder=ws.folder) if self._added else None
        self._lazy = _scan(table)
        _check_columns(self._lazy, self._known, table)
        self._identity = digest.of_value([digest.of_file(table), release])[3:35]
        self.done = 0

    def sink(self, writer: str, path: Path) -> None:
        """Stream every batch into a file."""
        from polars.io.plugins import register_io_source

        first = self._scored(self._lazy.head(0).collect(), 0)[0]
        stream = register_io_source(lambda *_: self._each(), schema=first.schema, is_pure=True)
        getattr(stream, writer)(path)

    def _each(self) -> Iterator[pl.DataFrame]:
        for number, batch in enumerate(self._lazy.collect_batches(chunk_size=BATCH, maintain_order=True)):
            out, kept = self._scored(batch, self.done)
            if self._keep:
                fold.keep_batch(self._ws, f"batch-{self._identity}-{number:06d}", kept)
            self.done += batch.height
            self._progress(f"scored {self.done:,} rows")
            yield out

    def _scored(self, batch: pl.DataFrame, before: int) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The rows with what the model says, and what the log keeps of them."""
        import polars as pl  # the command line starts without it

        rows = _typed(normal(batch, self._ws.spec.data.timezone), self._known, before)
        if self._added is not None:
            rows = add(self._added, self._function, rows)
        candidate, task = self._model.candidate, self._ws.task
        outputs = self._model.predict(rows)
        each = [
            task.answer({field: float(values[row]) for field, values in outputs.items()}, candidate.classes, candidate.threshold)
            for row in range(rows.height)
        ]
        like = task.answer(dict.fromkeys(outputs, 0.0), candidate.classes, candidate.threshold)
        said = {field: pl.Series(field, values) for field, values in outputs.items()}
        for place, name in enumerate(("prediction", "decision")):
            said[name] = pl.Series(name, [answer[place] for answer in each], dtype=pl.Series([like[place]]).dtype)
        decisions = [answer[1] for answer in each]
        return batch.hstack([series for name, series in said.items() if name not in batch.columns]), self._kept(
            rows, outputs, decisions, before
        )

    def _kept(self, rows: pl.DataFrame, outputs: Any, decisions: list[Any], before: int) -> pl.DataFrame:
        import polars as pl  # the command line starts without it

        known = self._known
        keys = row_keys(rows, known) if known.key and rows.height else [None] * rows.height
        frame = pl.DataFrame(
            {
                "id": pl.Series([f"{self._identity}-{before + row}" for row in range(rows.height)], dtype=pl.String),
                "key": pl.Series(keys, dtype=pl.String),
                "decision": pl.Series([msgspec.json.encode(one).decode() for one in decisions], dtype=pl.String),
            }
        ).with_columns(
            at=pl.lit(self._now).cast(pl.Datetime("us", "UTC")),
            release=pl.lit(self._release),
            role=pl.lit("champion"),
            via=pl.lit("batch"),
            sampling=pl.lit(1.0),
            time=rows[known.time] if known.time and known.time in rows.columns else pl.lit(None, dtype=pl.Datetime("us", "UTC")),
        )
        inputs = [rows[column.name].alias(f"{fold.INPUT}{column.name}") for column in known.features if column.name in rows.columns]
        return frame.hstack(inputs).hstack([pl.Series(f"{fold.OUTPUT}{field}", values) for field, values in outputs.items()])


def _scan(table: Path) -> pl.LazyFrame:
    import polars as pl  # the command line starts without it

    if not table.is_file():
        raise errors.MissingSource(f"'{table.name}' is not there", at=str(table), fix="name a csv or Parquet file")
    if table.suffix == ".csv":
        return pl.scan_csv(table, try_parse_dates=True, infer_schema_length=None, glob=False)
    if table.suffix in {".parquet", ".pq"}:
        return pl.scan_parquet(table, glob=False)
    raise errors.UnreadableTable(
        f"'{table.name}' is neither csv nor Parquet", at=str(table), fix="name a file that ends in .csv or .parquet"
    )


def _check_columns(lazy: pl.LazyFrame, known: Schema, table: Path) -> None:
    import polars as pl  # the command line starts without it

    try:
        there = lazy.collect_schema().names()
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).splitlines()[0][:200]
        raise errors.UnreadableTable(
            f"'{table.name}' cannot be read as a table: {reason}", at=str(table), fix="check the file's form"
        ) from error
    needed = [column.name for column in known.columns if {"feature", "key", "time"} & set(column.uses) and "added" not in column.uses]
    missing = [
        errors.UnknownColumn(f"the table lacks column '{name}'", at=table.name, fix=errors.near_match(name, there))
        for name in needed
        if name not in there
    ]
    if missing:
        raise errors.Faults(missing, at=table.name)


def _typed(rows: pl.DataFrame, known: Schema, before: int) -> pl.DataFrame:
    """The columns that the model knows, under the schema's types."""
    import polars as pl  # the command line starts without it

    types: dict[str, Any] = {
        "int": pl.Int64,
        "float": pl.Float64,
        "float32": pl.Float32,
        "bool": pl.Boolean,
        "text": pl.String,
        "instant": pl.Datetime("us", "UTC"),
    }
    wanted: list[Column] = [column for column in known.public if column.name in rows.columns and not {"target", "later"} & set(column.uses)]
    casts = []
    for column in wanted:
        values = rows[column.name]
        cast = values.cast(types[column.dtype], strict=False)
        lost = (cast.is_null() & values.is_not_null()).arg_true()
        if len(lost):
            fix = f"the model learned it as {column.dtype}; mend the table"
            raise errors.SchemaBroken(
                f"'{column.name}' holds values that are not {column.dtype}", at=f"row {before + lost[0] + 1}", fix=fix
            )
        casts.append(cast)
    return pl.DataFrame(casts)
