"""Score: predictions for a whole table, in batches of bounded memory, kept in the prediction log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from keepfit import digest, errors, plugin
from keepfit.added import Added, add
from keepfit.loop import fold
from keepfit.loop.keys import key_texts, numbers_of
from keepfit.loop.models import Model, candidate_behind, load_model
from keepfit.loop.take import tokens
from keepfit.progress import Progress, silent
from keepfit.schema import Column, Schema
from keepfit.source import Database, Source, There
from keepfit.stores.written import check_ending, write_file
from keepfit.table import dtype_of, normal, read_as, stored_type
from keepfit.task import Outputs
from keepfit.workspace import Workspace, open_source

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Scoring", "Target", "score"]

#: Rows that are in memory at once.
BATCH = 200_000
#: Decisions with at most so many different values are written as JSON once each.
_FEW = 1_000


@dataclass(frozen=True, slots=True)
class Scoring:
    """What was scored: how many rows, by which release, where the predictions lie, and whether they were logged."""

    record: ClassVar[str] = "scoring"
    version: ClassVar[int] = 1

    rows: int
    release: str
    output: str
    logged: bool


@dataclass(frozen=True, slots=True)
class Target:
    """Where scores go: a `.csv` or `.parquet` file, or a database's URL with the name of a table."""

    output: str
    table: str | None = None
    there: There = "refuse"


def score(
    ws: Workspace,
    source: Source,
    target: Target,
    *,
    now: datetime,
    release: str | None = None,
    keep: bool = True,
    progress: Progress = silent,
) -> Scoring:
    """Score a table and write its rows with the outputs, the prediction and the decision: all of them or none.

    The predictions are also kept in the log (`via` is `batch`), under ids that follow from the table's rows and
    their place, so scoring the same table again by the same release adds nothing.

    Parameters
    ----------
    source : the table, read in batches
    release : by default the champion

    Raises
    ------
    NoChampion, NothingThere, MissingSource, UnknownColumn, SchemaBroken, BadArgument, RowsRefused
        There is nothing to score with, the table does not fit the model, or the target does not take the scores.
    """
    name = release or ws.roles().champion
    found = candidate_behind(ws, name)
    if name is None or found is None:
        raise errors.NoChampion("there is no release to score with", at=name or ws.project, fix="keepfit run, or name one with --release")
    write = _writer(ws, target)
    batches = _Batches(ws, source, load_model(ws, found[0]), name, now, keep, progress)
    write(batches.each())
    return Scoring(batches.done, name, target.output if target.table is None else f"{target.output} {target.table}", keep)


def _writer(ws: Workspace, target: Target) -> Any:
    """What writes batches to the target, once it is known that it can."""
    at = "--output"
    if "://" not in target.output:
        if target.table is not None:
            raise errors.BadArgument("the name of a table is for databases", at="--into", fix="leave it out, or name a database's URL")
        check_ending(Path(target.output), at=at)
        return lambda batches: write_file(batches, Path(target.output))
    if target.table is None:
        raise errors.BadArgument("a database needs the name of a table", at=at, fix="add --into TABLE")
    with ws.concealing(target.output):
        place = open_source(target.output, folder=ws.folder, at=at, table=target.table)
    if not hasattr(place, "write"):
        raise errors.BadArgument(
            f"scores cannot be written to {target.output.partition('://')[0]}://", at=at, fix="name a file or a database"
        )
    database: Database = place  # type: ignore[assignment]

    def write(batches: Iterator[pl.DataFrame]) -> None:
        with ws.concealing(target.output):
            database.write(batches, target.there)

    return write


