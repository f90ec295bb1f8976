"""Check: the source read, brought to its schema, and held against what it was before; nothing is kept yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from keepfit import errors, schema
from keepfit.column import Kinds, look
from keepfit.inspection import Inspection
from keepfit.instant import Duration, micros
from keepfit.ledger import Entry
from keepfit.profile import Profile
from keepfit.schema import Declared, Dtype, Schema, Use
from keepfit.snapshot import Snapshot
from keepfit.spec.checks import Policy
from keepfit.spec.data import ColumnSpec
from keepfit.suspicion import Suspicion, suspect
from keepfit.table import as_instants, dtype_of, normal, read_as
from keepfit.violation import Broken, Rule, Violation, came_late, many, violations
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import polars as pl

__all__ = ["ROW", "Before", "Checked", "before", "check", "plain", "refuse", "rules"]

#: A column of the row's number in the source, from 1, while a table is checked.
ROW = "keepfit row"
#: A column that holds other values than it did, in more than this share, has changed its type.
_OTHERS = 0.5
_HOLDS: Mapping[Dtype, str] = {
    "int": "whole numbers",
    "float": "numbers",
    "float32": "numbers",
    "bool": "truth values",
    "instant": "times",
    "text": "text",
}


@dataclass(frozen=True, slots=True)
class Before:
    """What was taken of the same source last: its entry, its manifest, its schema, and what its columns looked like."""

    entry: Entry
    snapshot: Snapshot
    schema: Schema
    profile: Profile | None


@dataclass(frozen=True, slots=True)
class Checked:
    """A table that may be kept.

    `frame` holds the rows that fit, `aside` those that are left out; `broken` has a line for each row that does not fit, with
    the check and the column. `refused` are the violations that do not let it be kept. `until` is the moment, in microseconds,
    from which the same source shows another table.
    """

    frame: pl.DataFrame
    known: Schema
    inspection: Inspection
    aside: pl.DataFrame
    broken: pl.DataFrame
    refused: tuple[Violation, ...]
    until: int | None


def before(ws: Workspace, origin: str) -> Before | None:
    """What was taken last; None where nothing was."""
    found = [entry for entry in ws.ledger.entries(kind="snapshot") if entry.body["origin"] == origin]
    if not found:
        return None
    named = found[-1].body["artifacts"]
    snapshot = ws.artifacts.get_record(Snapshot, named["snapshot"])
    profile = ws.artifacts.get_record(Profile, named["profile"]) if "profile" in named else None
    return Before(found[-1], snapshot, ws.artifacts.get_record(Schema, snapshot.schema), profile)


def check(ws: Workspace, *, now: datetime) -> Checked:
    """Read the source as it is known at `now`, and say what does not fit.

    Rows whose time lies after `now` are left for later; the target, and what else is known only later, is empty until
    the label delay has passed.

    Raises
    ------
    UsageFault
        The table is not there, empty, or no table of this project: it lacks columns, or its time column holds no times.
    """
    problem, older = ws.spec.problem, before(ws, ws.spec.data.origin)
    frame, dropped = plain(ws)
    frame, unread = _read_as_before(ws, frame, older.schema if older else None)
    known = _schema(ws, frame, dropped, older.schema if older else None)
    frame = frame.select([column.name for column in known.columns]).with_row_index(ROW, offset=1)
    if unread:
        frame = frame.with_columns(lost.alias(_lost(name)) for name, lost in unread.items())
    until = _next_change(frame, known, now=now, delay=problem.label_delay)
    frame = _as_known(frame, known, now=now, delay=problem.label_delay)
    if frame.height == 0:
        fix = "check the source, and that its times do not all lie in the future"
        raise errors.EmptyTable("the table has no row", at=ws.place("data", "source"), fix=fix)
    found = [_unread(frame[_lost(name)], name, known[name].dtype) for name in unread if name != known.time and frame[_lost(name)].any()]
    frame = frame.drop([_lost(name) for name in unread])
    found += _violations(ws, frame, known, older)
    return _parted(ws, frame, known, found, older, until)


def _lost(name: str) -> str:
    return f"keepfit lost {name}"


def plain(ws: Workspace) -> tuple[pl.DataFrame, list[str]]:
    """The source's table in the stored types, and the columns that are not taken: those may hold anything."""
    frame = ws.read_source()
    dropped = [name for name in frame.columns if name in ws.spec.columns and declared(ws.spec.columns[name]).dropped]
    return normal(frame.drop(dropped), ws.spec.data.timezone), dropped


