"""Take the source: a snapshot of what is known now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import msgspec

from keepfit import added, digest, errors, plugin, record
from keepfit.cause import Cause
from keepfit.inspection import Inspection
from keepfit.instant import micros
from keepfit.ledger import Entry
from keepfit.loop.check import Checked, check, refuse
from keepfit.prediction import subject_token
from keepfit.profile import profile
from keepfit.schema import Schema
from keepfit.snapshot import Part, Snapshot
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import polars as pl

__all__ = ["LAST", "Taken", "keep", "latest", "take", "take_cause", "taken_before", "tokens"]

#: Raised when taking gives another table from the same files.
STEP = 2
#: Where the cache keeps the cause of the newest take.
LAST = "the last take"


@dataclass(frozen=True, slots=True)
class Taken:
    """A snapshot with its schema and digest, which of its parts are new, and what was found when it was checked."""

    snapshot: Snapshot
    digest: str
    schema: Schema
    new: tuple[Part, ...]
    entry: Entry
    inspection: Inspection | None = None


def take(ws: Workspace, *, now: datetime) -> Taken:
    """Take the source as it is known at `now`: what fits its schema, as the policies of `[checks]` say.

    Raises
    ------
    UsageFault
        The table is not there, empty, or does not fit the project file or what was taken before.
    """
    cause = take_cause(ws)
    if cause is not None and (before := taken_before(ws, cause, now)) is not None:
        return before
    checked = check(ws, now=now)
    refuse(ws, checked)
    frame, known = _with_added(ws, checked.frame, checked.known)
    taken = keep(ws, tokens(ws, frame, known), known, origin=ws.spec.data.origin, now=now, checked=checked)
    if cause is not None:
        ws.cache.put(record.digest_of(cause), digest.canonical([micros(now), checked.until, taken.entry.key]))
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
    files = ws.source_files() if ws.spec.features is None else ()
    if not files:
        return None
    problem = ws.spec.problem.model_dump(mode="json", exclude={"name", "statement", "value", "positive", "task"})
    settings = {f"problem.{name}": value for name, value in problem.items()}
    settings |= {f"data.{name}": value for name, value in ws.spec.data.model_dump(mode="json").items()}
    settings |= {f"checks.{name}": value for name, value in ws.spec.checks.model_dump(mode="json").items()}
    settings |= {f"columns.{name}": one.model_dump(mode="json") for name, one in ws.spec.columns.items()}
    try:
        content = ws.cache.digest_of_all(files)
    except OSError:  # what cannot be looked at is said when it is read
        return None
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
        inspection = ws.artifacts.get_record(Inspection, entry.body["artifacts"]["inspection"])
    except (errors.StoreFault, KeyError):
        return None
    stored = [file for part in snapshot.parts for file in (part.file, part.private_file) if file]
    whole = all((ws.tables.folder / file).is_file() for file in stored)
    return Taken(snapshot, name, known, (), entry, inspection) if whole and _newest(ws, entry.body["origin"]) == entry else None


def keep(ws: Workspace, frame: pl.DataFrame, known: Schema, *, origin: str, now: datetime, checked: Checked | None = None) -> Taken:
    """Store a table as a snapshot and write it down, with what was found when it was checked."""
    older = latest(ws, origin)
    parts = ws.tables.write(frame, known, now=now, older=older)
    labelled = frame.height - frame[known.target].null_count()
    snapshot = Snapshot(origin, ws.artifacts.put_record(known), parts, frame.height, labelled)
    new = tuple(snapshot.new_since(older))
    name = ws.artifacts.put_record(snapshot)
    last = _newest(ws, origin)
    if last is not None and last.body["artifacts"]["snapshot"] == name:
        return Taken(snapshot, name, known, new, last, checked.inspection if checked else None)
    body: dict[str, Any] = {
        "origin": origin,
        "rows": snapshot.rows,
        "known": snapshot.known,
        "parts": len(parts),
        "new_parts": len(new),
        "artifacts": {"snapshot": name, "schema": snapshot.schema},
    }
    if checked is not None:
        body |= _kept_beside(ws, checked)
        body["artifacts"] |= {
            "inspection": ws.artifacts.put_record(checked.inspection),
            "profile": ws.artifacts.put_record(profile(frame, known.public, ws.kinds)),
        }
    # The same table may come back after another one: the newest entry always says what holds now.
    entry = ws.append("snapshot", [name, last.seq if last else 0], body, at=now)
    return Taken(snapshot, name, known, new, entry, checked.inspection if checked else None)


def _kept_beside(ws: Workspace, checked: Checked) -> dict[str, Any]:
    """What the entry says of rows that do not fit: counts, and the digests of two tables, the rows' numbers and the rows left out."""
    said = [{"check": one.check, "policy": one.policy, "rows": one.count} for one in checked.inspection.violations]
    kept: dict[str, Any] = {"violations": said} if said else {}
    if checked.broken.height:
        kept["broken"] = {"rows": checked.broken.height, "table": ws.tables.put("violations", checked.broken)}
    if checked.aside.height:
        kept["aside"] = {"rows": checked.aside.height, "table": ws.tables.put("quarantine", tokens(ws, checked.aside, checked.known))}
    return kept


def latest(ws: Workspace, origin: str) -> Snapshot | None:
    """The newest snapshot of an origin."""
    entry = _newest(ws, origin)
    return ws.artifacts.get_record(Snapshot, entry.body["artifacts"]["snapshot"]) if entry else None


def _newest(ws: Workspace, origin: str) -> Entry | None:
    found = [entry for entry in ws.ledger.entries(kind="snapshot") if entry.body["origin"] == origin]
    return found[-1] if found else None


def tokens(ws: Workspace, frame: pl.DataFrame, known: Schema) -> pl.DataFrame:
    """Put a keyed hash in the place of each subject: HMAC-SHA256, 128 bits."""
    import polars as pl  # the command line starts without it

    for column in known.used("subject"):
        if column.name in frame.columns:
            secret = ws.secret("subjects")
            values = frame[column.name].cast(pl.String)
            each = values.drop_nulls().unique()
            token = pl.Series([subject_token(secret, value) for value in each.to_list()], dtype=pl.String)
            frame = frame.with_columns(values.replace_strict(each, token, default=None, return_dtype=pl.String).alias(column.name))
    return frame
