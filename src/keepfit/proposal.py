"""A proposal: what the project file of a table that nobody has described might say, and why."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from keepfit import errors, hints
from keepfit.instant import Duration, from_micros
from keepfit.survey import FEW, Survey, Trait

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Answers", "Proposal", "propose"]

#: What `[columns]` says of one column.
Setting: TypeAlias = Mapping[str, bool | str]

#: Columns that a key is put together from, and the most that it may have.
_TRIED, _LONGEST_KEY = 12, 5
#: Whole numbers with at most so many values are taken for classes.
_MOST_CLASSES = 10
#: Delays that people name, shortest first.
_DELAYS = tuple(map(Duration.parse, ("1h", "6h", "12h", "1d", "2d", "3d", "7d", "14d", "30d", "60d", "90d", "180d", "365d")))


@dataclass(frozen=True, slots=True)
class Answers:
    """What the owner said; None where nothing was said, empty where there is none."""

    name: str | None = None
    target: str | None = None
    task: str | None = None
    positive: str | None = None
    time: str | None = None
    key: tuple[str, ...] | None = None
    label_delay: str | None = None
    value: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """The settings that are proposed for a table.

    `settings` is what `[columns]` would say. `reasons` say why, by the dotted key: `problem.target`, `columns.email`.
    `notes` are what the owner should look at. `least` and `most` bound the time column. `others` are further columns
    that might as well be meant as the target; empty where its name or its place speaks for the one that is proposed.
    """

    record: ClassVar[str] = "proposal"
    version: ClassVar[int] = 1

    source: str
    rows: int
    columns: int
    name: str
    task: str
    target: str
    positive: bool | int | float | str | None
    time: str | None
    least: datetime | None
    most: datetime | None
    key: tuple[str, ...]
    label_delay: Duration
    value: Mapping[str, float]
    settings: Mapping[str, Setting]
    gates: Mapping[str, Mapping[str, Any]]
    reasons: Mapping[str, str]
    notes: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


def propose(frame: pl.DataFrame, seen: Survey, said: Answers, *, source: str, later: Mapping[str, str]) -> Proposal:
    """What to write down about a table.

    Parameters
    ----------
    frame : the table in its stored types
    seen : its survey
    said : what the owner said, which is taken as it is
    later : columns that look known only later, and why

    Raises
    ------
    UnknownColumn, BadTarget, BadArgument, Undecided
        What the owner named is not there or does not fit; or no column looks like a target.
    """
    reasons: dict[str, str] = {}
    people = {column.name: found for column in seen.columns if (found := hints.of_people(column, seen.rows))}
    target, others = _target(seen, said, people, reasons)
    task = said.task or _task(seen[target])
    positive = _positive(seen[target], said, reasons) if hints.finds_one(task) else None
    time = _time(seen, said, target, reasons)
    after = _after(frame, seen, target, time)
    delay = _label_delay(frame, said, target, time, after, reasons)
    key = _key(frame, seen, said, target, time, people, reasons)
    taken = {target, time, *key}
    settings: dict[str, Setting] = {}
    for column in seen.columns:
        setting, why = _setting(column, seen.rows, {**after, **later}, people) if column.name not in taken else ({}, "")
        if setting:
            settings[column.name] = setting
            reasons[f"columns.{column.name}"] = why
    instant = seen[time] if time else None
    return Proposal(
        source=source,
        rows=seen.rows,
        columns=len(seen.columns),
        name=said.name or _name(source),
        task=task,
        target=target,
        positive=positive,
        time=time,
        least=from_micros(int(instant.least)) if instant and instant.least is not None else None,
        most=from_micros(int(instant.most)) if instant and instant.most is not None else None,
        key=key,
        label_delay=delay,
        value=hints.worth(task, said.value or ()),
        settings=settings,
        gates=hints.gates(task, seen[target].spread),
        reasons=reasons,
        notes=tuple(_notes(seen, target, time, key, people)),
        others=others,
    )


def _named(seen: Survey, name: str, option: str) -> Trait:
    if name not in seen.names:
        fix = errors.near_match(name, seen.names)
        raise errors.UnknownColumn(f"no column '{name}' in the data", at=option, fix=fix)
    return seen[name]


# -- the target ---------------------------------------------------------------------------------


def _target(seen: Survey, said: Answers, people: Mapping[str, tuple[Setting, str]], reasons: dict[str, str]) -> tuple[str, tuple[str, ...]]:
    if said.target:
        return _fit_for_target(_named(seen, said.target, "--target"), seen.rows).name, ()
    scores = {column.name: _as_target(seen, column, place, people) for place, column in enumerate(seen.columns)}
    likely = sorted((name for name, score in scores.items() if score > 0), key=lambda name: -scores[name])
    if not likely:
        fix = "name it: keepfit init TABLE --target COLUMN"
        raise errors.Undecided("no column looks like something to predict", at="the table's columns", fix=fix)
    # Of equals the last: a table mostly ends with what it is about.
    column = seen[max(likely, key=lambda name: (scores[name], seen.names.index(name)))]
    last = column.name == seen.names[-1]
    named = hints.target_words(column)
    only = column.distinct == 2 and sum(seen[name].distinct == 2 for name in likely) == 1
    values = f"{column.distinct} values" if column.distinct <= FEW or column.kind != "number" else "a number"
    values = "the only one of 2 values" if only else values
    reasons["problem.target"] = ", ".join([values, *(["last column"] if last else []), *(["by its name"] if named else [])])
    speaks_for_it = named or only or (last and column.distinct == 2) or len(likely) == 1
    return column.name, () if speaks_for_it else tuple(name for name in likely[:6] if name != column.name)


def _as_target(seen: Survey, column: Trait, place: int, people: Mapping[str, tuple[Setting, str]]) -> float:
    """How much a column looks like what somebody wants to know; 0 where it cannot be that."""
    if column.name in people or not _can_be_target(column, seen.rows) or hints.counts_rows(column, seen.rows):
        return 0.0
    score = 0.5 + 2.0 * hints.target_words(column) + 2.0 * (column.distinct == 2) + 1.5 * (place == len(seen.columns) - 1)
    return score - 2.0 * (column.missing > seen.rows / 2)


def _can_be_target(column: Trait, rows: int) -> bool:
    if column.distinct < 2 or column.kind == "moment" or column.prose:
        return False
    return column.dtype != "text" or column.distinct <= FEW


def _fit_for_target(column: Trait, rows: int) -> Trait:
    """A column that the owner chose, or why nothing can be learned about it."""
    at = f"column {column.name}"
    if column.distinct == 0:
        raise errors.BadTarget("the target is empty in every row", at=at, fix="name another column, or mend the source")
    if column.distinct == 1:
        fix = "take data in which it varies, or name another target"
        raise errors.OneClass("the target has one value only: there is nothing to learn", at=at, fix=fix)
    if not _can_be_target(column, rows):
        what = "times" if column.kind == "moment" else f"{column.distinct:,} different texts"
        fix = "name a column of truth values, of a few names, or of numbers"
        raise errors.BadTarget(f"the target holds {what}, which no task predicts", at=at, fix=fix)
    return column


def _task(target: Trait) -> str:
    if target.distinct == 2:
        return "binary"
    if target.dtype == "text" or (target.whole and target.distinct <= _MOST_CLASSES):
        return "multiclass"
    return "regression"


def _positive(target: Trait, said: Answers, reasons: dict[str, str]) -> bool | int | float | str | None:
    values: dict[bool | int | float | str, int] = dict(target.values)
    if said.positive is not None:
        spelled = {_spell(value): value for value in values}
        if said.positive not in spelled:
            fix = errors.near_match(said.positive, spelled) if len(spelled) <= FEW else ""
            raise errors.BadArgument(f"the target has no value '{said.positive}'", at="--positive", fix=fix)
        return spelled[said.positive]
    if len(values) != 2:
        return None
    found = next((value for value in values if _spell(value).lower() in hints.YES), None)
    chosen = min(values, key=lambda value: (values[value], _spell(value))) if found is None else found
    share = 100 * values[chosen] / max(1, sum(values.values()))
    reasons["problem.positive"] = f"{share:.0f} % of rows" if share >= 1 else f"{share:.2g} % of rows"
    return chosen


def _spell(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


# -- time ---------------------------------------------------------------------------------------


def _time(seen: Survey, said: Answers, target: str, reasons: dict[str, str]) -> str | None:
    if said.time is not None:
        if not said.time:
            return None
        column = _named(seen, said.time, "--time")
        if column.kind != "moment":
            fix = "name a column of dates or timestamps; leave --time out where there is none"
            raise errors.BadArgument(f"column '{column.name}' does not hold times", at="--time", fix=fix)
        return column.name
    fit = [column for column in times(seen) if column.name != target]
    if not fit:
        return None
    earliest = min(fit, key=lambda column: column.least or 0.0)
    best = max(fit, key=lambda column: (hints.time_words(column) + (column is earliest), -(column.least or 0.0)))
    reasons["problem.time"] = "the only column of times" if len(fit) == 1 else "it looks like the moment of the decision"
    return best.name


def times(seen: Survey) -> list[Trait]:
    """The columns that may say when a row's decision was due: known in every row, and not always the same."""
    return [c for c in seen.columns if c.kind == "moment" and c.missing == 0 and c.distinct > 2 and not hints.of_birth(c)]