def _read_as_before(ws: Workspace, frame: pl.DataFrame, older: Schema | None) -> tuple[pl.DataFrame, dict[str, pl.Series]]:
    """Columns as what the owner says they are, or as what they were; and the rows whose values cannot be read so."""
    wanted: dict[str, Dtype] = {column.name: column.dtype for column in older.columns} if older else {}
    wanted |= {ws.spec.problem.time: "instant"} if ws.spec.problem.time else {}
    unread: dict[str, pl.Series] = {}
    for values in frame.get_columns():
        dtype = dtype_of(values.dtype)
        said = ws.spec.columns.get(values.name)
        as_said = _dtype_for(said.kind, dtype, ws.kinds) if said and said.kind else wanted.get(values.name, dtype)
        if as_said != dtype:
            read = read_as(values, as_said, ws.spec.data.timezone)
            lost = read.is_null() & values.is_not_null()
            if dtype_of(read.dtype) == as_said and int(lost.sum()) <= _OTHERS * max(1, len(values) - values.null_count()):
                frame = frame.with_columns(read)
                unread |= {values.name: lost} if lost.any() else {}
    return frame, unread


def _dtype_for(kind: str, dtype: Dtype, kinds: Kinds) -> Dtype:
    """The stored type of a column of a kind: its own where the kind takes it."""
    takes = kinds[kind].dtypes if kind in kinds else frozenset({dtype})
    order: tuple[Dtype, ...] = (dtype, "float", "bool", "instant", "text")
    return next((one for one in order if one in takes), dtype)


def _schema(ws: Workspace, frame: pl.DataFrame, dropped: Sequence[str], older: Schema | None) -> Schema:
    problem = ws.spec.problem
    dtypes: dict[str, Dtype] = {name: dtype_of(dtype) for name, dtype in frame.schema.items()}
    said = {name: declared(column) for name, column in ws.spec.columns.items()}
    try:
        known = schema.infer(
            dtypes | dict.fromkeys(dropped, "text"),
            {values.name: values.null_count() > 0 for values in frame.get_columns()},
            ws.kinds,
            target=problem.target,
            time=problem.time,
            key=problem.key,
            declared=said,
            seen={values.name: look(values) for values in frame.get_columns() if dtypes[values.name] == "text"},
            before=older,
        )
    except errors.Faults as found:
        for fault in found.faults:  # the schema knows the keys, the workspace their lines
            fault.at = ws.place(*fault.at.removeprefix("keepfit.toml: ").split("."))
        raise
    if known.time and known[known.time].dtype != "instant":
        raise _no_times(ws, frame[known.time])
    if older and (broken := schema.changes(older, known, {name for name, one in said.items() if one.dropped or one.kind})):
        raise errors.Faults(broken, at=ws.spec.data.origin)
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


def _as_known(frame: pl.DataFrame, known: Schema, *, now: datetime, delay: Duration) -> pl.DataFrame:
    """The rows and values that are known at `now`; rows without a time stay, to be found."""
    import polars as pl  # the command line starts without it

    if known.time is None:
        return frame
    later = [column.name for column in known.columns if "target" in column.uses or "later" in column.uses]
    due = pl.col(known.time) <= now - delay.delta
    there = pl.col(known.time).is_null() | (pl.col(known.time) <= now)
    return frame.filter(there).with_columns(pl.when(due).then(pl.col(name)).alias(name) for name in later)


def _unread(lost: pl.Series, name: str, dtype: Dtype) -> Broken:
    return Broken("kind", name, lost, f"{many(int(lost.sum()), 'value')} not to be read as {_HOLDS[dtype]}")


def _violations(ws: Workspace, frame: pl.DataFrame, known: Schema, older: Before | None) -> list[Broken]:
    newest = _newest(ws, older) if older else None
    fresh = (frame[known.time] > newest).fill_null(False) if newest is not None and known.time else None
    return violations(frame, known, older.profile if older else None, rules=rules(ws), fresh=fresh)


