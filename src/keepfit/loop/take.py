"""Take the source: a snapshot of what is known now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING

import msgspec

from keepfit import added, digest, errors, plugin, record, schema
from keepfit.cause import Cause
from keepfit.column import look
from keepfit.instant import Duration, micros
from keepfit.ledger import Entry
from keepfit.prediction import subject_token
from keepfit.schema import Declared, Schema, Use
from keepfit.snapshot import Part, Snapshot
from keepfit.spec.data import ColumnSpec
from keepfit.table import as_instants, dtype_of, normal
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import polars as pl

__all__ = ["LAST", "Taken", "keep", "latest", "take", "take_cause", "taken_before"]

#: Raised when taking gives another table from the same files.
STEP = 1
#: Where the cache keeps the cause of the newest take.
LAST = "the last take"


@dataclass(frozen=True, slots=True)
class Taken:
    """A snapshot with its schema and digest, and which of its parts are new."""

    snapshot: Snapshot
    digest: str
    schema: Schema
    new: tuple[Part, ...]
    entry: Entry


def take(ws: Workspace, *, now: datetime) -> Taken:
    """Take the source as it is known at `now`.

    Rows whose time lies after `now` are left for later; the target, and what else is known only later, is
    empty until the label delay has passed.

    Raises
    ------
    UsageFault
        The table is not there, empty, or does not fit the project file.
    """
    cause = take_cause(ws)
    if cause is not None and (before := taken_before(ws, cause, now)) is not None:
        return before
    problem = ws.spec.problem
    frame = normal(ws.read_source(), ws.spec.data.timezone)
    known = _schema(ws, frame)
    until = _next_change(frame, known, now=now, delay=problem.label_delay)
    frame = frame.select([column.name for column in known.columns])
    frame = _as_known(frame, known, now=now, delay=problem.label_delay)
    if frame.height == 0:
        fix = "check the source, and that its times do not all lie in the future"
        raise errors.EmptyTable("the table has no row", at=ws.place("data", "source"), fix=fix)
    _check_key(frame, known, ws.place("problem", "key"))
    frame, known = _with_added(ws, frame, known)
    taken = keep(ws, _tokens(ws, frame, known), known, origin=ws.spec.data.origin, now=now)
    if cause is not None:
        ws.cache.put(record.digest_of(cause), digest.canonical([micros(now), until, taken.entry.key]))
        ws.cache.put(LAST, record.text(cause))
    return taken


def _with_added(ws: Workspace, frame: pl.DataFrame, known: Schema) -> tuple[pl.DataFrame, Schema]:
    """The table and its schema with the columns that the owner's function adds, once the function is proved."""
    spec = ws.spec.features
    if spec is None:
        return frame, known
    function = plugin.find("features", spec.function, at=ws.place("features", "from"), folder=ws.folder)
    made, frame = added.prove(spec.function, function, frame, known.features, ws.kinds, spec.by)
    columns = tuple(replace(column, uses=("feature", "added")) for column in made.columns)
    return frame, replace(known, columns=(*known.columns, *columns), added=ws.artifacts.put_record(made))


def take_cause(ws: Workspace) -> Cause | None:
    """What a take depends on beside the moment: the source's files, and the settings that shape the table.

    None where that cannot be told without reading: the source is no file, or a function of the owner's adds columns,
    which may be another, and what it imports as well.
    """
    files = ws.source_files()
    if ws.spec.features is not None or not files or not all(path.is_file() for path in files):
        return None
    problem = ws.spec.problem.model_dump(mode="json", exclude={"name", "statement", "value", "positive", "task"})
    settings = {f"problem.{name}": value for name, value in problem.items()}
    settings |= {f"data.{name}": value for name, value in ws.spec.data.model_dump(mode="json").items()}
    settings |= {f"columns.{name}": one.model_dump(mode="json") for name, one in ws.spec.columns.items()}
    content = digest.of_value([ws.cache.digest_of(path) for path in files])
    return Cause("take", {"the files of data.source": content, **settings, "step version": STEP, "polars": version("polars")})