def _after(frame: pl.DataFrame, seen: Survey, target: str, time: str | None) -> dict[str, str]:
    """Times that never lie before the decision's, and mostly after it."""
    found: dict[str, str] = {}
    for column in seen.columns:
        if time is None or column.kind != "moment" or column.name in (time, target) or column.distinct == 0:
            continue
        gap = (frame[column.name].cast(int) - frame[time].cast(int)).drop_nulls()
        if len(gap) and int(gap.min()) >= 0 and float((gap > 0).mean() or 0.0) > 0.5:  # type: ignore[arg-type]
            found[column.name] = f"it lies after {time}"
    return found


def _label_delay(
    frame: pl.DataFrame, said: Answers, target: str, time: str | None, after: Mapping[str, str], reasons: dict[str, str]
) -> Duration:
    if said.label_delay is not None:
        return _duration(said.label_delay)
    if time is None:
        return Duration(0)
    instants = frame[time].cast(int)
    known = instants.filter(frame[target].is_not_null())
    newest, newest_known = instants.max(), known.max()
    if isinstance(newest, int) and isinstance(newest_known, int) and newest > newest_known:
        reasons["problem.label_delay"] = "the newest rows have no target yet"
        return _at_least(newest - newest_known)
    gaps = [(frame[name].cast(int) - instants).drop_nulls().quantile(0.99) for name in after]
    longest = max((gap for gap in gaps if gap is not None), default=None)
    if longest is not None:
        reasons["problem.label_delay"] = f"as long as {_list(list(after))} takes"
        return _at_least(int(longest))
    reasons["problem.label_delay"] = "a guess"
    day = Duration.parse("1d")
    ordered = instants.sort()
    inside = int((ordered < int(ordered[int(len(ordered) * 0.8)]) - day.microseconds).sum())
    return day if inside >= len(ordered) / 2 else Duration(0)