def rules(ws: Workspace) -> dict[str, Rule]:
    """What the owner says that columns hold."""
    return {name: Rule(one.min, one.max, one.values, one.missing) for name, one in ws.spec.columns.items()}


def _newest(ws: Workspace, older: Before) -> datetime | None:
    """The newest time that was taken."""
    time = older.schema.time
    if time is None or not older.snapshot.parts:
        return None
    last = Snapshot(older.snapshot.origin, older.snapshot.schema, older.snapshot.parts[-1:], 0, 0)
    found = ws.tables.read(last, [older.schema[time]])[time].max()
    return found if isinstance(found, datetime) else None


def _parted(ws: Workspace, frame: pl.DataFrame, known: Schema, found: Sequence[Broken], older: Before | None, until: int | None) -> Checked:
    """Rows that fit, and rows that do not, as the policy of each check says."""
    import polars as pl  # the command line starts without it

    policies: Mapping[str, Policy] = ws.spec.checks.model_dump()
    said = [one.violation(policies[one.check], frame[ROW]) for one in found]
    lines = [frame.filter(one.rows).select(pl.lit(one.check).alias("check"), pl.lit(one.column).alias("column"), ROW) for one in found]
    empty = pl.DataFrame(schema={"check": pl.String, "column": pl.String, ROW: frame.schema[ROW]})
    out = pl.repeat(False, frame.height, dtype=pl.Boolean, eager=True)
    for one in found:
        out |= one.left_out if policies[one.check] == "quarantine" else False
    kept, aside = frame.filter(~out).drop(ROW), frame.filter(out)
    newest = _newest(ws, older) if older else None
    if older and newest is not None and known.time:
        late = came_late(kept[known.time], newest, older.snapshot.rows, policies["order"])
        said += [late] if late else []
    inspection = Inspection(
        frame.height,
        aside.height,
        schema.differences(older.schema, known) if older else (),
        tuple(said),
        tuple(_suspicions(ws, kept, known)) if kept.height else (),
    )
    refused = tuple(violation for violation in said if violation.policy == "refuse")
    return Checked(kept, known, inspection, aside, pl.concat([empty, *lines]), refused, until)


def _suspicions(ws: Workspace, frame: pl.DataFrame, known: Schema) -> list[Suspicion]:
    skip = {column.name for column in known.columns if column.private or "later" in column.uses}
    return suspect(frame, target=known.target, time=known.time, key=known.key, delay=ws.spec.problem.label_delay, skip=skip)


def refuse(ws: Workspace, checked: Checked) -> None:
    """Refuse a table that may not be kept.

    Raises
    ------
    RepeatedKey, BadTime, SchemaBroken, Faults
        What does not fit, and in which rows; several together.
    """
    found = [_fault(ws, violation) for violation in checked.refused]
    if len(found) == 1:
        raise found[0]
    if found:
        raise errors.Faults(found, at=ws.spec.data.origin)
    if checked.frame.height == 0:
        fix = "keepfit schema says what does not fit"
        raise errors.EmptyTable("every row of the table was left out", at=ws.place("data", "source"), fix=fix)


def _fault(ws: Workspace, violation: Violation) -> errors.KeepfitError:
    shown = ", ".join(map(str, violation.rows[:5]))
    rows = f"{'row' if violation.count == 1 else 'rows'} {shown}{', …' if violation.count > 5 else ''}"
    message = f"{violation.because}: {rows}" if shown else violation.because
    aside = f'or leave them out: {violation.check} = "quarantine" in [checks]'
    if violation.check == "key":
        fix = f"name the columns that together tell one row from every other, remove the repetitions, {aside}"
        return errors.RepeatedKey(message, at=ws.place("problem", "key"), fix=fix)
    if violation.check == "time":
        return errors.BadTime(message, at=f"column {violation.column}", fix=f"mend the source: such a row belongs to no window; {aside}")
    fix = f'mend the source, or say in [checks] what happens to such rows: {violation.check} = "warn"'
    return errors.SchemaBroken(f"'{violation.column}': {message}", at=f"column {violation.column}", fix=fix)