def taken_before(ws: Workspace, cause: Cause, now: datetime) -> Taken | None:
    """The snapshot of the same files and settings, when nothing in them became visible since."""
    said = ws.cache.get(record.digest_of(cause))
    if said is None:
        return None
    since, until, named = msgspec.json.decode(said)
    entry = ws.ledger.find(named) if since <= micros(now) and (until is None or micros(now) < until) else None
    if entry is None:
        return None
    try:
        name = entry.body["artifacts"]["snapshot"]
        snapshot = ws.artifacts.get_record(Snapshot, name)
        known = ws.artifacts.get_record(Schema, snapshot.schema)
    except errors.StoreFault:
        return None
    stored = [file for part in snapshot.parts for file in (part.file, part.private_file) if file]
    whole = all((ws.tables.folder / file).is_file() for file in stored)
    return Taken(snapshot, name, known, (), entry) if whole and _newest(ws, entry.body["origin"]) == entry else None


def _next_change(frame: pl.DataFrame, known: Schema, *, now: datetime, delay: Duration) -> int | None:
    """The moment, in microseconds, at which the same files show another table; None when they never do."""
    if known.time is None:
        return None
    time = frame[known.time].drop_nulls().cast(int)
    following = [time.filter(time > micros(now)).min(), time.filter(time + delay.microseconds > micros(now)).min()]
    later = [int(first) + wait for first, wait in zip(following, (0, delay.microseconds), strict=True) if isinstance(first, int)]
    # Days are joined by month once the month is over.
    month = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return min([*later, micros((month + timedelta(days=32)).replace(day=1))])


def keep(ws: Workspace, frame: pl.DataFrame, known: Schema, *, origin: str, now: datetime) -> Taken:
    """Store a table as a snapshot and write it down."""
    older = latest(ws, origin)
    if older:
        broken = schema.changes(ws.artifacts.get_record(Schema, older.schema), known)
        if broken:
            raise errors.Faults(broken, at=origin)
    parts = ws.tables.write(frame, known, now=now, older=older)
    labelled = frame.height - frame[known.target].null_count()
    snapshot = Snapshot(origin, ws.artifacts.put_record(known), parts, frame.height, labelled)
    new = tuple(snapshot.new_since(older))
    name = ws.artifacts.put_record(snapshot)
    body = {
        "origin": origin,
        "rows": snapshot.rows,
        "known": snapshot.known,
        "parts": len(parts),
        "new_parts": len(new),
        "artifacts": {"snapshot": name, "schema": snapshot.schema},
    }
    last = _newest(ws, origin)
    if last is not None and last.body["artifacts"]["snapshot"] == name:
        return Taken(snapshot, name, known, new, last)
    # The same table may come back after another one: the newest entry always says what holds now.
    entry = ws.append("snapshot", [name, last.seq if last else 0], body, at=now)
    return Taken(snapshot, name, known, new, entry)


def latest(ws: Workspace, origin: str) -> Snapshot | None:
    """The newest snapshot of an origin."""
    entry = _newest(ws, origin)
    return ws.artifacts.get_record(Snapshot, entry.body["artifacts"]["snapshot"]) if entry else None


def _newest(ws: Workspace, origin: str) -> Entry | None:
    found = [entry for entry in ws.ledger.entries(kind="snapshot") if entry.body["origin"] == origin]
    return found[-1] if found else None


def _schema(ws: Workspace, frame: pl.DataFrame) -> Schema:
    problem = ws.spec.problem
    dtypes = {name: dtype_of(dtype) for name, dtype in frame.schema.items()}
    nullable = {name: frame[name].null_count() > 0 for name in frame.columns}
    older = latest(ws, ws.spec.data.origin)
    try:
        known = schema.infer(
            dtypes,
            nullable,
            ws.kinds,
            target=problem.target,
            time=problem.time,
            key=problem.key,
            declared={name: declared(column) for name, column in ws.spec.columns.items()},
            seen={name: look(frame[name]) for name, dtype in dtypes.items() if dtype == "text"},
            before=ws.artifacts.get_record(Schema, older.schema) if older else None,
        )
    except errors.Faults as found:
        for fault in found.faults:  # the schema knows the keys, the workspace their lines
            fault.at = ws.place(*fault.at.removeprefix("keepfit.toml: ").split("."))
        raise
    if known.time and known[known.time].dtype != "instant":
        raise _no_times(ws, frame[known.time])
    return known