def _duration(text: str) -> Duration:
    try:
        return Duration.parse(text)
    except ValueError as error:
        raise errors.BadArgument(str(error), at="--label-delay", fix="write a number and a unit: 7d, 12h, 30m") from None


def _at_least(microseconds: int) -> Duration:
    """The shortest delay with a name that is no shorter."""
    return next(
        (delay for delay in _DELAYS if delay.microseconds >= microseconds), Duration(-(-microseconds // 86_400_000_000) * 86_400_000_000)
    )


# -- the key ------------------------------------------------------------------------------------


def _key(
    frame: pl.DataFrame,
    seen: Survey,
    said: Answers,
    target: str,
    time: str | None,
    people: Mapping[str, tuple[Setting, str]],
    reasons: dict[str, str],
) -> tuple[str, ...]:
    if said.key is not None:
        for name in said.key:
            _named(seen, name, "--key")
        return said.key
    fit = [c for c in seen.columns if _can_name_rows(c) and c.name != target and not hints.kept_out(people.get(c.name))]
    alone = [c for c in fit if c.distinct == seen.rows and (hints.identifies(c) or hints.counts_rows(c, seen.rows))]
    named = [c.name for c in alone if not hints.numbers_rows(c)]
    joint = () if named else _joint_key(frame, seen, [c for c in fit if not hints.numbers_rows(c)], time)
    key = tuple(named[:1]) or joint or tuple(c.name for c in alone[:1])
    if key:
        reasons["problem.key"] = "different in every row" if len(key) == 1 else "together different in every row"
    return key


def _can_name_rows(column: Trait) -> bool:
    return column.missing == 0 and column.distinct > 1 and column.dtype in ("int", "text", "instant") and not column.prose


def _joint_key(frame: pl.DataFrame, seen: Survey, fit: Sequence[Trait], time: str | None) -> tuple[str, ...]:
    """The time and a few names that together are different in every row; none where there are no such."""
    names = [c for c in fit if c.dtype == "text" or hints.identifies(c)]
    tried = [c.name for c in sorted(names, key=lambda c: (-hints.identifies(c), -c.distinct))][:_TRIED]
    chosen = [time] if time else []
    count = frame.select(chosen).n_unique() if chosen else 1
    while count < frame.height and len(chosen) < _LONGEST_KEY and tried:
        counts = {name: frame.select([*chosen, name]).n_unique() for name in tried}
        best = max(tried, key=lambda name: counts[name])
        if counts[best] <= count:
            break
        chosen, count = [*chosen, best], counts[best]
        tried.remove(best)
    if count < frame.height or not chosen:
        return ()
    for name in list(chosen):  # what came early may not be needed any more
        fewer = [other for other in chosen if other != name]
        if name != time and fewer and frame.select(fewer).n_unique() == frame.height:
            chosen = fewer
    return (*(name for name in seen.names if name in chosen and name != time), *([time] if time else []))


# -- the other columns --------------------------------------------------------------------------


def _setting(column: Trait, rows: int, later: Mapping[str, str], people: Mapping[str, tuple[Setting, str]]) -> tuple[Setting, str]:
    """What `[columns]` should say of a column that is neither target, time nor key."""
    if column.name in people:
        return people[column.name]
    if column.name in later:
        return {"known": "later"}, later[column.name]
    if hints.counts_rows(column, rows):
        return {"ignore": True}, "it counts the rows"
    if column.dtype == "text" and not column.prose and column.distinct > 100 and column.distinct >= 0.95 * rows:
        return {"ignore": True}, "nearly every row has its own"
    if column.dtype == "int" and hints.identifies(column) and 2 < column.distinct < 0.5 * rows:
        return {"kind": "category"}, "a number by form, a name by its own name"
    return {}, ""


def _notes(seen: Survey, target: str, time: str | None, key: tuple[str, ...], people: Mapping[str, tuple[Setting, str]]) -> list[str]:
    notes = []
    if not key:
        notes.append("no columns name one row each: labels can only come by the id of a prediction; say `key` when there is one")
    persons = [name for name in key if "subject" in people.get(name, ({}, ""))[0]]
    if persons:
        notes.append(f"{_list(persons)} names people, and the key is not kept as a hash: name rows by another column if you can")
    constant = [c.name for c in seen.columns if c.distinct <= 1 and c.name not in (target, time)]
    if constant:
        notes.append(f"the same in every row: {_list(constant)}")
    ages = [c.name for c in seen.columns if hints.of_age(c) and c.name not in (target, time)]
    if ages:
        notes.append(f"if {_list(ages)} says how old a person is, it may be protected by law: protected = true")
    unread = [c.name for c in seen.columns if c.form == "date"]
    if unread and time is None:
        notes.append(f"{_list(unread)} holds dates as text: store them as dates, so that the newest rows can be the test")
    return notes


def _list(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _name(source: str) -> str:
    """A project's name from its table's."""
    stem = re.split(r"[/:]", source.rstrip("/"))[-1].split(".")[0].split("?")[0]
    slug = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")
    slug = slug if re.match(r"[a-z]", slug) else f"project-{slug}".strip("-")
    return slug[:63].rstrip("-")
