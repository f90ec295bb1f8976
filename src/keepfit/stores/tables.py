"""Tables as immutable Parquet files: written whole, synced, renamed into place, readable by any engine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keepfit import digest, errors, files
from keepfit.schema import Column, Schema
from keepfit.snapshot import Part, Snapshot, ordered, part_of_day

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Tables", "write_parquet"]


@dataclass(frozen=True, slots=True)
class Tables:
    """The folder of a project's snapshots."""

    folder: Path

    def write(self, frame: pl.DataFrame, schema: Schema, *, now: datetime, older: Snapshot | None) -> tuple[Part, ...]:
        """Cut a table into parts and write those that are new."""
        order = [name for name in (schema.time, *schema.key) if name] or frame.columns
        frame = frame.sort(list(dict.fromkeys([*schema.key, *order])), nulls_last=True, maintain_order=True)
        pieces = _by_day(frame, schema.time, now) if schema.time else self._by_arrival(frame, schema, older)
        return ordered(self._part(name, piece, schema) for name, piece in pieces.items())

    def put(self, name: str, frame: pl.DataFrame) -> str:
        """Keep a table that is no snapshot beside them, in a folder of its name, for the owner's eyes; give its digest."""
        beside = Tables(self.folder.parent / name)
        return beside._file(name, frame, ".private")

    def read(self, snapshot: Snapshot, columns: list[Column]) -> pl.DataFrame:
        """Columns of a snapshot as they are asked for, rows in its order.

        Raises
        ------
        CannotRead
            A part is missing.
        """
        import polars as pl  # the command line starts without it

        public = [column.name for column in columns if not column.private]
        private = [column.name for column in columns if column.private]
        frames = []
        for part in snapshot.parts:
            frame = _read(self.folder / part.file, public) if public or not private else pl.DataFrame()
            if private and part.private_file:
                apart = _read(self.folder / part.private_file, private)
                frame = frame.hstack(apart) if public else apart
            frames.append(frame.select([column.name for column in columns if column.name in frame.columns]))
        return pl.concat(frames) if frames else pl.DataFrame()

    def _part(self, name: str, frame: pl.DataFrame, schema: Schema) -> Part:
        public = self._file(name, frame.select([c.name for c in schema.public]), "")
        private = self._file(name, frame.select([c.name for c in schema.private]), ".private") if schema.private else None
        return Part(name, public, frame.height, private)

    def _file(self, name: str, frame: pl.DataFrame, suffix: str) -> str:
        beside = self.folder / f".{name}{suffix}.new"
        with files.writable(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        try:
            files.write_whole(beside, lambda path: write_parquet(frame, path), mode=0o600 if suffix else 0o644)
            named = digest.of_file(beside)
            target = self.folder / f"{name}.{named[3:19]}{suffix}.parquet"
            if not target.exists():
                with files.writable(target):
                    beside.rename(target)
                    files.sync_folder(self.folder)
        finally:
            beside.unlink(missing_ok=True)
        return named

    def _by_arrival(self, frame: pl.DataFrame, schema: Schema, older: Snapshot | None) -> dict[str, pl.DataFrame]:
        """Rows that an older snapshot holds stay in their parts; the others form a new one."""
        import polars as pl  # the command line starts without it

        rest = _numbered(frame)
        pieces: dict[str, pl.DataFrame] = {}
        columns = [column for column in schema.columns if column.name in frame.columns]
        for part in older.parts if older else ():
            had = self.read(Snapshot(older.origin, older.schema, (part,), part.rows, 0), columns) if older else frame
            if had.columns != frame.columns or had.dtypes != frame.dtypes:
                had = had.clear()
                continue
            had = _numbered(had)
            kept = had.join(rest, on=had.columns, how="semi", nulls_equal=True, maintain_order="left")
            rest = rest.join(kept, on=had.columns, how="anti", nulls_equal=True, maintain_order="left")
            if kept.height:
                pieces[part.name] = kept.drop("keepfit occurrence")
        if rest.height:
            taken = [int(name.removeprefix("arrival-")) for name in pieces]
            pieces[f"arrival-{max(taken, default=0) + 1:05d}"] = rest.drop("keepfit occurrence")
        return pieces or {"arrival-00001": pl.DataFrame(schema=frame.schema)}


def _numbered(frame: pl.DataFrame) -> pl.DataFrame:
    """Tell equal rows apart by counting them."""
    import polars as pl  # the command line starts without it

    return frame.with_columns(pl.int_range(pl.len()).over(frame.columns).alias("keepfit occurrence"))


def _by_day(frame: pl.DataFrame, time: str, now: datetime) -> dict[str, pl.DataFrame]:
    import polars as pl  # the command line starts without it

    day = frame[time].dt.strftime("%Y-%m-%d").alias("keepfit part")
    counted = dict(day.value_counts().rows())
    names = part_of_day(counted, now)
    part = day.replace_strict(list(names), list(names.values()), return_dtype=pl.String)
    groups = frame.with_columns(part).partition_by("keepfit part", as_dict=True, include_key=False, maintain_order=True)
    return {str(name): group for (name,), group in groups.items()}


def write_parquet(frame: pl.DataFrame, path: Path, metadata: dict[str, str] | None = None, *, fast: bool = False) -> None:
    """Write a table with fixed settings: equal rows give equal bytes. `metadata` stands in the file beside them.

    `fast` takes less time and a little more room.

    By way of memory, because Polars hides the operating system's refusals in errors of its own: a full disk is an `OSError`.
    """
    data = BytesIO()
    how: dict[str, Any] = {"compression": "lz4"} if fast else {"compression": "zstd", "compression_level": 3}
    frame.rechunk().write_parquet(data, **how, statistics=True, row_group_size=100_000, metadata=metadata)
    path.write_bytes(data.getbuffer())


def _read(path: Path, columns: list[str]) -> pl.DataFrame:
    import polars as pl  # the command line starts without it

    try:
        return pl.read_parquet(path, columns=columns, glob=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        fix = "restore it from a backup of the project"
        raise errors.CannotRead(f"a part of a table cannot be read: {type(error).__name__}", at=str(path), fix=fix) from error