class _Batches:
    """A table's rows with what the model says of them, batch by batch."""

    def __init__(self, ws: Workspace, source: Source, model: Model, release: str, now: datetime, keep: bool, progress: Progress) -> None:
        self._ws, self._source, self._model, self._release, self._now = ws, source, model, release, now
        self._keep, self._progress = keep, progress
        self._known = ws.artifacts.get_record(Schema, model.candidate.schema)
        self._added = ws.artifacts.get_record(Added, self._known.added) if self._known.added else None
        self._function: Any = plugin.find("features", self._added.function, folder=ws.folder) if self._added else None
        roles = ws.roles()
        held = {"champion": roles.champion, "canary": roles.canary, "shadow": roles.shadow}
        self._role = next((role for role, holder in held.items() if holder == release), "none")
        self.done = 0

    def each(self) -> Iterator[pl.DataFrame]:
        """The scored batches, an empty one first."""
        content = self._content()
        for number, batch in enumerate(self._source.batches(BATCH)):
            rows = self._rows(batch)
            if number == 0:
                yield self._scored(batch.clear(), self._model.predict(rows.clear()))
            outputs = self._model.predict(rows)
            if self._keep:
                identity = digest.of_value([content or [number, digest.of_bytes(numbers_of(rows).tobytes())], self._release])[3:35]
                name = f"batch-{identity}-{number:06d}"
                fold.keep_batch(self._ws, name, self._kept(rows, outputs, identity), self._apart(batch))
            self.done += batch.height
            self._progress(f"scored {self.done:,} rows")
            if batch.height:
                yield self._scored(batch, outputs)

    def _content(self) -> str | None:
        """The digest of the table's files; None where it comes from elsewhere, so that each batch speaks for itself."""
        files = self._source.files
        return self._ws.cache.digest_of_all(files) if files else None

    def _rows(self, batch: pl.DataFrame) -> pl.DataFrame:
        """The columns that the model knows, under the schema's types, with those that the owner's function adds."""
        known = self._known
        if not self.done:
            _check_columns(batch.columns, known)
        uses = {column.name for column in known.public if not {"target", "later"} & set(column.uses)}
        rows = _typed(normal(batch.select([name for name in batch.columns if name in uses]), self._zone), known, self.done, self._zone)
        return rows if self._added is None else add(self._added, self._function, rows)

    @property
    def _zone(self) -> str:
        return self._ws.spec.data.timezone

    def _scored(self, batch: pl.DataFrame, outputs: Outputs) -> pl.DataFrame:
        """The rows with what the model says."""
        import polars as pl  # the command line starts without it

        candidate = self._model.candidate
        prediction, decision = self._ws.task.answers(outputs, candidate.classes, candidate.threshold)
        said = [pl.Series(field, values) for field, values in outputs.items()]
        said += [prediction.alias("prediction"), decision.alias("decision")]
        return batch.hstack([one.alias(_beside(one.name, batch.columns)) for one in {one.name: one for one in said}.values()])

    def _kept(self, rows: pl.DataFrame, outputs: Outputs, identity: str) -> pl.DataFrame:
        """What the log keeps of the rows."""
        import polars as pl  # the command line starts without it

        known, candidate = self._known, self._model.candidate
        there = bool(known.key and rows.height and set(known.key) <= set(rows.columns))
        decision = self._ws.task.answers(outputs, candidate.classes, candidate.threshold)[1]
        frame = rows.select(
            id=pl.lit(f"{identity}-") + (pl.int_range(pl.len()) + self.done).cast(pl.String),
            key=key_texts(rows, known) if there else pl.lit(None, dtype=pl.String),
            decision=json_texts(decision),
            at=pl.lit(self._now).cast(pl.Datetime("us", "UTC")),
            release=pl.lit(self._release),
            role=pl.lit(self._role),
            via=pl.lit("batch"),
            sampling=pl.lit(1.0),
            time=pl.col(known.time) if known.time in rows.columns else pl.lit(None, dtype=pl.Datetime("us", "UTC")),
        )
        asked = [column for column in known.public if column.name in rows.columns and not {"target", "later"} & set(column.uses)]
        inputs = [rows[column.name].alias(f"{fold.INPUT}{column.name}") for column in asked]
        return frame.hstack(inputs).hstack([pl.Series(f"{fold.OUTPUT}{field}", values) for field, values in outputs.items()])

    def _apart(self, batch: pl.DataFrame) -> pl.DataFrame | None:
        """What the log keeps beside: the subject's token and the private columns that the table has."""
        columns = [column for column in self._known.private if column.name in batch.columns]
        if not columns:
            return None
        held = normal(batch.select([column.name for column in columns]), self._zone)
        return tokens(self._ws, held, self._known).rename({c.name: "subject" for c in columns if "subject" in c.uses})


def _beside(name: str, there: list[str]) -> str:
    """A name for an output: a column of the table's own, as one scored before has them, is neither written over nor taken for ours.

    >>> _beside("score", ["amount"]), _beside("score", ["score"])
    ('score', 'keepfit_score')
    """
    while name in there:
        name = f"keepfit_{name}"
    return name


def json_texts(values: pl.Series) -> pl.Series:
    """Each value as JSON.

    >>> import polars as pl
    >>> json_texts(pl.Series([True, None])).to_list(), json_texts(pl.Series(["ü"])).to_list()
    (['true', 'null'], ['"ü"'])
    """
    import polars as pl  # the command line starts without it

    different = values.unique()
    if len(different) <= _FEW:
        texts = [msgspec.json.encode(value).decode() for value in different.to_list()]
        return values.replace_strict(different, pl.Series(texts, dtype=pl.String), return_dtype=pl.String)
    return pl.Series([msgspec.json.encode(value).decode() for value in values.to_list()], dtype=pl.String)


def _check_columns(there: list[str], known: Schema) -> None:
    needed = [column.name for column in known.columns if {"feature", "key", "time"} & set(column.uses) and "added" not in column.uses]
    missing = [
        errors.UnknownColumn(f"the table lacks column '{name}'", at="TABLE", fix=errors.near_match(name, there))
        for name in needed
        if name not in there
    ]
    if missing:
        raise errors.Faults(missing, at="TABLE")


def _typed(rows: pl.DataFrame, known: Schema, before: int, timezone: str) -> pl.DataFrame:
    """The columns under the schema's types."""
    import polars as pl  # the command line starts without it

    columns: dict[str, Column] = {column.name: column for column in known.public}
    casts = []
    for values in rows.get_columns():
        dtype = columns[values.name].dtype
        read = read_as(values, dtype, timezone)
        lost = (read.is_null() & values.is_not_null()).arg_true()
        if dtype_of(read.dtype) != dtype and len(values) == values.null_count():
            read = values.cast(stored_type(dtype), strict=False)
        if len(lost) or dtype_of(read.dtype) != dtype:
            fix = f"the model learned it as {dtype}; mend the table"
            row = before + (lost[0] if len(lost) else 0) + 1
            raise errors.SchemaBroken(f"'{values.name}' holds values that are not {dtype}", at=f"row {row}", fix=fix)
        casts.append(read)
    return pl.DataFrame(casts)