def _no_times(ws: Workspace, values: pl.Series) -> errors.BadTime:
    """What is wrong with a time column that does not hold times."""
    at = ws.place("problem", "time")
    if dtype_of(values.dtype) == "text":
        wrong = (as_instants(values, ws.spec.data.timezone).is_null() & values.is_not_null()).arg_true()
        message = (
            f"{len(wrong):,} of {len(values):,} values of the time column '{values.name}' are no times, the first in row {wrong[0] + 1}"
        )
        return errors.BadTime(message, at=at, fix="write times as in 2024-03-31 17:00 or 2024-03-31T17:00+02:00")
    fix = "store the column as a timestamp, or name another one in problem.time"
    return errors.BadTime(f"the time column '{values.name}' does not hold times", at=at, fix=fix)


def declared(column: ColumnSpec) -> Declared:
    """What the project file says about a column, as uses."""
    uses: list[Use] = []
    uses += ["later"] if column.known == "later" else []
    uses += ["subject"] if column.subject else []
    uses += ["protected"] if column.protected else []
    uses += ["personal"] if column.personal and column.keep else []
    return Declared(column.kind, tuple(uses), dropped=column.ignore or (column.personal and not column.keep and not column.subject))


def _as_known(frame: pl.DataFrame, known: Schema, *, now: datetime, delay: Duration) -> pl.DataFrame:
    """The rows and values that are known at `now`."""
    import polars as pl  # the command line starts without it

    if known.time is None:
        return frame
    missing = frame[known.time].null_count()
    if missing:
        first = frame[known.time].is_null().arg_true()[0]
        fix = "mend the source: a row without a time belongs to no window"
        raise errors.BadTime(f"{missing} rows have no time, the first is row {first + 1}", at=f"column {known.time}", fix=fix)
    later = [column.name for column in known.columns if "target" in column.uses or "later" in column.uses]
    due = pl.col(known.time) <= now - delay.delta
    return frame.filter(pl.col(known.time) <= now).with_columns(pl.when(due).then(pl.col(name)).alias(name) for name in later)


def _check_key(frame: pl.DataFrame, known: Schema, place: str) -> None:
    if not known.key:
        return
    repeated = frame.select(known.key).is_duplicated()
    if repeated.any():
        rows = repeated.arg_true()
        shown = ", ".join(str(row + 1) for row in rows[:5])
        fix = "name the columns that together tell one row from every other, or remove the repetitions"
        message = f"the key ({', '.join(known.key)}) names several rows: {len(rows)} rows repeat it, such as rows {shown}"
        raise errors.RepeatedKey(message, at=place, fix=fix)


def _tokens(ws: Workspace, frame: pl.DataFrame, known: Schema) -> pl.DataFrame:
    """Put a keyed hash in the place of each subject: HMAC-SHA256, 128 bits."""
    import polars as pl  # the command line starts without it

    for column in known.used("subject"):
        secret = ws.secret("subjects")
        values = frame[column.name].cast(pl.String).to_list()
        tokens = [None if value is None else subject_token(secret, value) for value in values]
        frame = frame.with_columns(pl.Series(column.name, tokens, dtype=pl.String))
    return frame


def row_keys(frame: pl.DataFrame, known: Schema) -> list[str]:
    """The canonical JSON of each row's key; of all its public columns where the problem names none."""
    from_columns = list(known.key) or [column.name for column in known.public if column.name in frame.columns]
    rows = frame.select(from_columns).iter_rows()
    return [digest.canonical(record.plain(list(row))) for row in rows]
